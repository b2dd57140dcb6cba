"""Files of the project that say the same thing: they agree."""

import re
import tomllib

import yaml

import al_runner
from tests.docs.written import ROOT

PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text())


def plain(name: str) -> str:
    """A package's name as registries compare it."""
    return re.sub(r"[-_.]+", "-", re.match(r"[\w.-]+", name)[0]).lower()


def test_one_version() -> None:
    changelog = (ROOT / "CHANGELOG.md").read_text()
    number, date = re.search(r"^## (\S+) \((\S+)\)$", changelog, re.MULTILINE).groups()
    citation = yaml.safe_load((ROOT / "CITATION.cff").read_text())
    assert al_runner.__version__ == number == citation["version"]
    assert str(citation["date-released"]) == date


def test_every_package_that_is_asked_for_is_pinned() -> None:
    extras = PROJECT["project"]["optional-dependencies"]
    asked = [*PROJECT["project"]["dependencies"], *(name for names in extras.values() for name in names)]
    lines = (ROOT / "constraints.txt").read_text().splitlines()
    pinned = {plain(line) for line in lines if re.fullmatch(r"[\w.-]+==[\w.]+", line)}
    assert len(pinned) > 100
    assert not {plain(name) for name in asked} - pinned - {"al-runner"}


def test_hooks_run_what_make_runs() -> None:
    (repository,) = yaml.safe_load((ROOT / ".pre-commit-config.yaml").read_text())["repos"]
    assert repository["repo"] == "local"
    assert [hook["entry"] for hook in repository["hooks"]] == ["make lint"]


def test_the_package_is_typed() -> None:
    assert (ROOT / "al_runner" / "py.typed").is_file()
    assert "py.typed" in PROJECT["tool"]["setuptools"]["package-data"]["al_runner"]


def test_issues_ask_for_what_is_needed() -> None:
    forms = {path.stem: yaml.safe_load(path.read_text()) for path in (ROOT / ".github").rglob("*.yml")}
    assert set(forms) == {"bug", "feature", "question"}
    assert {part["id"] for part in forms["bug"]["body"]} >= {"command", "error", "manifest"}
