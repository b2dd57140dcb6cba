import doctest
import importlib
import pkgutil

import pytest

from al_runner import acquisition

MODULES = [f"{acquisition.__name__}.{module.name}" for module in pkgutil.iter_modules(acquisition.__path__)]


@pytest.mark.parametrize("name", MODULES)
def test_examples(name: str) -> None:
    assert doctest.testmod(importlib.import_module(name)).failed == 0
