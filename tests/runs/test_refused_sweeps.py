"""Sweeps that are refused before a job begins: one line, exit code 2, and nothing is left."""

from collections.abc import Iterator

import pytest
from hydra import compose, initialize_config_module
from hydra.core.utils import JobReturn
from omegaconf import DictConfig, OmegaConf

from al_runner.errors import InputError
from al_runner.runs.sweeps.planned import check, values
from al_runner.runs.sweeps.sweep import Sweep
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
    "seed=interval(0,1)": "INTERVAL_SWEEP",
    "seed=range(1,2,0)": "range",
    "seed=0,-1": "seed=-1 must be at least 0",
    "seed=0,1,1 hydra/launcher=joblib": "the sweep lists a job twice: seed=1; give each key and value once",
    "seed=0,1,-1 hydra.sweeper.max_batch_size=1": "seed=-1 must be at least 0",
    "seed=0,1 hydra.sweep.dir=": "hydra.sweep.dir must be given: . is the current folder",
    "seed=0,1 hydra.sweeper=3": "'int'",
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


def test_a_refused_sweep_leaves_an_earlier_one(al_run: Command) -> None:
    folder = al_run.folder / "mine"
    (folder / "jobs").mkdir(parents=True)
    (folder / "jobs" / "0.json").write_text("{}")
    done = al_run("-m", "seed=0,-1", "hydra.sweep.dir=mine")
    assert (done.returncode, done.stderr) == (2, "al-run: seed=-1 must be at least 0\n")
    assert (folder / "jobs" / "0.json").read_text() == "{}"


@pytest.mark.parametrize("name", ["job${hydra:job.num}", "${oc.env:NOT_SET_HERE}"])
def test_what_only_a_job_knows_is_not_looked_at_before(composed_sweep: DictConfig, name: str) -> None:
    composed_sweep.schedule.budget = -1
    composed_sweep.name = name
    check([("seed=0",), ("seed=0",)], [composed_sweep, composed_sweep], at_once=True)
    composed_sweep.name = "job"
    with pytest.raises(InputError, match=r"schedule\.budget=-1 must be"):
        check([("seed=0",)], [composed_sweep], at_once=True)


def test_an_interpolation_of_no_key_is_refused(composed_sweep: DictConfig) -> None:
    composed_sweep.name = "${schedule.budgett}"
    with pytest.raises(InputError, match=r"did you mean schedule\.budget"):
        values(composed_sweep)


def test_a_job_that_is_listed_twice_is_refused(composed_sweep: DictConfig) -> None:
    """Where both would run at once; its words may differ."""
    jobs = [("seed=0", "optimizer.lr=1e-3"), ("seed=0", "optimizer.lr=0.001")]
    check(jobs, [composed_sweep] * 2, at_once=False)
    with pytest.raises(InputError, match=r"lists a job twice: optimizer\.lr=0\.001"):
        check(jobs, [composed_sweep] * 2, at_once=True)
    other = composed_sweep.copy()
    other.seed = 1
    check(jobs, [composed_sweep, other], at_once=True)


def test_a_job_sends_no_configs_back(composed_sweep: DictConfig) -> None:
    """A main process would keep those of all jobs."""
    done = JobReturn(cfg=composed_sweep, hydra_cfg=composed_sweep, overrides=["seed=0"])
    Sweep().on_job_end(composed_sweep, done)
    assert (done.cfg, done.hydra_cfg, done.overrides) == (None, None, ["seed=0"])


def test_a_name_by_the_jobs_number(al_run: Command, tiny: list[str]) -> None:
    done = al_run("-m", *tiny, "schedule.budget=6", "name=job${hydra:job.num}", "seed=0,0")
    assert done.returncode == 0, done.stderr
    assert {path.name for path in (al_run.folder / "outputs").iterdir()} >= {"job0", "job1"}
