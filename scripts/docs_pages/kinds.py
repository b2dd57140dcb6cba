"""Type annotation → the words for what may be given, from the schema or a part's signature."""

import inspect
import types
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Annotated, Any, Literal, Union, get_args, get_origin, get_type_hints

from hydra.utils import get_object
from pydantic import BaseModel

from al_runner.values import LARGEST, as_percent
from docs_pages import docstrings

PLAIN = {bool: "`true`, `false`", int: "whole number", float: "number", str: "text", Path: "path"}
BOUNDS = {"ge": "≥", "gt": ">", "le": "≤", "lt": "<", "multiple_of": "a multiple of"}
METRIC = "`val/…`"


def words(annotation: Any, bounds: tuple[Any, ...] = ()) -> str:
    """What may be given; empty where an annotation says nothing."""
    origin, arguments = get_origin(annotation), get_args(annotation)
    if origin is Annotated:
        return words(arguments[0], arguments[1:])
    if origin in (Union, types.UnionType):
        return _any_of([words(each) for each in arguments])
    if origin is Literal:
        return ", ".join(f"`{each}`" for each in arguments)
    if annotation is type(None):
        return "`null`"
    if annotation is str and any(getattr(bound, "func", None) is as_percent for bound in bounds):
        return "share such as `10%`"
    if annotation is str and any("val/" in (_limit(bound, "pattern") or "") for bound in bounds):
        return METRIC
    if annotation in PLAIN:
        return PLAIN[annotation] + _bounded(bounds)
    if inspect.isclass(annotation) and issubclass(annotation, BaseModel):
        return f"`{{{', '.join(annotation.model_fields)}}}`"
    return _of_several(origin, arguments)


def _of_several(origin: Any, arguments: tuple[Any, ...]) -> str:
    """The words for lists, mappings and functions."""
    if origin in (list, tuple, Sequence):
        return f"list of {words(arguments[0])}" if arguments else "list"
    if arguments == (str, Any):
        return "a part (with `_target_`)"
    if origin in (dict, Mapping) and len(arguments) == 2 and get_origin(arguments[0]) is Literal:
        return f"`{{{words(arguments[0]).strip('`')}: …}}`"
    return {dict: "mapping", Mapping: "mapping", Callable: "function"}.get(origin, "")


def parameters(target: str) -> dict[str, str]:
    """The words for every parameter of what a `_target_` names."""
    named = get_object(target)
    try:
        hints = get_type_hints(named.__init__ if inspect.isclass(named) else named, include_extras=True)
    except NameError:  # a name that is imported for type checkers only
        return {}
    return {name: words(hint) for name, hint in hints.items()}


def fields(model: type[BaseModel], prefix: str = "") -> dict[str, tuple[str, str]]:
    """Dotted key → its words and its description, of a node of the schema and the nodes in it."""
    found: dict[str, tuple[str, str]] = {}
    described = docstrings.attributes(model)
    for name, field in model.model_fields.items():
        path = f"{prefix}{name}"
        found[path] = words(field.annotation, tuple(field.metadata)), described.get(name, "")
        for inner in _models(field.annotation):
            doc = docstrings.said(inner).partition(": ")[2]
            found[path] = found[path][0], found[path][1] or doc
            found |= fields(inner, f"{path}.")
    return found


def _models(annotation: Any) -> list[type[BaseModel]]:
    """The nodes of the schema that an annotation names."""
    if inspect.isclass(annotation) and issubclass(annotation, BaseModel):
        return [annotation]
    return [model for each in get_args(annotation) for model in _models(each)]


def _any_of(kinds: list[str]) -> str:
    return " or ".join(dict.fromkeys(kind for kind in kinds if kind))


def _bounded(bounds: tuple[Any, ...]) -> str:
    """The limits that Pydantic's metadata hold."""
    found = [(sign, _limit(bound, name)) for bound in bounds for name, sign in BOUNDS.items()]
    said = [f"{sign} {limit:,}" for sign, limit in found if limit not in (None, LARGEST)]
    return f" {', '.join(said)}" if said else ""


def _limit(bound: Any, name: str) -> Any:
    """A limit of that name: Pydantic's `Field` holds each as an object of its own."""
    held = [*(getattr(bound, "metadata", None) or []), bound]
    return next((value for each in held if (value := getattr(each, name, None)) is not None), None)
