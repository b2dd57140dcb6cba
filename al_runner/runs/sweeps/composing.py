"""The configs of a sweep's jobs: what jobs have in common is composed once in a process.

Hydra composes each job's config from some twenty files, twice: once to see that it can be, before any job
begins, and once more for the job. Jobs of a sweep mostly choose the same files, and differ in values: those
are set in a copy of what was composed for an earlier job. A word that Hydra may refuse goes Hydra's own way.
"""

import copy
import sys
from collections.abc import Callable, Sequence
from functools import cache
from itertools import compress
from typing import Any
from uuid import uuid4

from hydra._internal.config_loader_impl import ConfigLoaderImpl, get_overrides_dirname
from hydra.core.config_search_path import ConfigSearchPath
from hydra.core.override_parser.overrides_parser import OverridesParser
from hydra.core.override_parser.types import Override
from hydra.core.plugins import Plugins
from hydra.errors import HydraException
from omegaconf import DictConfig, OmegaConf
from omegaconf.errors import OmegaConfBaseException

from al_runner.config import copying, defaults, parsing  # noqa: F401  so that it costs little

_composed: dict[tuple[str, ...], DictConfig] = {}
"""Sweep, and the words that choose files → the config composed with these words alone."""
MOST = 64
"""Of these that are kept: jobs that follow each other mostly choose the same files."""
_groups: dict[tuple[str, str], bool] = {}
"""Sweep, key → whether there is a config group of this name."""
_scan = Plugins._scan_all_plugins


class JobLoader(ConfigLoaderImpl):
    """Hydra's loader of configs, quicker for jobs that differ in values; it gives the same to the byte.

    Args:
        config_search_path: that of the loader in whose place it is.
        first: called once, in this process, before a job's config is given: with this and the sweep's config.
    """

    def __init__(
        self,
        config_search_path: ConfigSearchPath,
        first: "Callable[[JobLoader, DictConfig], None] | None" = None,
    ) -> None:
        super().__init__(config_search_path)
        self.sweep = uuid4().hex  # each job has a copy of this object; what was composed stays in its process
        self.first = first

    def __getstate__(self) -> dict[str, Any]:
        return {**self.__dict__, "first": None}

    def load_sweep_config(self, master_config: DictConfig, sweep_overrides: list[str]) -> DictConfig:
        """A job's config."""
        if self.first is not None:
            first, self.first = self.first, None
            first(self, master_config)
        try:
            return self._changed(master_config, sweep_overrides)
        except (HydraException, OmegaConfBaseException):  # Hydra finds it, too, and says so in its way
            return super().load_sweep_config(master_config, sweep_overrides)

    def _changed(self, master: DictConfig, words: Sequence[str]) -> DictConfig:
        """What the words that choose files compose, with the values that the others set."""
        parsed = [_parsed(word) for word in words]
        are_values = [self._is_value(master, each) for each in parsed]
        config = self._common(
            master, [word for word, sets in zip(words, are_values, strict=True) if not sets]
        )
        self._apply_overrides_to_config(list(compress(parsed, are_values)), config)
        task = [each for each in parsed if not each.is_hydra_override()]
        how = config.hydra.job.config.override_dirname
        config.hydra.overrides.task.clear()
        config.hydra.overrides.task.extend([each.input_line for each in task])
        config.hydra.job.override_dirname = get_overrides_dirname(
            overrides=task, kv_sep=how.kv_sep, item_sep=how.item_sep, exclude_keys=how.exclude_keys
        )
        OmegaConf.copy_cache(from_config=master, to_config=config)
        return config

    def _common(self, master: DictConfig, chosen: list[str]) -> DictConfig:
        """A copy of what these words compose."""
        key = (self.sweep, *chosen)
        if key not in _composed:
            if len(_composed) == MOST:
                del _composed[next(iter(_composed))]
            _composed[key] = super().load_sweep_config(master, chosen)
        return copy.deepcopy(_composed[key])

    def _is_value(self, master: DictConfig, override: Override) -> bool:
        """Whether a word sets a value and chooses no file."""
        if override.is_hydra_override() or override.package is not None or override.is_sweep_override():
            return False
        key = (self.sweep, override.key_or_group)
        if key not in _groups:
            given: Any = OmegaConf.to_container(master.hydra.overrides.hydra)
            _, files = self._parse_overrides_and_create_caching_repo(master.hydra.job.config_name, given)
            _groups[key] = files.group_exists(override.key_or_group)
        return not _groups[key]


@cache
def _parsed(word: str) -> Override:
    return OverridesParser.create().parse_override(word)


@cache
def _found(names: tuple[str, ...]) -> Any:
    return _scan([sys.modules[name] for name in names])


def _found_once(modules: list[Any]) -> Any:
    """Hydra looks for its plugins before each job, by running their modules: in a process, they stay."""
    return _found(tuple(module.__name__ for module in modules))


Plugins._scan_all_plugins = staticmethod(_found_once)  # type: ignore[method-assign]
