"""The rooms of the package: few on the first floor, small files, imports that point one way."""

from pathlib import Path
from statistics import median

import pytest
from importlinter import cli

ROOT = Path(__file__).parents[1]
PACKAGE = ROOT / "al_runner"
FILES = sorted(PACKAGE.rglob("*.py"))


def lines(path: Path) -> int:
    return len(path.read_text().splitlines())


def test_imports_point_one_way(monkeypatch: pytest.MonkeyPatch) -> None:
    """By the contracts in pyproject.toml; `lint-imports` prints them."""
    monkeypatch.chdir(ROOT)
    assert cli.lint_imports() == cli.EXIT_STATUS_SUCCESS


def test_the_first_floor() -> None:
    modules = [path for path in PACKAGE.glob("*.py") if path.name != "__init__.py"]
    rooms = [path.parent for path in PACKAGE.glob("*/__init__.py")]
    assert len(modules) <= 6, modules
    assert 7 <= len(rooms) <= 10, rooms


@pytest.mark.parametrize("room", sorted(PACKAGE.rglob("__init__.py")), ids=lambda path: path.parent.name)
def test_a_room_says_what_happens_there(room: Path) -> None:
    doc = room.read_text()
    assert doc.startswith('"""')
    if room.parent != PACKAGE:
        assert "mport" in doc.split('"""')[1], "and what may be imported from where"


def test_files_are_small() -> None:
    assert len(FILES) > 200
    assert not [path for path in FILES if lines(path) > 300]
    assert median(map(lines, FILES)) <= 92
