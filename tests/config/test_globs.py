"""Sweeps over options in a group's folders."""

from hydra import initialize_config_module
from hydra.core.global_hydra import GlobalHydra
from hydra.core.object_type import ObjectType
from omegaconf import OmegaConf

from al_runner.config import globs  # noqa: F401  what is tested
from al_runner.runs.sweeps.sweep import Sweep
from tests.commands import Command
from tests.config.test_configs import EXPERIMENTS


def jobs(*overrides: str) -> list[tuple[str, ...]]:
    """The jobs of a sweep."""
    config = OmegaConf.create()
    config.hydra = {
        "sweeper": {"_target_": "x.BasicSweeper", "params": None},
        "overrides": {"task": overrides},
    }
    GlobalHydra.instance().clear()
    with initialize_config_module("al_runner.conf", version_base="1.3"):
        sweep = Sweep()
        sweep.config, sweep.loader = config, GlobalHydra.instance().config_loader()
        return sweep.planned()


def test_a_glob_finds_the_options_in_folders() -> None:
    presets = [f"experiment={name}" for name in EXPERIMENTS if name.startswith("alda/")]
    assert jobs("experiment=glob(alda/*)") == [(preset,) for preset in presets]
    assert jobs("experiment=glob(alda/*,exclude=alda/1_*)") == [(preset,) for preset in presets[1:]]
    assert jobs("experiment=glob(*)") == [(f"experiment={name}",) for name in EXPERIMENTS]


def test_other_groups_and_the_list_of_groups_are_as_they_were() -> None:
    assert jobs("strategy=glob(rando*)") == [("strategy=random",)]
    GlobalHydra.instance().clear()
    with initialize_config_module("al_runner.conf", version_base="1.3"):
        loader = GlobalHydra.instance().config_loader()
        assert "alda" in loader.get_group_options("experiment", ObjectType.GROUP)
        assert "strategy" in loader.get_group_options("", ObjectType.GROUP)


def test_an_empty_sweep_is_said_to_be_one(al_run: Command) -> None:
    done = al_run("-m", "experiment=glob(adla/*)", "seed=range(3)")
    assert done.returncode == 2
    assert done.stderr == "al-run: nothing to do: experiment=glob(adla/*) seed=range(3) is an empty sweep\n"
    assert not list(al_run.folder.iterdir())
