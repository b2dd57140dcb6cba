import doctest
import importlib
import pkgutil

import pytest

from al_runner import acquisition

PREFIX = f"{acquisition.__name__}."
MODULES = [module.name for module in pkgutil.walk_packages(acquisition.__path__, PREFIX)]


@pytest.mark.parametrize("name", MODULES)
def test_examples(name: str) -> None:
    assert doctest.testmod(importlib.import_module(name)).failed == 0
