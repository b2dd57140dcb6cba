"""Dotted keys, and which one was meant by one that is not there."""

from collections.abc import Collection, Iterator
from typing import Any

from omegaconf import OmegaConf

from al_runner.errors import likeness

HELP = "al-run --help lists them"
NEAR_KEY = 0.7
"""How alike a key must be to the one that was meant: there are many."""


def keys(config: Any, path: str = "") -> Iterator[str]:
    """Every key of a config, with dots."""
    if not OmegaConf.is_dict(config) or config._is_none() or config._is_missing():
        return
    for name in config:
        key = f"{path}.{name}" if path else str(name)
        yield key
        yield from keys(config._get_node(name), key)


def no_key(key: str, there: Collection[str]) -> str:
    """That a config has no such key, and which one was meant.

    Args:
        key: what was given, with dots.
        there: all keys, with dots.
    """
    if (meant := nearest_key(key, there)) is not None:
        return f"{key} is no key; did you mean {meant}?"
    parent = key.rpartition(".")[0]
    names = [_last(each) for each in there if each.rpartition(".")[0] == parent and _last(each)[0] != "_"]
    if not parent or not names:
        return f"{key} is no key ({HELP})"
    return f"{key} is no key; {parent} has {', '.join(names)}"


def nearest_key(key: str, there: Collection[str]) -> str | None:
    """The key that was meant: misspelled, or named without the node that it is in.

    In a node that is there, a key of another part must be called so to be meant.
    """
    name, parent = _last(key), key.rpartition(".")[0]
    rivals = [each for each in there if not key.startswith(f"{each}.") and not _last(each).startswith("_")]
    part = f"{key.partition('.')[0]}." if parent in there else ""
    ranked = [
        (likeness(name, _last(each)) - 0.1 * (each.rpartition(".")[0] != parent), -len(each), each)
        for each in rivals
        if each.startswith(part) or _last(each) == name
    ]
    if parent not in there:
        ranked += [(likeness(key, each), -len(each), each) for each in rivals]
    score, _, meant = max(ranked, default=(0.0, 0, ""))
    return meant if score >= NEAR_KEY else None


def _last(key: str) -> str:
    return key.rpartition(".")[2]
