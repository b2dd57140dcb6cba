"""A docstring → what it says, and what it says of each argument."""

import inspect
import re
from typing import Any

from hydra.utils import get_object

SECTION = re.compile(r"^(Args|Attributes|Raises|Returns|Yields):$", re.MULTILINE)
EXAMPLE = re.compile(r"^(>>> (?:.+\n?)+)", re.MULTILINE)
CODE = re.compile(r"(`[^`]*`)|<")
TOGETHER = re.compile(r"^    (\w+(?:, \w+)+): (.+(?:\n {8}.+)*)", re.MULTILINE)
ARGUMENT = re.compile(r"^    (\w+(?:, \w+)*): ", re.MULTILINE)


def said(target: Any) -> str:
    """What a docstring says before its sections and examples."""
    return SECTION.split(_of(target))[0].split("\n>>>")[0].strip()


def arguments(target: str) -> dict[str, str]:
    """Argument → its description; of a class, those of the classes that it is made from, too."""
    return attributes(get_object(target))


def attributes(named: Any) -> dict[str, str]:
    """The same of a function or class itself."""
    found: dict[str, str] = {}
    for each in reversed(inspect.getmro(named) if inspect.isclass(named) else (named,)):
        if each is not object:
            found |= _arguments(_of(each))
    return found


def _arguments(doc: str) -> dict[str, str]:
    """Those of the sections Args and Attributes."""
    parts = SECTION.split(doc)
    text = "".join(body for name, body in zip(parts[1::2], parts[2::2], strict=True) if name[0] == "A")
    pieces = ARGUMENT.split(text)
    return {
        name: " ".join(body.split()).removesuffix(".")
        for names, body in zip(pieces[1::2], pieces[2::2], strict=True)
        for name in names.split(", ")
    }


def _of(named: Any) -> str:
    """The object's own docstring, without indentation."""
    own = named.__dict__.get("__doc__") if inspect.isclass(named) else named.__doc__
    return inspect.cleandoc(own or "")


def one_by_one(doc: str) -> str:
    """The same with an entry of its own for each of several arguments that are described together."""

    def apart(found: re.Match[str]) -> str:
        return "\n".join(f"    {name}: {found[2]}" for name in found[1].split(", "))

    return TOGETHER.sub(apart, doc)


def markdown(doc: str) -> str:
    """A docstring in which HTML means nothing, and examples are code."""
    parts = EXAMPLE.split(CODE.sub(lambda found: found[0] if found[1] else "&lt;", doc))
    return "".join(f"```pycon\n{part.strip()}\n```\n" if part.startswith(">>>") else part for part in parts)
