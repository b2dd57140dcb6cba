"""Whether the values of a node fit the annotations of what its `_target_` names."""

import math
import types
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any, Literal, Union, get_args, get_origin, get_type_hints

from al_runner.config.faults import as_typed
from al_runner.errors import InputError, instead

PART = "a part's node, with a _target_"
WORDS: dict[Any, str] = {int: "a whole number", float: "a number", bool: "true or false", str: "a word"}


def check_values(target: Callable[..., Any], node: Mapping[str, Any], key: str) -> None:
    """Refuse values that a function or class of ours cannot take: `true` for a number, a word for a part.

    Args:
        target: what the node's `_target_` names.
        node: plain values.
        key: where the node is in the config, with dots.

    Raises:
        InputError: names the value and what would be right.
    """
    if not str(getattr(target, "__module__", "")).startswith("al_runner."):
        return  # others annotate as they like
    try:
        hints = get_type_hints(target.__init__ if isinstance(target, type) else target)  # type: ignore[misc]
    except NameError:  # a name that only type checkers import
        return
    for name, value in node.items():
        if name not in hints or fits(value, hints[name]):
            continue
        given, choices = f"{key}.{name}={as_typed(value)}", get_args(hints[name])
        if get_origin(hints[name]) is Literal:
            raise InputError(f"{given}: {instead(str(value), [str(each) for each in choices])}")
        raise InputError(f"{given} must be {' or '.join(dict.fromkeys(words(hints[name])))}")


def fits(value: Any, annotation: Any) -> bool:
    """Whether a plain value, or a node, may become what is annotated; what cannot be told from here may."""
    origin, inner = get_origin(annotation), get_args(annotation)
    if origin in (Union, types.UnionType):
        return any(fits(value, each) for each in inner)
    if origin is Literal:
        return any(type(value) is type(each) and value == each for each in inner)
    if annotation is float:
        return type(value) in (int, float) and math.isfinite(value)
    if annotation in (int, bool, str):
        return type(value) is annotation
    if annotation in (None, types.NoneType):
        return value is None
    if annotation is Path:
        return isinstance(value, str)
    if _is_part(annotation):
        return isinstance(value, Mapping) and "_target_" in value
    if origin in (list, Sequence):
        return isinstance(value, list) and all(fits(each, inner[0]) for each in value)
    return not (origin in (dict, Mapping) and not isinstance(value, Mapping))


def words(annotation: Any) -> list[str]:
    """What is annotated, for a user."""
    origin, inner = get_origin(annotation), get_args(annotation)
    if origin in (Union, types.UnionType):
        return [word for each in inner for word in words(each)]
    if origin is Literal:
        return [str(each) for each in inner]
    if annotation in (None, types.NoneType):
        return ["null"]
    if origin in (list, Sequence):
        return [f"a list, each {' or '.join(words(inner[0]))}"]
    if origin in (dict, Mapping):
        return ["{key: value, …}"]
    return [PART if _is_part(annotation) else WORDS.get(annotation, "a name")]


def _is_part(annotation: Any) -> bool:
    """Whether it is something that is called: a function, or a protocol of ours."""
    return get_origin(annotation) is Callable or bool(getattr(annotation, "_is_protocol", False))
