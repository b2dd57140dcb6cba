"""What is wrong with a config's values: Pydantic's findings in our words."""

import re
from collections.abc import Collection
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
    "Dictionary should have at least 1 item after validation, not 0": "a part's node, with a _target_",
    "a valid dictionary": "a part's node, with a _target_",
    "greater than or equal to 1": "at least 1",
    "greater than or equal to 0": "at least 0",
    "a valid integer": "a whole number",
    "a valid number": "a number",
    "a finite number": "a number, not infinite",
    "less than or equal to": "at most",
    "a valid list": "a list",
    "a valid boolean, unable to interpret input": "true or false",
    "a valid boolean": "true or false",
    "Input is not a valid path for <class 'pathlib.Path'>": "a folder",
    "List should have": "a list of",
    " after validation, not 0": "",
    " after validation, not 1": "",
    r"String should match pattern '^val/\w+$'": "a metric such as val/accuracy",
    r"String should match pattern '^[A-Za-z0-9][\w .+-]*$'": "a name of letters and digits",
}
"""Pydantic's words for a type, and ours."""
AS_NUMBER = "without quotes it is one; an environment variable's is ${oc.decode:${oc.env:NAME}}"


def as_typed(value: Any) -> Any:
    """A value as it is written on the command line."""
    return "null" if value is None else str(value).lower() if isinstance(value, bool) else value


def faults(error: ValidationError, keys: Collection[str]) -> list[str]:
    """One phrase for each unknown key, else for each value; the alternatives of a union are joined by `or`.

    Args:
        error: what Pydantic found.
        keys: those of all nodes, with dots: what else a fault's path holds is Pydantic's.
    """
    names = {name for key in keys for name in key.split(".")}
    unknown: list[str] = []
    meant: dict[str, str] = {}
    found: dict[str, list[str]] = {}
    for fault in error.errors():
        *node, last = [str(part) for part in fault["loc"]]
        inside = [part for part in node if part in names]
        key = ".".join([*inside, last] if last in names or not inside else inside)
        if fault["type"] == "extra_forbidden":
            unknown.append(no_key(".".join([*inside, last]), keys))
            continue
        start, expected = _words(fault, key)
        found.setdefault(start, []).append(expected)
        if fault["type"] == "literal_error" and (word := _meant(fault["input"], expected)) is not None:
            meant[start] = f"{key}={fault['input']}: did you mean {word}?"
    if unknown:  # the rest may be what these were meant for
        return unknown
    return [
        meant.get(start, f"{start} {' or '.join(dict.fromkeys(messages))}")
        for start, messages in found.items()
    ]


def _words(fault: ErrorDetails, key: str) -> tuple[str, str]:
    """What is wrong, and what would be right."""
    if fault["type"] == "missing":
        return key, "must be given"
    if fault["type"] == "value_error":
        return f"{key}:", fault["msg"].removeprefix("Value error, ")
    if fault["type"] in ("string_type", "path_type") and isinstance(fault["input"], int | float):
        return f"{key}={as_typed(fault['input'])} is a number:", f"with quotes, \"{key}='…'\", it is a name"
    if fault["type"] == "int_type" and re.fullmatch(r"\d+", str(fault["input"])):
        return f"{key}='{fault['input']}' is text,", "not a number: " + AS_NUMBER
    expected = fault["msg"].removeprefix("Input should be ")
    for technical, plain in PLAIN_WORDS.items():
        expected = expected.replace(technical, plain)
    return f"{key}={as_typed(fault['input'])} must be", expected


def _meant(value: object, expected: str) -> str | None:
    """The word that was meant, of those that a key takes."""
    return nearest(value, re.findall(r"'(\w+)'", expected)) if isinstance(value, str) else None
