"""Configs as `al-run` composes them, quickly: as those of one sweep's jobs, which choose most files once."""

from functools import cache
from typing import Any

from hydra import initialize_config_module
from hydra.core.global_hydra import GlobalHydra
from hydra.types import RunMode
from omegaconf import DictConfig, open_dict

from al_runner.runs.sweeps import composing
from al_runner.runs.sweeps.composing import JobLoader

composing.MOST = 200  # tests choose each option of each group again and again


def composed(*overrides: str) -> DictConfig:
    """The config of some overrides, to be changed as one likes."""
    search = tuple(word for word in overrides if word.startswith("hydra.searchpath="))
    loader, master = _sweep(search)
    config = loader.load_sweep_config(master, [word for word in overrides if word not in search])
    with open_dict(config):
        del config["hydra"]
    return config


@cache
def _sweep(search: tuple[str, ...]) -> tuple[JobLoader, DictConfig]:
    """What makes the configs of jobs, and what they are made from."""
    GlobalHydra.instance().clear()
    with initialize_config_module("al_runner.conf", version_base="1.3"):
        loader: Any = GlobalHydra.instance().config_loader()
        master = loader.load_configuration("config", [*search], RunMode.MULTIRUN)
        return JobLoader(loader.get_search_path()), master
