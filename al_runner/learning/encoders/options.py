"""An encoder's options as plain values, so that what was kept can be known by them."""

import hashlib
import json
from collections.abc import Mapping
from dataclasses import fields, is_dataclass
from functools import partial
from pathlib import Path
from typing import Any

from al_runner.moved import original

ELSEWHERE = ("cache_dir",)
"""Options that say where something lies, not what it is."""


def described(value: Any) -> Any:
    """A value as JSON has it: a partial function by its dotted name and keywords, so too a data class.

    Of anything else that is no plain value, its type and attributes.
    """
    if value is None or isinstance(value, bool | int | float | str):
        return value
    if isinstance(value, Path):
        return str(value)
    if isinstance(value, Mapping):
        return {str(key): described(each) for key, each in value.items()}
    if isinstance(value, list | tuple):
        return [described(each) for each in value]
    if isinstance(value, partial):
        arguments = {"arguments": described(value.args)} if value.args else {}
        return {"target": _name(value.func), **arguments, **described(value.keywords)}
    if is_dataclass(value) and not isinstance(value, type):
        options = {each.name: getattr(value, each.name) for each in fields(value)}
        kept = {name: each for name, each in options.items() if name not in ELSEWHERE}
        return {"target": _name(type(value)), **described(kept)}
    if callable(value) and hasattr(value, "__qualname__"):
        return {"target": _name(value)}
    return {"target": _name(type(value)), **described(vars(value) if hasattr(value, "__dict__") else {})}


def _name(what: Any) -> str:
    return str(original(f"{what.__module__}.{what.__qualname__}"))  # what was kept outlives a move


def digest_of(what: object) -> str:
    """SHA-256 of a value that JSON has, whatever the order of its keys."""
    return hashlib.sha256(json.dumps(what, sort_keys=True).encode()).hexdigest()
