"""Sweeps on every launcher that runs here: what they leave, what they say, how they fail and stop."""

import errno
import json
import os
import pickle
import re
import shutil
import signal
import subprocess
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pytest
from kill_test import differences

from al_runner.config.parts import Parts
from al_runner.errors import InputError
from al_runner.runs.record import Record
from al_runner.runs.sweeps.cards import job_card
from al_runner.runs.sweeps.stopping import Interrupted
from al_runner.runs.sweeps.sweep import Sweep
from al_runner.runs.sweeps.table import close
from al_runner.runs.sweeps.threads import job_threads
from tests.commands import COMMAND, Command
from tests.composing import composed
from tests.conftest import layout, tiny_run
from tests.data.test_medmnist import official_like, requests, server  # noqa: F401  a fixture

SWEEP = ["-m", "strategy=random,entropy", "seed=range(2)", "keep_checkpoints=all", "trainer=cpu"]
LONG = ["schedule.budget=58", "schedule.epochs=200"]
JOBLIB = ["hydra/launcher=joblib", "hydra.launcher.n_jobs=2"]
SUBMITIT, RAY = ["hydra/launcher=submitit_local"], ["hydra/launcher=ray"]
LAUNCHERS = [
    pytest.param(JOBLIB, id="joblib"),
    pytest.param(SUBMITIT, id="submitit_local", marks=pytest.mark.slow),
    pytest.param(RAY, id="ray", marks=pytest.mark.slow),
]


@dataclass(frozen=True)
class Swept:
    """A sweep of four jobs on the basic launcher: its folder, its arguments, what it said."""

    folder: Path
    arguments: list[str]
    done: subprocess.CompletedProcess[str]


@pytest.fixture(scope="module")
def basic(tmp_path_factory: pytest.TempPathFactory) -> Swept:
    folder = tmp_path_factory.mktemp("basic")
    np.savez(folder / "small.npz", **layout())
    arguments = [*SWEEP, *tiny_run(folder / "small.npz")]
    done = Command(folder)(*arguments)
    assert done.returncode == 0, done.stderr
    return Swept(folder, arguments, done)


def runs(folder: Path) -> dict[str, Path]:
    """The run folders below `outputs`, by strategy and name."""
    found = (path.parent for path in folder.glob("outputs/*/*/*/manifest.json"))
    return {f"{path.parent.name}/{path.name}": path for path in found}


def same_records(folder: Path, reference: Path) -> None:
    """Every run of the one is there in the other, with the same queries and the same numbers."""
    own, other = runs(folder), runs(reference)
    assert own
    assert {name: differences(run, other[name]) for name, run in own.items()} == {name: [] for name in own}


def last_lines(done: subprocess.CompletedProcess[str]) -> list[str]:
    """Standard error from the table on."""
    return re.split(r"^(?=al-run: \d+ job)", done.stderr, flags=re.MULTILINE)[1].splitlines()


def jobs(folder: Path) -> list[dict[str, object]]:
    return [json.loads(path.read_text()) for path in sorted(folder.glob("outputs/sweeps/*/jobs/*.json"))]


def test_the_basic_launcher(basic: Swept) -> None:
    folder, done = basic.folder, basic.done
    assert last_lines(done) == ["al-run: 4 jobs: 4 finished"]
    printed = done.stdout.splitlines()
    assert sorted(folder / line for line in printed) == sorted(runs(folder).values())
    assert {job["status"] for job in jobs(folder)} == {"finished"}
    commands = {json.loads((folder / line / "manifest.json").read_text())["command"] for line in printed}
    assert len(commands) == 4
    assert all("strategy=random,entropy" not in command and "range" not in command for command in commands)
    for seed in (0, 1):
        assert any(f"seed={seed}" in command and "strategy=entropy" in command for command in commands)

    again = Command(folder)(*basic.arguments)
    assert again.returncode == 0
    assert last_lines(again) == again.stderr.splitlines() == ["al-run: 4 jobs: 4 finished already"]
    assert again.stdout == done.stdout


@pytest.mark.parametrize("launcher", LAUNCHERS[1:])  # joblib: test_a_killed_sweep_goes_on
def test_a_launcher_skips_resumes_and_gives_the_same_records(
    basic: Swept, al_run: Command, launcher: list[str]
) -> None:
    """One run is finished, one was stopped after its first round; for Ray, two are new."""
    for name, run in runs(basic.folder).items():
        if name.startswith("random"):
            shutil.copytree(run, al_run.folder / run.relative_to(basic.folder))
    cut_short(next(run for name, run in runs(al_run.folder).items() if "seed-1" in name))
    al_run.env.pop("OMP_NUM_THREADS")
    local = ["strategy=random"] if launcher == SUBMITIT else []
    done = al_run(*basic.arguments, *local, *launcher, "trainer.threads=1")
    assert done.returncode == 0, done.stderr
    finished = 1 if local else 3
    assert last_lines(done)[0] == f"al-run: {1 + finished} jobs: {finished} finished, 1 finished already"
    assert len(runs(al_run.folder)) == 1 + finished
    same_records(al_run.folder, basic.folder)


def cut_short(run: Path) -> None:
    """Make a finished run one that was killed in its second round."""
    with Record(run, "all").locked() as record:
        record.update_manifest(status="running", end=None)
    for name in ("round_1", "round_2"):
        shutil.rmtree(run / name)
    for name in ("rounds.csv", "queries.csv"):
        (run / name).unlink()


@pytest.fixture
def mine(tmp_path: Path) -> Path:
    """A config folder with a strategy that raises, and one that has its process killed."""
    folder = tmp_path / "mine"
    (folder / "strategy").mkdir(parents=True)
    (folder / "faulty.py").write_text(
        "import os, signal\n"
        "def broken(learner, pool, size, generator):\n"
        "    raise RuntimeError('no idea\\nat all')\n"
        "def killed(learner, pool, size, generator):\n"
        "    os.kill(os.getpid(), signal.SIGKILL)\n"
    )
    for name in ("broken", "killed"):
        (folder / "strategy" / f"{name}.yaml").write_text(f"_target_: faulty.{name}\n_partial_: true\n")
    return folder


def test_failing_jobs_do_not_stop_the_others(al_run: Command, tiny: list[str], mine: Path) -> None:
    done = al_run("-m", "--config-dir", str(mine), *tiny, "strategy=broken,random", "model.width=2,-1")
    assert done.returncode == 1, done.stderr
    assert done.stderr.count("Traceback") == 1
    assert "Error executing job" not in done.stderr
    assert last_lines(done) == [
        "al-run: 4 jobs: 1 finished, 3 failed",
        "  failed       model.width=2 strategy=broken   RuntimeError: no idea at all",
        "  failed       model.width=-1 strategy=broken  model.width=-1 must be at least 1",
        "  failed       model.width=-1 strategy=random  model.width=-1 must be at least 1",
    ]
    assert len(done.stdout.splitlines()) == 1
    assert "no idea" in str(next(job["traceback"] for job in jobs(al_run.folder) if job["traceback"]))

    bad_input = al_run("-m", *tiny, "strategy=random", "model.width=2,-1")
    assert bad_input.returncode == 2
    assert bad_input.stderr.splitlines() == [
        "al-run: 2 jobs: 1 finished already, 1 failed",
        "  failed       model.width=-1  model.width=-1 must be at least 1",
    ]


@pytest.mark.parametrize("launcher", [LAUNCHERS[0], pytest.param(SUBMITIT, id="submitit_local")])
@pytest.mark.slow
def test_a_worker_that_is_killed(al_run: Command, tiny: list[str], mine: Path, launcher: list[str]) -> None:
    done = al_run(
        *("-m", "--config-dir", str(mine), *tiny, "strategy=killed,random"),
        *(*launcher, "schedule.epochs=1"),
    )
    assert done.returncode == 1
    assert "Traceback" not in done.stderr
    first, *named, last = last_lines(done)
    assert re.match(r"al-run: 2 jobs: .*never ended", first)
    assert re.match(r"  never ended  strategy=killed  its process died", named[0])
    assert "the process of a job died" in last
    assert last.endswith("the same command goes on from there")
    if launcher == SUBMITIT:
        assert [name.split("/")[0] for name, run in runs(al_run.folder).items() if finished(run)] == [
            "random"
        ]


def finished(run: Path) -> bool:
    return bool(json.loads((run / "manifest.json").read_text())["status"] == "finished")


def wait_for(condition: Callable[[], object]) -> None:
    deadline = time.monotonic() + 60
    while not condition():
        assert time.monotonic() < deadline
        time.sleep(0.02)


def alive(process: object) -> bool:
    state = Path(f"/proc/{process}/stat")
    return state.exists() and ") Z " not in state.read_text()


@pytest.mark.slow
@pytest.mark.parametrize("launcher", LAUNCHERS)
def test_sigterm_ends_the_workers(al_run: Command, tiny: list[str], launcher: list[str]) -> None:
    process = al_run.start("-m", *tiny, *LONG, "seed=0,1", *launcher)
    wait_for(lambda: list(al_run.folder.glob("outputs/*/*/*/round_0")))
    process.send_signal(signal.SIGTERM)
    _, errors = process.communicate(timeout=60)
    assert process.returncode == 143, errors
    said = [line for line in errors.splitlines() if line.startswith("al-run: ")]
    assert said == ["al-run: stopped by SIGTERM; the same command goes on from there"]
    assert "Traceback" not in errors
    workers = {job["process"] for job in jobs(al_run.folder)}
    assert workers
    assert workers.isdisjoint({process.pid})
    wait_for(lambda: not any(alive(worker) for worker in workers))


@pytest.mark.slow
def test_a_killed_sweep_goes_on(basic: Swept, al_run: Command) -> None:
    process = subprocess.Popen(
        [COMMAND, *basic.arguments, *JOBLIB],
        cwd=al_run.folder,
        env=al_run.env,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
        start_new_session=True,
    )
    wait_for(lambda: list(al_run.folder.glob("outputs/*/*/*/round_1")))
    os.killpg(process.pid, signal.SIGKILL)
    process.wait()
    assert not all(finished(run) for run in runs(al_run.folder).values())
    again = al_run(*basic.arguments, *JOBLIB)
    assert again.returncode == 0, again.stderr
    assert len(runs(al_run.folder)) == 4
    same_records(al_run.folder, basic.folder)


@pytest.mark.slow
def test_workers_download_once_and_divide_the_cores(
    al_run: Command,
    server: tuple[str, Path],  # noqa: F811
    tmp_path: Path,
) -> None:
    url, served = server
    md5 = official_like(served / "o.npz", "organsmnist")
    data = [
        "dataset=organmnist",
        f"dataset.md5={md5}",
        f"dataset.url={url}/o.npz",
        f"data_dir={tmp_path}/data",
    ]
    sizes = [
        "schedule.initial_size=4",
        "schedule.budget=4",
        "schedule.epochs=1",
        "logger=none",
        "model.width=2",
    ]
    del al_run.env["OMP_NUM_THREADS"]
    done = al_run("-m", *data, *sizes, "trainer=cpu", "seed=range(4)", *JOBLIB)
    assert done.returncode == 0, done.stderr
    assert requests.count("/o.npz") <= 2, "one download: torchvision asks first whether it is redirected"
    sessions = [
        json.loads((run / "manifest.json").read_text())["sessions"] for run in runs(al_run.folder).values()
    ]
    share = max(1, len(os.sched_getaffinity(0)) // 2)
    assert len(sessions) == 4
    assert all(f"{share} threads" in session["device"] for (session,) in sessions)


def test_a_full_disk_ends_no_sweep(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """Jobs whose files cannot be written are told of, and counted by the process that knows them."""

    def refuse(path: Path, _content: bytes) -> None:
        raise OSError(errno.ENOSPC, "No space left on device", str(path))

    sweep = Sweep()
    sweep.folder = tmp_path / "sweeps" / "now"
    monkeypatch.setattr("al_runner.runs.sweeps.sweep.replace_file", refuse)
    monkeypatch.setattr("al_runner.runs.sweeps.sweep.ROOM", float("inf"))
    for number in range(2):
        sweep.fail(sweep.begin(number, [f"seed={number}"]), InputError("no"), "cannot write outputs")
    assert close(sweep, None) == 2
    err = " ".join(capsys.readouterr().err.split())
    assert "al-run: seed=0: cannot write outputs (cannot write " in err
    assert "0.json: No space left on device)" in err
    assert "al-run: 2 jobs: 2 failed" in err
    assert f"the disk of {sweep.folder} is full; the same command goes on from there" in err


def test_jobs_of_one_process_share_the_data(npz: Callable[..., Path]) -> None:
    def load(*overrides: str) -> object:
        return Parts(composed("dataset=npz", f"dataset.path={path}", *overrides))("dataset")

    path = npz()
    first = load("seed=0")
    assert load("seed=1", "strategy=random") is first
    assert load("dataset.task=multiclass") is not first
    before = load()
    npz(train_images=layout()["train_images"][::-1])
    assert load() is not before, "the file has changed"


@pytest.mark.parametrize(("launcher", "extra"), [("ray", "ray"), ("submitit_slurm", "slurm")])
def test_a_launcher_that_is_not_installed(al_run: Command, tmp_path: Path, launcher: str, extra: str) -> None:
    (tmp_path / "path" / "hydra_plugins").mkdir(parents=True)
    (tmp_path / "path" / "hydra_plugins" / "__init__.py").touch()  # hides those that are
    done = al_run("-m", f"hydra/launcher={launcher}", "seed=0,1", PYTHONPATH=str(tmp_path / "path"))
    assert done.returncode == 2
    expected = f"al-run: hydra/launcher={launcher} is not installed: pip install 'al-runner[{extra}]'"
    assert done.stderr.splitlines() == [expected]
    assert list(al_run.folder.iterdir()) == []


LOCAL = "hydra_plugins.hydra_submitit_launcher.submitit_launcher.LocalLauncher"
THREADS: dict[str, tuple[dict[str, object], dict[str, str], int | None]] = {
    "a single run": ({}, {}, None),
    "given, or set by joblib or Ray": (
        {"_target_": LOCAL, "cpus_per_task": 4},
        {"OMP_NUM_THREADS": "2"},
        None,
    ),
    "submitit": ({"_target_": LOCAL, "cpus_per_task": None}, {"SLURM_CPUS_PER_TASK": "8"}, 1),
    "submitit, with CPUs": ({"_target_": LOCAL, "cpus_per_task": 4}, {}, 4),
    "in an allocation": ({"_target_": "BasicLauncher"}, {"SLURM_CPUS_PER_TASK": "8"}, 8),
}


@pytest.mark.parametrize("case", THREADS)
def test_threads(case: str) -> None:
    launcher, environ, expected = THREADS[case]
    assert job_threads(launcher, environ) == expected


JOBLIB_LAUNCHER = {"_target_": "hydra_plugins.hydra_joblib_launcher.joblib_launcher.JoblibLauncher"}


@pytest.mark.parametrize(
    ("launcher", "environ", "count", "expected"),
    [
        (JOBLIB_LAUNCHER, {}, 3, ["0", "1", "2", "0"]),
        (JOBLIB_LAUNCHER, {"CUDA_VISIBLE_DEVICES": "5, GPU-1a"}, 8, ["5", "GPU-1a", "5", "GPU-1a"]),
        (JOBLIB_LAUNCHER, {"CUDA_VISIBLE_DEVICES": "5"}, 8, [None] * 4),  # that of the worker's first job
        (JOBLIB_LAUNCHER, {"CUDA_VISIBLE_DEVICES": ""}, 8, [None] * 4),
        (JOBLIB_LAUNCHER, {}, 1, [None] * 4),
        (JOBLIB_LAUNCHER, {}, 0, [None] * 4),
        ({"_target_": LOCAL}, {}, 3, [None] * 4),
        ({}, {}, 3, [None] * 4),
    ],
)
def test_joblib_deals_gpus(
    launcher: dict[str, str], environ: dict[str, str], count: int, expected: list[str | None]
) -> None:
    assert [job_card(launcher, number, environ, lambda: count) for number in range(4)] == expected


def test_an_interruption_can_be_sent_to_another_process() -> None:
    again = pickle.loads(pickle.dumps(Interrupted(signal.SIGTERM)))
    assert again.number == signal.SIGTERM
    assert str(again) == "SIGTERM"
