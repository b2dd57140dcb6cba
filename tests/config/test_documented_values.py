"""Every value that a comment in `conf/`, the schema or `al-run --help` names as allowed is accepted.

Nothing is typed in here. In a YAML file, the comment of a key lists what it takes after a colon, as
`value | value (what it means) | value (with what.it.needs=so)`; the comment of a key without a value speaks
of the keys in it. In a node, `…` stands for the run's own part; alone, for what only a user knows.
"""

import re
import shlex
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal, get_args, get_origin

import pytest
import yaml
from hydra.core.override_parser.overrides_parser import OverridesParser
from omegaconf import DictConfig, OmegaConf

from al_runner.config.help import help_text
from al_runner.config.parts import Parts
from al_runner.config.schema import Config, Strict, validate
from al_runner.errors import InputError
from tests.composing import composed
from tests.config.test_configs import CONF, config_of, provide_data

BUILT = ("strategy", "posterior", "oracle", "logger", "optimizer", "dataset", "encoder", "head")
"""Groups whose parts are built with each value, too; networks see images first."""
BRACKETS = {"(": ")", "[": "]", "{": "}"}


@dataclass(frozen=True)
class Value:
    """A value that a comment names, and what it needs: `all (the whole pool, with schedule.budget=all)`."""

    text: str
    needs: str | None = None


@dataclass(frozen=True)
class Documented:
    """The values that a comment names for a key of a file."""

    file: str
    key: str
    values: tuple[Value, ...]

    @property
    def texts(self) -> tuple[str, ...]:
        return tuple(value.text for value in self.values)


def split(text: str, separator: str) -> list[str]:
    """A text at a separator that stands in no brackets."""
    parts, depth = [""], 0
    for letter in text:
        depth += (letter in BRACKETS) - (letter in BRACKETS.values())
        if letter == separator and not depth:
            parts.append("")
        else:
            parts[-1] += letter
    return [part.strip() for part in parts]


def alternatives(comment: str) -> list[Value]:
    """The values that a comment lists; none where it lists none."""
    listed = next((clause for clause in split(comment, ";") if len(split(clause, "|")) > 1), "")
    first, *others = split(listed, "|")
    return [value_of(item) for item in (split(first, ":")[-1], *others)] if others else []


def value_of(item: str) -> Value:
    """A value without what it means, which stands behind it in parentheses."""
    needs = re.search(r"\bwith ([\w.]+=\S+)\)$", item)
    return Value(re.sub(r"\s+\(.*\)$", "", item), needs[1] if needs else None)


def documented(text: str, file: str) -> Iterator[Documented]:
    """What the comments of a YAML text name; keys with dots."""
    path: list[tuple[int, str]] = []
    spoken_of: dict[str, list[Value]] = {}
    for line in text.splitlines():
        found = re.match(r"^(\s*)([\w]+):\s*([^#]*?)\s*(?:#\s*(.*))?$", line)
        if not found:
            continue
        indent, name, value, comment = len(found[1]), found[2], found[3], found[4] or ""
        path = [(depth, each) for depth, each in path if depth < indent] + [(indent, name)]
        key = ".".join(each for _, each in path)
        values = alternatives(comment)
        if value:
            values = values or spoken_of.get(key.rpartition(".")[0], [])
            if values:
                yield Documented(file, key, tuple(values))
        elif values:
            spoken_of[key] = values


FILES = {path.relative_to(CONF).with_suffix("").as_posix(): path.read_text() for path in CONF.rglob("*.yaml")}
FOUND = [each for name in sorted(FILES) for each in documented(FILES[name], name)]


def test_reads_the_comments() -> None:
    def texts(comment: str) -> list[str]:
        return [value.text for value in alternatives(comment)]

    assert texts("labels: 20 | all (the whole pool | none)") == ["20", "all"]
    assert texts("epochs: 40 | {start: 6, grow: 1} (one; more); a | b") == ["40", "{start: 6, grow: 1}"]
    assert texts("true: all of them; or a few") == []
    assert alternatives("a | b (or so, with x.y=[1,2])")[1] == Value("b", "x.y=[1,2]")
    values = {(each.file, each.key): each.texts for each in FOUND}
    assert values["trainer/auto", "precision"] == ("auto", "32", "tf32", "bf16")
    assert values["strategy/ideal_kurtosis", "of"] == ("distribution", "counts")
    assert values["strategy/ideal_glcm", "informative.sum_entropy"] == ("high", "low")
    assert len(FOUND) > 100


@pytest.mark.parametrize("name", [name for name in FILES if not name.startswith("experiment/")])
def test_what_else_than_null_a_key_takes_is_said(name: str) -> None:
    """So no comment goes back to another way of listing values."""
    listed = {each.key.rpartition(".")[2] for each in FOUND if each.file == name}
    for line in FILES[name].splitlines():
        if found := re.match(r"^\s*(\w+): (null|\?\?\?)\s+#", line):
            assert found[1] in listed or found[2] == "???", line
        assert not re.search(r"#.*\b(null|true|all|skip): ", line), line


def base(file: str, tmp: Path) -> tuple[DictConfig, str]:
    """A config with a file in it, and the node that is the file's."""
    group, _, option = file.partition("/")
    if not option:
        return composed(), ""
    if group == "saliency":
        return composed(f"+saliency@strategy.saliency={option}"), "strategy.saliency."
    return config_of(file, tmp), f"{group}."


def parsed(key: str, text: str, config: DictConfig) -> Any:
    """A value as the command line reads it; `…` is the part of the run itself."""
    quoted = text.replace("…", "'…'")
    value = OverridesParser.create().parse_override(f"{key}={quoted}").value()
    if isinstance(value, dict):
        return {name: config[name] if each == "…" else each for name, each in value.items()}
    return value


def changed(config: DictConfig, override: str) -> None:
    key, _, text = override.partition("=")
    OmegaConf.update(config, key, parsed(key, text, config), merge=False, force_add=True)


@pytest.mark.parametrize("file", sorted({each.file for each in FOUND}))
def test_is_accepted(file: str, tmp_path: Path) -> None:
    start, node = base(file, tmp_path)
    group = file.partition("/")[0]
    if group == "dataset":
        provide_data(start, tmp_path)
    for each in (each for each in FOUND if each.file == file):
        for value in each.values:
            if value.text == "…":
                continue
            config, override = start.copy(), f"{node}{each.key}={value.text}"
            changed(config, override)
            if value.needs:
                changed(config, value.needs)
            assert isinstance(validate(config), Config)
            if group in BUILT:
                builds(group, config, override)


def builds(group: str, config: DictConfig, override: str) -> None:
    """A part is made with a value; that other small files would be needed for it is no fault of the value."""
    if group == "dataset" and re.search(r"=\d+$|\\", override):
        return  # other files, or patterns of their names
    try:
        Parts(config)(group)
    except InputError as error:
        if group != "dataset" or re.search("did you mean|there are", str(error)):
            raise


def literals(model: type[Strict] = Config, path: str = "") -> Iterator[tuple[str, str]]:
    """Every word that the schema takes, by its key."""
    for name, field in model.model_fields.items():
        yield from of_annotation(field.annotation, f"{path}{name}")


def of_annotation(annotation: Any, key: str) -> Iterator[tuple[str, str]]:
    if get_origin(annotation) is Literal:
        yield from ((key, str(value)) for value in get_args(annotation))
    elif isinstance(annotation, type) and issubclass(annotation, Strict):
        yield from literals(annotation, f"{key}.")
    else:
        for inner in get_args(annotation):
            yield from of_annotation(inner, key)


LITERALS = sorted({(key, value) for key, value in literals() if "switch_dataset" not in key})


@pytest.mark.parametrize(("key", "value"), LITERALS)
def test_words_of_the_schema(key: str, value: str) -> None:
    """Accepted, and said by a comment, or an option of a group."""
    config = composed()
    given: Any = OverridesParser.create().parse_override(f"{key}={value}").value()
    is_list = OmegaConf.is_list(OmegaConf.select(config, key))
    also = {"schedule.initial_size": ["schedule.budget"]}.get(key, [])
    for name in (key, *also):
        OmegaConf.update(config, name, [given] if is_list else given, merge=False)
    validate(config)
    group, _, name = key.partition(".")
    said = {text for each in FOUND if each.key in (key, name) for text in each.texts}
    in_value = (
        value in yaml.safe_load(FILES["config"]).get(group, {}).get(name, []) if name and is_list else False
    )
    option_of_group = (CONF / group / f"{value}.yaml").is_file()
    assert value in said or in_value or option_of_group, f"no comment says that {key} takes {value}"


def test_help_says_the_same() -> None:
    """The values of `--help` are those of the files, and its commands compose."""
    text = help_text()
    blocks = text.partition("Values (key=value)")[2].split("\n\n")
    values = "\n".join(line[2:] for line in blocks[0].splitlines()[1:])
    schedule = "\n".join(line[2:] for line in blocks[1].splitlines()[1:])
    for block, file in ((values, "config"), (schedule, "schedule/default")):
        told = list(documented(block, file))
        assert told
        assert told == [each for each in FOUND if each.file == file]
    commands = re.findall(r"^  (al-run .*?)(?:   .*)?$", text, re.MULTILINE)
    assert len(commands) >= 3
    for command in commands:
        words = [word for word in shlex.split(command)[1:] if "=" in word and "mine" not in word]
        for word in words:
            name, _, options = word.partition("=")
            for option in options.split(","):
                validate(composed(f"{name}={option}"))
