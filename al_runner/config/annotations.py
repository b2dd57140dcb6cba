"""Whether the values of a node fit the annotations of what its `_target_` names."""

import inspect
import sys
from collections.abc import (
    Callable,
    Collection,
    Hashable,
    Iterable,
    Mapping,
    MutableMapping,
    MutableSequence,
    Sequence,
)
from contextlib import suppress
from enum import Enum
from functools import cache, partial
from pathlib import Path
from types import NoneType, SimpleNamespace, UnionType
from typing import Annotated, Any, Literal, Optional, Union, get_args, get_origin, get_type_hints

from annotated_types import Interval, Len
from pydantic import AfterValidator, AllowInfNan, BeforeValidator, Strict, TypeAdapter, ValidationError
from pydantic_core import PydanticKnownError

from al_runner.config.faults import fault_of
from al_runner.config.nodes import Part, part_node
from al_runner.config.own_code import is_installed
from al_runner.errors import InputError
from al_runner.values import LARGEST

PLAIN: Mapping[Any, Any] = {
    int: Annotated[int, Strict(), Interval(ge=-LARGEST, le=LARGEST)],
    float: Annotated[float, Strict(), AllowInfNan(False)],
    bool: Annotated[bool, Strict()],
    str: Annotated[str, Strict()],
    Path: Annotated[str, Strict(), Len(1)],
    NoneType: None,
    list: list,
    dict: dict,
    tuple: tuple,
}
"""An annotation → what a config has in its place: neither is true a number nor a text one, and numbers are
finite."""
MADE = Annotated[Part, AfterValidator(partial(part_node, needs_target=True))]
HYDRAS: Mapping[str, TypeAdapter[Any]] = {
    "_target_": TypeAdapter(str),
    "_partial_": TypeAdapter(PLAIN[bool]),
    "_recursive_": TypeAdapter(PLAIN[bool]),
    "_convert_": TypeAdapter(Literal["none", "partial", "object", "all"]),
    "_args_": TypeAdapter(list),
}
"""The keys of any node."""
LISTS = (list, Sequence, MutableSequence, Collection, Iterable, set, frozenset)
MAPPINGS = (dict, Mapping, MutableMapping)


def check_values(target: Callable[..., Any], node: Mapping[str, Any], key: str) -> None:
    """Refuse values that a function or class cannot take: `true` for a number, -1 where it is to be above 0.

    What is not annotated, or only for type checkers, may be anything.

    Args:
        target: what the node's `_target_` names.
        node: plain values.
        key: where the node is in the config, with dots.

    Raises:
        InputError: names the value and what would be right.
    """
    known = _parameters(target) if isinstance(target, Hashable) else {}
    for name, fits in {**HYDRAS, **known}.items():
        if name not in node:
            continue
        try:
            fits.validate_python(node[name])
        except ValidationError as error:
            raise InputError(fault_of(error, f"{key}.{name}", node[name])) from error


@cache
def _parameters(target: Callable[..., Any]) -> Mapping[str, TypeAdapter[Any]]:
    """What checks the value of each parameter that says what it takes; none where that cannot be told."""
    module = str(getattr(target, "__module__", ""))
    is_loose = not module.startswith("al_runner.") and is_installed(module)
    names = vars(sys.modules[module]) if module in sys.modules else {}
    found: dict[str, TypeAdapter[Any]] = {}
    for name, parameter in _named(target).items():
        alone: Any = SimpleNamespace(__annotations__={name: parameter.annotation})
        with suppress(Exception):  # a name for type checkers only, a range of what has none
            hint = get_type_hints(alone, names, include_extras=True)[name]
            asked = in_config(hint, is_loose)
            found[name] = TypeAdapter(asked if parameter.default is not None else Optional[asked])  # noqa: UP045
    return found


def _named(target: Callable[..., Any]) -> Mapping[str, inspect.Parameter]:
    """The annotated parameters that a node may give by their names."""
    try:
        parameters = inspect.signature(target).parameters
    except (TypeError, ValueError):  # written in C
        return {}
    several = (inspect.Parameter.VAR_KEYWORD, inspect.Parameter.VAR_POSITIONAL)
    return {
        name: each
        for name, each in parameters.items()
        if each.annotation is not each.empty and each.kind not in several
    }


def in_config(annotation: Any, is_loose: bool = False) -> Any:
    """What a config may have for what is annotated: plain values, lists, mappings, and nodes for all else.

    Args:
        annotation: of a parameter.
        is_loose: tuples may have any length, as libraries often take more than they say.
    """
    origin, inner = get_origin(annotation), get_args(annotation)
    if origin is Annotated:
        return Annotated[(in_config(inner[0], is_loose), *inner[1:])]
    if origin is Literal:
        return Annotated[annotation, BeforeValidator(partial(_exactly, inner))]
    if origin is None:
        return PLAIN.get(annotation, MADE if _is_made(annotation) else Any)
    if origin not in (Union, UnionType, tuple, *LISTS, *MAPPINGS):
        return MADE if _is_made(origin) else Any
    within = tuple(each if each is ... else in_config(each, is_loose) for each in inner)
    if origin in MAPPINGS:
        return dict[within]  # type: ignore[misc, valid-type]
    if origin is tuple and not is_loose:
        return tuple[within]  # type: ignore[valid-type]
    either: Any = Union[tuple(each for each in within if each is not ...)]  # noqa: UP007
    return either if origin in (Union, UnionType) else list[either]


def _exactly(allowed: Sequence[Any], value: Any) -> Any:
    """A value of the type of one that is allowed: to Pydantic, true is 1, and so is 1.0."""
    if type(value) not in map(type, allowed):
        *others, last = map(repr, allowed)
        expected = f"{', '.join(others)} or {last}" if others else last
        raise PydanticKnownError("literal_error", {"expected": expected})
    return value


def _is_made(annotation: Any) -> bool:
    """Whether a value of what is annotated has to be made: by a node, for no plain value is one."""
    if annotation is Any or not isinstance(annotation, type) or issubclass(annotation, (Enum, *PLAIN)):
        return False
    try:
        return not any(issubclass(plain, annotation) for plain in PLAIN)
    except TypeError:  # a protocol that is for type checkers
        return True
