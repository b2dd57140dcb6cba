"""A run that is stopped goes on as if it had not been."""

import json
import signal
import subprocess
import time
from pathlib import Path

import pytest

from al_runner.runs.record import Record
from tests.commands import Command, Started, forked

SHORT = [
    "dataset=phantom",
    "dataset.n_train=600",
    "dataset.n_val=50",
    "dataset.n_test=50",
    "model.width=4",
    "schedule.initial_size=10",
    "schedule.query_size=5",
    "schedule.budget=50",
    "schedule.epochs=8",
    "schedule.reset={every: 3}",
    "augmentation=post_query",
    "+model@schedule.final_model.model=alda_cnn",
    "schedule.final_model.model.width=6",
    "+schedule.final_model.epochs=20",
    "schedule.stable={kappa: 1, rounds: 50, samples: 100}",  # measured, never reached
    "logger=none",
]
LONGER = ["schedule.budget=38", "schedule.epochs=8", "schedule.reset={every: 3}", "model.width=4"]


Process = Started | subprocess.Popen[str]


def wait_for_round(al_run: Command, process: Process, number: int, seconds: int = 60) -> None:
    """Until a round is complete."""
    for _ in range(100 * seconds):
        if list(al_run.folder.glob(f"outputs/*/*/*/round_{number}")):
            return
        assert process.poll() is None, process.communicate()[1]
        time.sleep(0.01)
    raise AssertionError("the round did not come")


@pytest.mark.parametrize(
    "number",
    [signal.SIGTERM, *(pytest.param(n, marks=pytest.mark.slow) for n in (signal.SIGINT, signal.SIGHUP))],
)
def test_signals_end_cleanly_and_say_how_to_resume(
    al_run: Command, tiny: list[str], number: signal.Signals
) -> None:
    arguments = [*tiny, *LONGER]
    start = al_run.truly_start if number == signal.SIGTERM else al_run.start
    process = start(*arguments)
    wait_for_round(al_run, process, 1)
    process.send_signal(number)
    _, errors = process.communicate(timeout=60)
    assert process.returncode == 128 + number
    assert errors.splitlines()[-1].startswith(f"al-run: stopped by {number.name}")
    assert "the same command goes on" in errors.splitlines()[-1]
    assert "Traceback" not in errors
    manifest = json.loads(next(al_run.folder.rglob("manifest.json")).read_text())
    assert manifest["status"] == "running"

    resumed = al_run.run_folder(*arguments)
    undisturbed = al_run.run_folder(*arguments, "output_dir=undisturbed")
    assert (resumed / "queries.csv").read_bytes() == (undisturbed / "queries.csv").read_bytes()


@pytest.mark.slow
def test_nohup_outlives_its_terminal(al_run: Command, tiny: list[str]) -> None:
    process = al_run.truly_start(*tiny, *LONGER, before=("nohup",))
    wait_for_round(al_run, process, 1)
    process.send_signal(signal.SIGHUP)
    assert process.wait(timeout=60) == 0


@pytest.mark.slow
def test_what_a_strategy_remembers_outlives_a_kill(al_run: Command, tiny: list[str]) -> None:
    deep = ["strategy=ideal_deep_features", "strategy.clusters=2", "strategy.epochs=2", "strategy.trees=5",
            "schedule.budget=22", "schedule.epochs=10"]  # fmt: skip
    process = al_run.start(*tiny, *deep)
    wait_for_round(al_run, process, 2)
    process.kill()
    process.communicate()
    folder = next(al_run.folder.rglob("round_2")).parent
    assert (folder / "round_2" / "memory.pt").is_file()
    assert not (folder / "round_4").exists(), "there was something to go on with"
    undisturbed = al_run.run_folder(*tiny, *deep, "output_dir=undisturbed")
    assert al_run.run_folder(*tiny, *deep) == folder
    assert (folder / "queries.csv").read_bytes() == (undisturbed / "queries.csv").read_bytes()
    assert not (folder / "round_3" / "memory.pt").exists(), "the last round's is enough"
    scored = [line.split(",")[-1] for line in (folder / "queries.csv").read_text().splitlines()[1:]]
    assert scored[:10] == [""] * 10, "the first query has nothing to score by"
    assert all(0 <= float(score) <= 1 for score in scored[10:])


def test_a_kill_after_the_final_model_and_before_the_end(al_run: Command, tiny: list[str]) -> None:
    """Its network is not the loop's: nothing is loaded, and nothing is trained again."""
    arguments = [*tiny, "+model@schedule.final_model.model=resnet18", "+schedule.final_model.epochs=1"]
    folder = al_run.run_folder(*arguments, "augmentation=pre_query")
    with Record(folder, "all").locked() as record:
        record.update_manifest(status="running", end=None)
    before = (folder / "rounds.csv").read_bytes()
    assert al_run.run_folder(*arguments, "augmentation=pre_query") == folder
    assert (folder / "rounds.csv").read_bytes() == before
    manifest = json.loads((folder / "manifest.json").read_text())
    assert manifest["status"] == "finished"
    assert manifest["report"] == {"arm": None, "baseline": None}
    al_run.run_folder(*arguments, "augmentation=pre_query", "report.arm=mine")
    manifest = json.loads((folder / "manifest.json").read_text())
    assert manifest["report"] == {"arm": "mine", "baseline": None}, "said later"


def test_two_processes_and_one_folder(al_run: Command, tiny: list[str]) -> None:
    arguments = [*tiny, *LONGER, "schedule.epochs=100"]
    first = al_run.start(*arguments)
    wait_for_round(al_run, first, 0)
    second = al_run(*arguments)
    first.kill()
    first.communicate()
    assert second.returncode == 2
    assert "another process is writing" in second.stderr


@pytest.mark.slow
def test_kill_at_random_moments(tmp_path: Path) -> None:
    """The short form of scripts/kill_test.py."""
    script = Path(__file__).parents[2] / "scripts" / "kill_test.py"
    words = ["--trials", "1", "--seed", "1", *SHORT]
    done = forked(str(script), *words, folder=tmp_path)
    assert done.returncode == 0, done.stdout + done.stderr
