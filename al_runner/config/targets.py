"""What a node's `_target_` names, and whether that takes the node's other keys and their values."""

import inspect
from collections.abc import Hashable, Mapping
from importlib import import_module
from pathlib import Path
from types import ModuleType
from typing import Any

from hydra._internal.utils import _locate

from al_runner.config.annotations import HYDRAS, check_values
from al_runner.errors import InputError, instead, nearest
from al_runner.moved import today

NAMED = (inspect.Parameter.POSITIONAL_OR_KEYWORD, inspect.Parameter.KEYWORD_ONLY)
_fit: set[tuple[Any, str, str]] = set()
"""What was checked in this process and can be made: the jobs of a sweep mostly ask for the same again."""


def check(node: Any, key: str) -> None:
    """Refuse a `_target_` that cannot be imported, here or in a node below, and what it does not take.

    Args:
        node: plain values.
        key: where they are in the config, with dots.

    Raises:
        InputError: names the key and what was meant.
    """
    if isinstance(node, list):
        node = dict(enumerate(node))
    if not isinstance(node, Mapping):
        return
    if "_target_" in node:
        _check_node(node, key)
    for name, below in node.items():
        check(below, f"{key}.{name}" if key else str(name))


def _check_node(node: Mapping[str, Any], key: str) -> None:
    """The same of one node with a `_target_`."""
    found = _found(node["_target_"], key)
    asked = (found, key, repr(node)) if isinstance(found, Hashable) else None
    if asked in _fit:
        return
    _check_keys(found, node, key)
    check_values(found, node, key)
    if asked is not None:
        _fit.add(asked)


def _found(target: Any, key: str) -> Any:
    try:
        found = _locate(str(target))
    except Exception as error:
        raise InputError(f"{key}._target_={target}: {_why(str(target))}") from error
    if isinstance(found, ModuleType):
        last = str(target).rpartition(".")[2]
        raise InputError(f"{key}._target_={target} is a module, not what is in it; {_of_module(found, last)}")
    return found


def _check_keys(found: Any, node: Mapping[str, Any], key: str) -> None:
    try:
        parameters = inspect.signature(found).parameters
    except (TypeError, ValueError):  # not callable, or written in C: Hydra will say
        return
    takes_any = any(each.kind is each.VAR_KEYWORD for each in parameters.values())
    for name in node:
        if name not in parameters and name not in HYDRAS and not takes_any:
            raise InputError(f"{key}.{name} is no argument of {node['_target_']}; {_taken(name, parameters)}")
    if node.get("_partial_") or "_args_" in node:
        return
    for name, each in parameters.items():
        if each.default is each.empty and each.kind in NAMED and name not in node:
            raise InputError(f"{key}.{name} must be given: {node['_target_']} needs it")


def _taken(name: str, parameters: Mapping[str, inspect.Parameter]) -> str:
    """The argument that was meant, or those that a node may give."""
    if (meant := nearest(name, parameters)) is not None:
        return f"did you mean {meant}?"
    given = [each.name for each in parameters.values() if each.default is not each.empty]
    return f"it takes {', '.join(given)}" if given else "it takes none"


def _why(target: str) -> str:
    """What is missing of a dotted name."""
    parts = today(target).split(".")
    for length in range(len(parts) - 1, 0, -1):
        name = ".".join(parts[:length])
        try:
            module = import_module(name)
        except ModuleNotFoundError as missing:
            if missing.name is None or not f"{name}.".startswith(f"{missing.name}."):
                return f"{name} cannot be imported: {missing}"  # it is there, and what it imports is not
            continue
        except Exception as broken:
            return f"{name} cannot be imported: {type(broken).__name__}: {' '.join(str(broken).split())}"
        return f"{name} has no {parts[length]}; {_of_module(module, parts[length])}"
    if len(parts) == 1:
        return "a dotted name is needed, such as my_module.MyStrategy"
    return f"there is no module {parts[0]} in this folder, beside the YAML file or installed"


def _of_module(module: ModuleType, name: str) -> str:
    """The nearest of what a package offers; of its modules, wherever they are in it, the one of this name."""
    root = module.__name__.partition(".")[0]
    own = [each for each, value in vars(module).items() if _is_callable_of(value, root)]
    folders = [Path(folder) for folder in getattr(module, "__path__", [])]
    own += [
        path.stem for folder in folders for path in folder.iterdir() if path.is_dir() or path.suffix == ".py"
    ]
    public = [each for each in own if not each.startswith("_")]
    below = [path.relative_to(folder) for folder in folders for path in folder.rglob(f"{name}.py")]
    if nearest(name, public) is None and below:
        return f"did you mean {'.'.join([module.__name__, *below[0].with_suffix('').parts])}?"
    return instead(name, public, "nor anything that is called nearly so")


def _is_callable_of(value: Any, package: str) -> bool:
    return callable(value) and str(getattr(value, "__module__", "")).partition(".")[0] == package
