"""Commands in the documentation, and what Hydra and our schema make of them."""

import re
import shlex
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

from docs_pages import configuration
from hydra import initialize_config_module
from hydra._internal.utils import get_args_parser
from hydra.core.global_hydra import GlobalHydra
from hydra.core.override_parser.overrides_parser import OverridesParser
from hydra.core.override_parser.types import IntervalSweep, Override
from hydra.core.plugins import Plugins
from hydra.plugins.launcher import Launcher
from hydra.plugins.sweeper import Sweeper
from omegaconf import DictConfig, OmegaConf

from al_runner.config import globs  # noqa: F401  as the command does
from al_runner.config.schema import Config, validate
from al_runner.config.targets import check
from tests.docs.written import Block, blocks, sources, spans

SHELL = ("", "bash", "sh", "shell", "console")
ENDS = {"&&", "||", ";", "|", "&"}
ASIDE = ("help", "hydra_help", "version", "shell_completion")
"""Flags with which nothing is composed."""
PLACEHOLDER = re.compile(r"\$(\w+|\{[A-Z_]+\})")
MOST_VALUES = 4
"""Values of a swept key beyond which only the first and the last are tried; of a group, all are."""


@dataclass(frozen=True)
class Command:
    """A command of ours as it stands on a page.

    Attributes:
        where: page and line.
        name: `al-run` or `al-report`.
        words: its arguments.
        block: the fenced block; None in the text.
        said: what the page shows as its one line of error, or of what became of it.
    """

    where: str
    name: str
    words: tuple[str, ...]
    block: Block | None
    said: str = ""

    def __str__(self) -> str:
        return f"{self.where} {self.name} {' '.join(self.words)}"


def fenced(name: str) -> list[Command]:
    """Those of a name in fenced blocks."""
    return [
        Command(f"{block.page.name}:{block.line + number}", name, words[1:], block, said)
        for block in blocks()
        if block.language in SHELL
        for number, line, said in _lines(block.text)
        for words in _commands(line)
        if Path(words[0]).name == name
    ]


def inline(name: str) -> list[Command]:
    """Those of a name in the text, as far as they are whole."""
    return [
        Command(where, name, words[1:], None)
        for where, span in _spans()
        if span.startswith(f"{name} ") and not re.search(r"[…<]", span)
        for words in _commands(span)
    ]


@cache
def _spans() -> list[tuple[str, str]]:
    """What the text has between backticks, and where."""
    texts = {path.name: path.read_text() for path in sources()}
    texts["conf/"] = configuration.page()  # the comments that its files begin with
    return [(where, span) for where, text in texts.items() for span in spans(text)]


def _lines(text: str) -> Iterator[tuple[int, str, str]]:
    """Lines with their continuations, without a prompt, and what al-run says in the line below."""
    lines = text.splitlines()
    number = 0
    while number < len(lines):
        first, line = number, lines[number]
        while line.endswith("\\") and number + 1 < len(lines):
            number += 1
            line = line[:-1] + lines[number]
        number += 1
        below = lines[number] if number < len(lines) else ""
        said = below.removeprefix("al-run: ") if below.startswith("al-run: ") else ""
        yield first, line.strip().removeprefix("$ "), said


def _commands(line: str) -> Iterator[tuple[str, ...]]:
    """The commands of a line, without variables before them and without what stands for more words."""
    if not re.search(r"\bal-\w+", line):
        return
    lexer = shlex.shlex(line, posix=True, punctuation_chars=True)
    lexer.whitespace_split = True
    words: list[str] = []
    for word in [*lexer, ";"]:
        if word not in ENDS:
            words.append(PLACEHOLDER.sub("0", word))
            continue
        while words and re.match(r"[A-Z_]+=", words[0]):
            words.pop(0)
        if words:
            yield tuple(word for word in words if word != "…")
        words = []


def jobs(command: Command, folder: Path) -> list[list[str]]:
    """The overrides of the jobs that a command makes: every value of a sweep is in one of them.

    Args:
        command: an `al-run`.
        folder: where it is typed: `--config-dir` is below.
    """
    flags = get_args_parser().parse_args(list(command.words))
    if any(getattr(flags, name, None) for name in ASIDE):
        return []
    search = [f"hydra.searchpath=[file://{folder / flags.config_dir}]"] if flags.config_dir else []
    with initialize_config_module("al_runner.conf", version_base="1.3"):
        parser = OverridesParser.create(GlobalHydra.instance().config_loader())
        parsed = [each for each in parser.parse_overrides(flags.overrides) if _installed(each)]
        values = [_values(each) for each in parsed]
    swept = [str(each.input_line) for each in parsed if each.is_sweep_override()]
    assert flags.multirun or not swept, f"{swept} needs -m"
    n = max((len(each) for each in values), default=1)
    return [[*(each[job % len(each)] for each in values), *search] for job in range(n)]


def _installed(override: Override) -> bool:
    """Whether it asks for a plugin that is there, or for none, and sets nothing of one that is not."""
    plugins = {"hydra/launcher": Launcher, "hydra/sweeper": Sweeper}
    key = override.key_or_group
    if key.startswith(("hydra.sweeper.", "hydra.launcher.")):
        return False  # the keys are those of the plugin
    if key not in plugins or override.value() == "basic":
        return True
    name = str(override.value()).split("_")[0]
    return any(name in each.__module__ for each in Plugins.instance().discover(plugins[key]))


def _values(override: Override) -> list[str]:
    """What a word asks for in one job after the other."""
    key = override.get_key_element()
    if not override.is_sweep_override():
        return [str(override.input_line)]
    if isinstance(sweep := override.value(), IntervalSweep):
        return [f"{key}={end}" for end in (sweep.start, sweep.end)]
    found = [f"{key}={value}" for value in override.sweep_string_iterator()]
    if key == "seed":
        return found[:1]
    return found if len(found) <= MOST_VALUES or "." not in key else [found[0], found[-1]]


def checked(config: DictConfig) -> Config:
    """The typed config; what parts are built with has to be what they take."""
    typed = validate(config)
    for name in ("dataset", "model", "posterior", "strategy", "oracle", "optimizer", "logger"):
        _check_part(name, OmegaConf.to_container(config[name], resolve=True))
    return typed


def _check_part(name: str, node: Any) -> None:
    """Of a part that can be imported here: a page's own lies beside its YAML file."""
    if not node["_target_"].startswith("al_runner."):
        return
    check(node, name)
