"""Every command that the documentation shows can be typed."""

import argparse
import re
import tomllib
from dataclasses import replace
from pathlib import Path
from textwrap import indent

import pytest
from hydra.core.global_hydra import GlobalHydra
from hydra.errors import HydraException

from al_runner.config.identity import identity
from al_runner.config.schema import to_dict
from al_runner.config.suggestions import explained
from al_runner.errors import InputError
from al_runner.report import cli
from tests.composing import composed
from tests.docs.commands import Command, checked, fenced, inline, jobs
from tests.docs.written import ROOT, blocks, sources, spans

RUNS = [*fenced("al-run"), *inline("al-run")]
REPORTS = [*fenced("al-report"), *inline("al-report")]
REMARKS = re.compile(r"finished already|^\d+ jobs?:|was run without|stopped by")
"""What al-run says of commands that are no mistakes."""
MAKE = re.compile(r"(?:^|&& |\$ )make ([a-z][a-z-]*)", re.MULTILINE)
FILE = re.compile(r"\b(?:scripts|conf|tests|al_runner)/[\w/.-]+\.(?:py|sh|yaml|md)\b")


def test_finds_the_commands() -> None:
    """A page in a new form must not make the checks below check nothing."""
    written = "\n".join(path.read_text() for path in sources())
    assert len(fenced("al-run")) >= 40
    assert len(fenced("al-report")) >= 8
    lines = re.findall(r"^(?:\$ )?(?:[A-Z_]+=\S+ )*al-run .*=", written, re.MULTILINE)
    assert len(fenced("al-run")) >= len(lines) > 30


@pytest.mark.parametrize("command", dict.fromkeys(RUNS), ids=str)
def test_al_run_composes(command: Command, tmp_path: Path) -> None:
    if command.block is not None:
        write_files(command.block.page, tmp_path)
    error = refused(command, tmp_path)
    if error is None:
        assert not command.said or REMARKS.search(command.said), "it is no mistake"
    elif not command.said:
        raise error
    else:  # a page may show a mistake, and what al-run says of it
        words = str(error) if isinstance(error, InputError) else explained(error, command.words)
        assert words == command.said


def refused(command: Command, folder: Path) -> Exception | None:
    """Why a command cannot be typed, if so."""
    GlobalHydra.instance().clear()
    try:
        for overrides in jobs(command, folder):
            checked(composed(*overrides))
    except (InputError, HydraException) as error:
        return error
    return None


@pytest.mark.parametrize("name", ["getting-started.md", "labeling.md"])
def test_run_folders_are_those_of_the_commands(name: str, tmp_path: Path) -> None:
    page = ROOT / "docs" / name
    shown = set(re.findall(r"seed-\d+-[0-9a-f]{8}", page.read_text()))
    own = [command for command in fenced("al-run") if command.block and command.block.page == page]
    GlobalHydra.instance().clear()
    made = set()
    for command in own:
        if not command.said and "--config-dir" not in command.words:
            configs = [to_dict(composed(*overrides)) for overrides in jobs(command, tmp_path)]
            made |= {f"seed-{config['seed']}-{identity(config)}" for config in configs}
    assert shown
    assert shown <= made


def write_files(page: Path, folder: Path) -> None:
    """The files that a page shows, each under the name that stands above it."""
    for block in blocks():
        if block.page == page and block.title.endswith((".yaml", ".py")) and block.language:
            path = folder / block.title
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(block.text)


@pytest.mark.parametrize("command", dict.fromkeys(REPORTS), ids=str)
def test_al_report_parses(command: Command) -> None:
    if {"--help", "-h", "--version"} & set(command.words):
        return
    places = [] if command.block else ["outputs"]  # what stands in the text may be options alone
    assert isinstance(cli.parser().parse_args([*command.words, *places]), argparse.Namespace)


def test_commands_are_those_that_are_installed() -> None:
    scripts = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]["scripts"]
    named = {word for path in sources() for word in re.findall(r"`(al-[a-z]+)\b", path.read_text())}
    assert "al-run" in named
    assert named - {"al-runner"} <= set(scripts)


def test_make_targets_exist() -> None:
    targets = set(re.findall(r"^([a-z-]+):", (ROOT / "Makefile").read_text(), re.MULTILINE))
    pages = [*sources(), ROOT / "CONTRIBUTING.md"]
    code = [
        *(block.text for block in blocks()),
        *(span for path in pages for span in spans(path.read_text())),
    ]
    named = {target for text in code for target in MAKE.findall(text)}
    assert {"install", "test"} <= named
    assert named <= targets


def test_files_of_the_project_exist() -> None:
    named = {(path.name, file) for path in sources() for file in FILE.findall(path.read_text())}
    assert len(named) > 10
    shown = {(block.page.name, block.title) for block in blocks()}  # files of the reader's own
    assert not [each for each in named - shown if not (ROOT / each[1]).is_file()]


@pytest.mark.parametrize(
    "block",
    [block for block in blocks() if block.language in ("python", "py")],
    ids=lambda block: f"{block.page.name}:{block.line}",
)
def test_python_compiles(block) -> None:
    name = f"{block.page.name}:{block.line}"
    if re.search(r"^ *(yield|return)\b", block.text, re.MULTILINE) and "def " not in block.text:
        block = replace(block, text="def lines():\n" + indent(block.text, "    "))  # some of a function
    assert compile(block.text, name, "exec") is not None
