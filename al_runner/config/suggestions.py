"""What was meant by the words of a command that Hydra refuses: one line for each of its errors."""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any

from hydra._internal.config_loader_impl import ConfigLoaderImpl
from hydra._internal.utils import create_automatic_config_search_path, get_args_parser
from hydra.core.config_search_path import SearchPathQuery
from hydra.core.object_type import ObjectType
from hydra.core.override_parser.overrides_parser import OverridesParser
from hydra.core.override_parser.types import Override
from hydra.errors import MissingConfigException, OverrideParseException, SearchPathException
from omegaconf import DictConfig
from omegaconf.errors import ConfigAttributeError, ConfigKeyError
from yaml import YAMLError

from al_runner.config.keys import HELP, keys, nearest_key, no_key
from al_runner.errors import instead, nearest

TO_INSTALL = {
    "hydra/launcher/ray": "'al-runner[ray]'",
    "hydra/launcher/ray_aws": "'al-runner[ray]'",
    "hydra/launcher/submitit_slurm": "'al-runner[slurm]'",
    "hydra/launcher/submitit_local": "'al-runner[slurm]'",
    "hydra/sweeper/optuna": "hydra-optuna-sweeper",
    "hydra/sweeper/ax": "hydra-ax-sweeper",
    "hydra/sweeper/nevergrad": "hydra-nevergrad-sweeper",
}
"""An option that is there once a package is, and what brings it."""


@dataclass(frozen=True)
class Given:
    """The words of a command, beside what there is.

    Attributes:
        words: all arguments.
    """

    words: Sequence[str]

    @cached_property
    def overrides(self) -> list[Override]:
        """Those that set something; none where one of them cannot be read."""
        return OverridesParser.create(self._loader).parse_overrides(self._arguments.overrides)

    @cached_property
    def _arguments(self) -> Any:
        return get_args_parser().parse_known_args(list(self.words))[0]

    @cached_property
    def _loader(self) -> ConfigLoaderImpl:
        path = create_automatic_config_search_path(None, None, "pkg://al_runner.conf")
        if folder := self._arguments.config_dir:
            path.prepend("command-line", f"file://{folder}", SearchPathQuery(provider="schema"))
        return ConfigLoaderImpl(path)

    def groups(self) -> list[str]:
        """The config groups, Hydra's own included."""
        own, hydras = (self._listed(name, ObjectType.GROUP) for name in ("", "hydra"))
        return [*(name for name in own if name != "hydra"), *(f"hydra/{name}" for name in hydras)]

    def options(self, group: str) -> list[str]:
        """The options of a group, those in its folders included."""
        return self._listed(group, ObjectType.CONFIG)

    def _listed(self, group: str, kind: ObjectType) -> list[str]:
        paths = [word for word in self._arguments.overrides if word.startswith("hydra.searchpath=")]
        return self._loader.get_group_options(group, kind, "config", paths)


def explained(error: Exception, words: Sequence[str]) -> str:
    """What is wrong with a command, and what was meant.

    Args:
        error: why Hydra could not compose its config.
        words: the command's arguments.
    """
    given = Given(words)
    if isinstance(error, OverrideParseException):
        return _unreadable(error)
    if isinstance(error, YAMLError):
        return _not_yaml(error)
    if isinstance(error, UnicodeDecodeError):
        return f"a YAML file is not text in UTF-8: {error}"
    if isinstance(error, SearchPathException):
        return f"--config-dir: {_first_line(error)}"
    if isinstance(error, MissingConfigException):
        return _missing(error, given)
    cause: Any = error.__cause__ or error
    if isinstance(cause, ConfigAttributeError | ConfigKeyError) and isinstance(cause.parent_node, DictConfig):
        return _unknown(str(cause.full_key), cause.parent_node._get_root(), given)
    return next(filter(None, (_refused(each, error, given) for each in given.overrides)), plain(error))


def _unknown(key: str, config: Any, given: Given) -> str:
    """No such key, or group, as a command asks for."""
    override = next((each for each in given.overrides if f"{each.key_or_group}.".startswith(f"{key}.")), None)
    groups = given.groups()
    there = [*keys(config), *groups]
    if override is None:
        return no_key(key, there)
    meant = nearest_key(override.key_or_group, there)
    value = override.value()
    if meant in groups and isinstance(value, str):
        option = nearest(value, given.options(meant))
        return f"{key} is no key; did you mean {meant}{f'={option}' if option else ''}?"
    return no_key(override.key_or_group, there)


def _missing(error: MissingConfigException, given: Given) -> str:
    """No such option of a group: asked for in the command, or in the defaults of a file."""
    path = str(error.missing_cfg_file)
    if "Cannot find primary config" in _first_line(error):
        return _first_line(error)
    for override in given.overrides:
        for value in map(str, _values(override)):
            if f"{override.key_or_group}/{value}" == path:
                return _no_option(override, value, given)
    where = _first_line(error).partition(":")[0].removeprefix("In ").strip("'")
    group = max((name for name in given.groups() if path.startswith(f"{name}/")), key=len, default="")
    if not group:
        name = path.partition("/")[0]
        return f"{where}.yaml: {name} is no group; {instead(name, given.groups(), HELP)}"
    option = path.removeprefix(f"{group}/")
    return f"{where}.yaml: there is no {group}={option}; {instead(option, given.options(group), HELP)}"


def _no_option(override: Override, value: str, given: Given) -> str:
    group, start = override.key_or_group, f"{override.get_key_element()}="
    there = given.options(group)
    to_come = [name.rpartition("/")[2] for name in TO_INSTALL if name.startswith(f"{group}/")]
    meant = nearest(value, [*there, *(name for name in to_come if name not in there)])
    if meant is None:
        inside = [name for name in there if name.startswith(f"{value}/")]
        return f"there is no {start}{value}; {instead(value, inside or there, HELP)}"
    if meant not in there:
        return f"{start}{meant} is not installed: pip install {TO_INSTALL[f'{group}/{meant}']}"
    return f"there is no {start}{value}; did you mean {start}{meant}?"


def _values(override: Override) -> list[Any]:
    """What an override sets: each value of a list or of a sweep that names them, none where it deletes."""
    if override.is_sweep_override():
        return list(override.sweep_iterator(Override._convert_value)) if override.is_choice_sweep() else []
    value = [] if override.is_delete() else override.value()
    return value if isinstance(value, list) else [value]


def _refused(override: Override, error: Exception, given: Given) -> str | None:
    """What is wrong with an override that Hydra refused by its form; None where it is another one."""
    name, element, word = override.key_or_group, override.get_key_element(), str(override.input_line)
    is_group, said = name in given.groups(), str(error)
    if override.package is not None and not is_group:
        return f"{word}: {name} is no group; {instead(name, given.groups(), HELP)}"
    if is_group and override.is_force_add():
        return f"{word}: a group's option is chosen without +: {word.lstrip('+')}"
    if is_group and any(not isinstance(each, str | dict | list) for each in _values(override)):
        none = f", such as {name}=none" if "none" in given.options(name) else ""
        return f"{word}: a group takes the name of one of its options{none}; {HELP}"
    if said.startswith("Could not append to config") and f"'{name}'" in said:
        return f"{name} is there already: {word.lstrip('+')} changes it"
    if said.startswith("Could not delete") and f"'{name}'" in said:
        return f"{word}: {no_key(name, given.groups())}"
    if said.startswith("Could not override") and f"'{element}'" in said:
        return f"{word}: nothing here is chosen so; +{name}@<key>=<option> puts a part at a key"
    return None


def _not_yaml(error: YAMLError) -> str:
    mark = getattr(error, "problem_mark", None)
    where = f"{mark.name}, line {mark.line + 1}, column {mark.column + 1}" if mark else "a YAML file"
    return f"{where}: {getattr(error, 'problem', None) or _first_line(error)}"


def _unreadable(error: OverrideParseException) -> str:
    word = str(error.override)
    if word and "=" not in word and not word.startswith("~"):
        return f"{word}: what is to be set is written as key=value"
    why = " ".join(str(error.__cause__ or error).partition("See https")[0].split())
    return f"{word} cannot be read: {why}; a value with spaces or brackets takes quotes: 'key=\"a value\"'"


def plain(error: Exception) -> str:
    """Hydra's own words, on one line."""
    cause = str(error.__cause__).splitlines()[:1] if error.__cause__ else []
    return " ".join([_first_line(error), *cause, "(al-run --help lists groups and keys)"])


def _first_line(error: Exception) -> str:
    return next((line.strip() for line in str(error).splitlines() if line.strip()), type(error).__name__)
