"""The groups of `conf/`, their options, and what is known of every key."""

from collections.abc import Iterator
from dataclasses import dataclass, replace
from functools import cache
from pathlib import Path

from al_runner.config.schema import Config
from docs_pages import commented, docstrings, kinds

ROOT = Path(__file__).parents[2]
CONF = ROOT / "conf"
PRESETS = "experiment"


@dataclass(frozen=True)
class Value:
    """A key with everything that is known of it.

    Attributes:
        path: dotted, below the option's node.
        default: as the file has it.
        allowed: what may be given, in words; empty where nothing is known but the default.
        meaning: its description.
    """

    path: str
    default: str
    allowed: str
    meaning: str


@dataclass(frozen=True)
class Option:
    """A file of a group.

    Attributes:
        group: the group.
        name: the option, `folder/option` where it lies in a folder.
        header: the comment that the file begins with.
        target: what its node builds, if anything.
        parent: the option that it is made from, if any.
        values: its own keys.
        text: the file.
    """

    group: str
    name: str
    header: str
    target: str | None
    parent: "Option | None"
    values: tuple[Value, ...]
    text: str

    @property
    def is_variant(self) -> bool:
        """Whether it only sets what another option has, and says no more."""
        known = {value.path for value in self.parent.inherited} if self.parent else set()
        return not self.header and {value.path for value in self.values} < known

    @property
    def inherited(self) -> tuple[Value, ...]:
        """Its keys and those of what it is made from, each with the option's own default."""
        own = {value.path: value for value in self.values}
        above = self.parent.inherited if self.parent else ()
        new = [value for path, value in own.items() if path not in {each.path for each in above}]
        return (*(own.get(value.path, value) for value in above), *new)


@cache
def schema() -> dict[str, tuple[str, str]]:
    """Dotted key → words and description, of all that the schema knows."""
    return kinds.fields(Config)


def groups() -> list[str]:
    """The groups, in the order in which `conf/config.yaml` composes them, then the others."""
    names = [path.name for path in sorted(CONF.iterdir()) if path.is_dir() and not path.name.startswith("_")]
    text = (CONF / "config.yaml").read_text()
    return sorted(names, key=lambda name: text.find(f"- {name}: ") % len(text))


def options(group: str) -> list[Option]:
    """The options of a group."""
    folder = CONF / group
    names = [path.relative_to(folder).with_suffix("").as_posix() for path in sorted(folder.rglob("*.yaml"))]
    return [option(group, name) for name in names]


@cache
def option(group: str, name: str) -> Option:
    """One option."""
    text = (CONF / group / f"{name}.yaml").read_text()
    parents = [] if group == PRESETS else [option(group, each) for each in commented.parents(text)]
    parent = parents[0] if parents else None
    target = commented.node_target(text) or (parent.target if parent else None)
    header = commented.header(text)
    made = Option(group, name, header, target, parent, (), text)
    return made if group == PRESETS else replace(made, values=tuple(_values(made)))


def top_level() -> list[Value]:
    """The keys of `conf/config.yaml` that belong to no group."""
    found = commented.keys((CONF / "config.yaml").read_text())
    own = [_value(key, key.path, "", {}) for key in found if key.path.split(".")[0] != "hydra"]
    return [*own, *_further([value.path for value in own], {value.path.split(".")[0] for value in own})]


def _values(made: Option) -> Iterator[Value]:
    """The keys of an option's file; of a node of the schema, those too that no file writes."""
    above = {value.path: value.meaning for value in made.parent.inherited} if made.parent else {}
    found = commented.keys(made.text)
    for key in found:
        value = _value(key, f"{made.group}.{key.path}", made.target or "", above)
        yield replace(value, path=key.path)
    if made.parent is None and made.target is None:
        prefix = f"{made.group}."
        for value in _further([f"{prefix}{key.path}" for key in found], {made.group}):
            yield replace(value, path=value.path.removeprefix(prefix))


def _further(given: list[str], nodes: set[str]) -> Iterator[Value]:
    """Keys that the schema takes below some nodes and that no file writes."""
    for path, (allowed, meaning) in schema().items():
        below = path.split(".")[0] in nodes and "." in path
        if below and path not in given and not any(each.startswith(f"{path}.") for each in given):
            yield Value(path, "", allowed, meaning)


def _value(key: commented.Key, path: str, target: str, above: dict[str, str]) -> Value:
    """What the file, the schema, the target and the option above say of a key."""
    allowed, described = schema().get(path, ("", ""))
    target = key.target or (target if "." not in key.path else "")
    name = key.path.rpartition(".")[2]
    described = key.comment or described or above.get(key.path, "")
    if target:
        allowed = allowed or kinds.parameters(target).get(name, "")
        described = described or docstrings.arguments(target).get(name, "")
    return Value(key.path, key.default, allowed, described or key.around)
