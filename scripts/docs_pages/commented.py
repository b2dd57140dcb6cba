"""YAML text → its keys, with their defaults as written and the comments beside or above them."""

from collections.abc import Iterator
from dataclasses import dataclass

import yaml

SKIPPED = ("_target_", "_partial_", "defaults")


@dataclass(frozen=True)
class Key:
    """A key of a config file.

    Attributes:
        path: dotted, below the file's own node.
        default: the value as it is written.
        comment: what the file says of it; empty where it says nothing.
        target: what the node that holds the key builds, if it says so.
        around: the comment of the mapping `{…}`, or of the block without a `_target_`, that the key is in.
    """

    path: str
    default: str
    comment: str
    target: str | None
    around: str = ""


def header(text: str) -> str:
    """The comment that a file begins with."""
    lines = []
    for line in text.splitlines():
        if not line.startswith("#"):
            break
        if not line.startswith("# @package"):
            lines.append(line.removeprefix("#").strip())
    return "\n".join(lines)


def keys(text: str) -> list[Key]:
    """All keys that hold a value."""
    root = yaml.compose(text)
    return list(_keys(root, text.splitlines(), "")) if isinstance(root, yaml.MappingNode) else []


def node_target(text: str) -> str | None:
    """The `_target_` of a file's own node."""
    root = yaml.compose(text)
    return _target(root) if isinstance(root, yaml.MappingNode) else None


def parents(text: str) -> list[str]:
    """The options of its own group that a file is made from."""
    root = yaml.safe_load(text) or {}
    return [entry for entry in root.get("defaults", []) if isinstance(entry, str) and entry != "_self_"]


def _target(node: yaml.MappingNode) -> str | None:
    found = [value.value for key, value in node.value if key.value == "_target_"]
    return found[0] if found else None


def _keys(node: yaml.MappingNode, lines: list[str], prefix: str, around: str = "") -> Iterator[Key]:
    target = _target(node)
    for key, value in node.value:
        if key.value in SKIPPED:
            continue
        path = f"{prefix}{key.value}"
        comment = _beside(key, value, lines) or _above(key, lines)
        if isinstance(value, yaml.MappingNode) and value.value:
            inner = (comment or around) if value.flow_style or not _target(value) else ""
            if comment and not value.flow_style:
                yield Key(path, "", comment, target)
            if not (value.flow_style and {each.value for each, _ in value.value} <= set(SKIPPED)):
                yield from _keys(value, lines, f"{path}.", inner)
                continue
        yield Key(path, _written(value, lines), "" if node.flow_style else comment, target, around)


def _written(value: yaml.Node, lines: list[str]) -> str:
    """The value as the file has it, on one line."""
    start, end = value.start_mark, value.end_mark
    if start.line == end.line:
        return lines[start.line][start.column : end.column]
    held = [
        lines[start.line][start.column :],
        *lines[start.line + 1 : end.line],
        lines[end.line][: end.column],
    ]
    return " ".join(line.strip() for line in held)


def _beside(key: yaml.Node, value: yaml.Node, lines: list[str]) -> str:
    """The comment behind a value, or behind the key of a block of values."""
    block = isinstance(value, yaml.CollectionNode) and not value.flow_style
    mark = key.end_mark if block else value.end_mark
    line, column = mark.line, mark.column
    _, sign, comment = lines[line][column:].partition(" #") if line < len(lines) else ("", "", "")
    return comment.strip() if sign else ""


def _above(key: yaml.Node, lines: list[str]) -> str:
    """The comment in the lines above an indented key."""
    found: list[str] = []
    for line in reversed(lines[: key.start_mark.line]):
        if not line.strip().startswith("#") or not key.start_mark.column:
            break
        found.insert(0, line.strip().removeprefix("#").strip())
    return " ".join(found)
