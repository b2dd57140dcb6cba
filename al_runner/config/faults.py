"""What is wrong with a config's values: Pydantic's findings in our words."""

import re
from collections.abc import Collection
from typing import Any

from pydantic import ValidationError

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
    found: dict[str, list[str]] = {}
    for fault in error.errors():
        path = [str(part) for part in fault["loc"]]
        key = ".".join([part for part in path if part in names] or path)
        if fault["type"] == "extra_forbidden":
            node = [part for part in path[:-1] if part in names]
            unknown.append(no_key(".".join([*node, path[-1]]), keys))
            continue
        if fault["type"] == "missing":
            found.setdefault(key, []).append("must be given")
            continue
        if fault["type"] == "value_error":
            found.setdefault(f"{key}:", []).append(fault["msg"].removeprefix("Value error, "))
            continue
        expected = fault["msg"].removeprefix("Input should be ")
        for technical, plain in PLAIN_WORDS.items():
            expected = expected.replace(technical, plain)
        found.setdefault(f"{key}={as_typed(fault['input'])} must be", []).append(expected)
    if unknown:  # the rest may be what these were meant for
        return unknown
    meant = {start: _meant(start, messages) for start, messages in found.items()}
    return [
        meant[start] or f"{start} {' or '.join(dict.fromkeys(messages))}" for start, messages in found.items()
    ]


def _meant(start: str, messages: Collection[str]) -> str | None:
    """The word that was meant, of those that a key takes."""
    key, _, value = start.removesuffix(" must be").partition("=")
    known = [word for message in messages for word in re.findall(r"'(\w+)'", message)]
    word = nearest(value, known) if value else None
    return f"{key}={value}: did you mean {word}?" if word else None
