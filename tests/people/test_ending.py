"""A run that a person ends: what it is then, and when that is refused."""

import csv
import json
import shutil
from pathlib import Path

import pytest
from filelock import FileLock

from al_runner.errors import InputError
from al_runner.people import cli
from al_runner.people.ending import end
from tests.commands import Command
from tests.people.test_runs import ASKS, Truth, fill_in, rows, status


def first_round(al_run: Command, truth: Truth, *more: str) -> Path:
    """A run that has learned from one round, and asks for the next."""
    fill_in(al_run.run_folder(*ASKS, *more), truth)
    return al_run.run_folder(*ASKS, *more)


def test_it_is_finished_with_the_rounds_that_it_has(al_run: Command, truth: Truth) -> None:
    folder = first_round(al_run, truth)
    fill_in(folder, dict(list(truth.items())[:30]))  # some of the answers that it waits for
    end(folder, "AB")
    done = al_run(*ASKS)
    assert done.returncode == 0
    assert "ended early: ended by AB" in done.stderr
    manifest = json.loads((folder / "manifest.json").read_text())
    assert (manifest["status"], manifest["ended_early"]) == ("finished", "ended by AB")
    assert [row["n_labeled"] for row in rows(folder, "rounds.csv")] == ["6"]
    assert not {"asked.json", "to_label.csv", "waiting.csv"} & {path.name for path in folder.iterdir()}
    assert len(rows(folder, "labels.csv")) > 14, "answers are kept, also those that nothing learned from"
    assert "is finished already" in al_run(*ASKS).stderr
    done = al_run.report("outputs", "--out", "page")
    assert done.returncode == 0, done.stderr
    page = (al_run.folder / "page" / "index.html").read_text(encoding="utf-8")
    assert "seed 0 was ended by AB after 6 labels, and counts with the rounds that it has." in page
    assert "unfinished" not in page
    (effort,) = csv.DictReader(next((al_run.folder / "page" / "tables").glob("*_labeling.csv")).open())
    assert (effort["labels"], effort["ended"]) == ("6", "by AB")


def test_its_final_model_is_trained(al_run: Command, truth: Truth) -> None:
    final = ["+model@schedule.final_model.model=alda_cnn", "schedule.final_model.model.width=2",
             "+schedule.final_model.epochs=1"]  # fmt: skip
    folder = first_round(al_run, truth, *final)
    end(folder, "")
    al_run.run_folder(*ASKS, *final)
    assert status(folder) == "finished"
    assert [row["n_queried"] for row in rows(folder, "rounds.csv")] == ["6", "0"]
    assert json.loads((folder / "manifest.json").read_text())["ended_early"] == "ended by a person"


def test_when_it_cannot_be_ended(al_run: Command, truth: Truth, tmp_path: Path) -> None:
    folder = al_run.run_folder(*ASKS)
    with pytest.raises(InputError, match="has no complete round, so it would end with nothing"):
        end(folder, "AB")
    (folder / "round_0").mkdir()
    with (
        FileLock(folder / "run.lock"),
        pytest.raises(InputError, match="end the run when it asks again"),
    ):
        end(folder, "AB")
    assert not (folder / "ended.json").exists()
    shutil.rmtree(folder / "round_0")
    (folder / "ended.json").write_text("{")
    done = al_run(*ASKS)
    assert (done.returncode, done.stderr.count("\n")) == (2, 1)
    assert "ended.json is not as al-label wrote it: remove it, and the run goes on" in done.stderr


def test_the_command_has_the_run_close_itself(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    from tests.people.page.waiting_run import write

    folder = write(tmp_path / "place")
    (folder / "round_0").mkdir()
    with pytest.raises(SystemExit) as ended:
        cli.main([str(folder), "--stop"])
    assert ended.value.code == 0
    assert status(folder) == "finished"
    with pytest.raises(SystemExit) as ended:
        cli.main([str(folder), "--stop"])
    assert ended.value.code == 2
    assert "asks people nothing, so they cannot end it" in capsys.readouterr().err
