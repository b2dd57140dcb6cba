"""Sweeps that are refused before a job begins: one line, exit code 2, and nothing is left."""

from collections.abc import Iterator

import pytest
from hydra import compose, initialize_config_module
from hydra.core.utils import JobReturn
from omegaconf import DictConfig, OmegaConf

from al_runner.errors import InputError
from al_runner.runs.sweeps.sweep import Sweep, check_different, check_values
from tests.commands import Command


@pytest.fixture
def composed_sweep() -> Iterator[DictConfig]:
    """A config of a sweep, Hydra's own part included."""
    with initialize_config_module("al_runner.conf", version_base="1.3"):
        config = compose("config", ["hydra.mode=MULTIRUN"], return_hydra_config=True)
        OmegaConf.set_struct(config, False)
        yield config


REFUSED = {
    "strategy=nonsense": "there is no strategy=nonsense",
    "strategy=random,nonsense": "there is no strategy=nonsense",
    "seed=interval(0,1)": "",
    "seed=range(1,2,0)": "range",
    "seed=0,-1": "seed=-1 must be at least 0",
    "seed=0,1,1": "the sweep has a job twice: seed=1; give each key and value once",
    "seed=0,1 hydra.sweep.dir=": "hydra.sweep.dir: must be given: . is the current folder",
    "seed=0,1 output_dir=file": "Not a directory: ",
    "seed=0,1 hydra/launcher=joblib hydra.launcher.n_jobs=0": "hydra.launcher: n_jobs == 0",
}


@pytest.mark.parametrize("options", REFUSED)
def test_a_refused_sweep_leaves_nothing(al_run: Command, options: str) -> None:
    (al_run.folder / "file").touch()
    done = al_run("-m", *options.split())
    assert done.returncode == 2
    (line,) = done.stderr.splitlines()
    assert line.startswith("al-run: ")
    assert REFUSED[options] in line
    assert [path.name for path in al_run.folder.iterdir()] == ["file"]


def test_values_that_only_a_job_knows_are_not_looked_at_before(composed_sweep: DictConfig) -> None:
    check_values(composed_sweep)
    composed_sweep.name = "job${hydra:job.num}"
    check_values(composed_sweep)
    composed_sweep.schedule.budget = -1
    check_values(composed_sweep)
    composed_sweep.name = "job"
    with pytest.raises(InputError, match=r"schedule\.budget=-1 must be"):
        check_values(composed_sweep)


def test_a_job_that_is_there_twice_is_refused() -> None:
    check_different([("seed=0", "strategy=random"), ("seed=1", "strategy=random"), ("seed=1",)])
    for twice in ([("seed=0",), ("seed=0",)], [("seed=0", "seed=2"), ("seed=1", "+seed=2")]):
        with pytest.raises(InputError, match="a job twice"):
            check_different(twice)


def test_a_job_sends_no_configs_back(composed_sweep: DictConfig) -> None:
    """A main process would keep those of all jobs."""
    done = JobReturn(cfg=composed_sweep, hydra_cfg=composed_sweep, overrides=["seed=0"])
    Sweep().on_job_end(composed_sweep, done)
    assert (done.cfg, done.hydra_cfg, done.overrides) == (None, None, ["seed=0"])
