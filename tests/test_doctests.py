"""The examples in docstrings are true."""

import doctest
import importlib
from pathlib import Path

import pytest

import al_runner

ROOT = Path(al_runner.__file__).parent
MODULES = [
    ".".join(["al_runner", *path.relative_to(ROOT).with_suffix("").parts])
    for path in sorted(ROOT.rglob("*.py"))
    if ">>> " in path.read_text()
]


def test_there_are_examples() -> None:
    assert len(MODULES) > 15


@pytest.mark.parametrize("name", MODULES)
def test_examples(name: str) -> None:
    found = doctest.testmod(importlib.import_module(name))
    assert found.attempted
    assert not found.failed
