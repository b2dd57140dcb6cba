"""What is wrong with a config's values: Pydantic's findings in our words."""

import re
from collections.abc import Collection, Mapping, Sequence
from typing import Any

from pydantic import ValidationError
from pydantic_core import ErrorDetails

from al_runner.config.keys import no_key
from al_runner.errors import nearest

PLAIN_WORDS = {
    "a valid dictionary or instance of EpochGrowth": "{start: n, grow: k}",
    "a valid dictionary or instance of Every": "{every: k}",
    "a valid dictionary or instance of PlateauConfig": "{metric: …, rounds: n, rise: r}",
    "a valid dictionary or instance of StableConfig": "{kappa: k, rounds: n, samples: m}",
    "a valid dictionary or instance of FinalModelConfig": "{model: …, epochs: n, record_max: null}",
    "a valid dictionary or instance of SwitchConfig": "{dataset: …, at: share}",
    "a valid dictionary or instance of ImageNoiseConfig": "{sigma: s, splits: [train, val, test]}",
    "a valid dictionary or instance of AuditConfig": "{samples: n, saliency: a part's node, with a _target_}",
    "a valid dictionary or instance of PatchesConfig": "{size: […], foreground: f, overlap: o}",
    "a valid dictionary or instance of ProxyConfig": "{dataset: …, model: …, optimizer: …, epochs: n}",
    "a valid dictionary": "{key: value, …}",
    "greater than or equal to": "at least",
    "greater than": "above",
    "less than or equal to": "at most",
    "less than": "below",
    "a valid integer": "a whole number",
    "a valid number": "a number",
    "a finite number": "a number, not infinite",
    "a valid list": "a list",
    "a valid tuple": "a list",
    "a valid string": "a word",
    "a valid boolean, unable to interpret input": "true or false",
    "a valid boolean": "true or false",
    "Input is not a valid path for <class 'pathlib.Path'>": "a folder",
    "List should have": "a list of",
    "Tuple should have": "a list of",
    "Dictionary should have": "{key: value, …} of",
    "String should have": "a word of",
    r"String should match pattern '^val/\w+$'": "a metric such as val/accuracy",
    r"String should match pattern '^[A-Za-z0-9][\w .+-]*$'": "a name of letters and digits",
}
"""Pydantic's words for a type, and ours."""
AS_NUMBER = "without quotes it is one; an environment variable's is ${oc.decode:${oc.env:NAME}}"


def as_typed(value: Any) -> str:
    """A value as it is written on the command line."""
    if isinstance(value, Mapping):
        return f"{{{', '.join(f'{as_typed(key)}: {as_typed(each)}' for key, each in value.items())}}}"
    if isinstance(value, list | tuple):
        return f"[{', '.join(map(as_typed, value))}]"
    if isinstance(value, str):
        return value if value.isprintable() and value else repr(value)
    return "null" if value is None else str(value).lower() if isinstance(value, bool) else str(value)


def faults(error: ValidationError, keys: Collection[str]) -> list[str]:
    """One phrase for each unknown key, else for each value; the alternatives of a union are joined by `or`.

    Args:
        error: what Pydantic found.
        keys: those of all nodes, with dots: what else a fault's path holds is Pydantic's.
    """
    names = {name for key in keys for name in key.split(".")}
    unknown: list[str] = []
    found: list[tuple[str, ErrorDetails]] = []
    for fault in error.errors():
        *node, last = [str(part) for part in fault["loc"]]
        inside = [part for part in node if part in names]
        if fault["type"] == "extra_forbidden":
            unknown.append(no_key(".".join([*inside, last]), keys))
        found.append((".".join([*inside, last] if last in names or not inside else inside), fault))
    return unknown or _phrases(found)  # the rest may be what unknown keys were meant for


def fault_of(error: ValidationError, key: str, value: Any) -> str:
    """What is wrong with a part's value; of a union's alternatives, with those that its form is nearest to.

    Args:
        error: what Pydantic found.
        key: the value's, with dots.
        value: as it was given.
    """
    found = [(*_place(fault["loc"], key, value), fault) for fault in error.errors()]
    deepest = max(depth for _, depth, _ in found)
    return _phrases([(place, fault) for place, depth, fault in found if depth == deepest])[0]


def _place(loc: Sequence[int | str], key: str, value: Any) -> tuple[str, int]:
    """The key of what is wrong in a value, and how deep it lies: a path holds names of Pydantic's, too."""
    depth = 0
    for part in loc:
        if isinstance(value, Mapping) and part in value:
            key, value, depth = f"{key}.{part}", value[part], depth + 1
        elif isinstance(value, list) and isinstance(part, int) and part < len(value):
            value, depth = value[part], depth + 1
    return key, depth


def _phrases(found: Sequence[tuple[str, ErrorDetails]]) -> list[str]:
    """One for each value, of its key and its faults."""
    meant: dict[str, str] = {}
    said: dict[str, list[str]] = {}
    for key, fault in found:
        start, expected = _words(fault, key)
        said.setdefault(start, []).append(expected)
        if fault["type"] == "literal_error" and (word := _meant(fault["input"], expected)) is not None:
            meant[start] = f"{key}={as_typed(fault['input'])}: did you mean {word}?"
    return [
        meant.get(start, f"{start} {' or '.join(dict.fromkeys(messages))}")
        for start, messages in said.items()
    ]


def _words(fault: ErrorDetails, key: str) -> tuple[str, str]:
    """What is wrong, and what would be right."""
    if fault["loc"] and fault["loc"][-1] == "[key]":
        return f"{key.rpartition('.')[0]}: its key {as_typed(fault['input'])} must be", _expected(fault)
    if fault["type"] == "missing":
        return key, "must be given"
    if fault["type"] == "value_error":
        return f"{key}:", fault["msg"].removeprefix("Value error, ")
    if fault["type"] in ("string_type", "path_type") and type(fault["input"]) in (int, float):
        return f"{key}={as_typed(fault['input'])} is a number:", f"with quotes, \"{key}='…'\", it is a name"
    if fault["type"] == "int_type" and re.fullmatch(r"\d+", str(fault["input"])):
        return f"{key}='{fault['input']}' is text,", "not a number: " + AS_NUMBER
    return f"{key}={as_typed(fault['input'])} must be", _expected(fault)


def _expected(fault: ErrorDetails) -> str:
    expected = fault["msg"].removeprefix("Input should be ")
    for technical, plain in PLAIN_WORDS.items():
        expected = expected.replace(technical, plain)
    return re.sub(r" after validation, not \d+$", "", expected)


def _meant(value: object, expected: str) -> str | None:
    """The word that was meant, of those that a key takes."""
    return nearest(value, re.findall(r"'(\w+)'", expected)) if isinstance(value, str) else None
