"""What models are measured on is asked for before an encoder has learned."""

import json
from pathlib import Path

import pytest

from al_runner.people import waiting
from al_runner.people.page.desk import Desk
from al_runner.runs.sweeps import job
from tests.commands import Command
from tests.people.test_runs import ASKS, Truth, labeled, rows, status
from tests.runs.test_encoding import SMALL

SLOW = '''
"""An encoder that takes so long that people label meanwhile."""

import csv
import json
from pathlib import Path

from al_runner.learning.encoders.base import Encoded


class Slow:
    def has_yet_to_learn(self, dataset):
        return not Path("learned").is_file()

    def encode(self, dataset, machine):
        if not Path("learned").is_file():
            meanwhile()
        Path("learned").touch()
        return Encoded({name: split.images.flatten(1).float() for name, split in dataset.splits.items()})


def meanwhile():
    """What lies in the run folder now; and a person fills in three rows."""
    asked = next(Path("outputs").glob("*/*/*/asked.json"))
    truth = json.loads(Path("truth.json").read_text())
    files = {"asked": asked, "manifest": asked.parent / "manifest.json"}
    seen = {what: json.loads(file.read_text()) for what, file in files.items()}
    Path("seen.json").write_text(json.dumps(seen))
    table = asked.parent / "to_label.csv"
    questions = list(csv.DictReader(table.open()))
    for row in questions[:3]:
        row["label"] = truth[row["file"]]
    with table.open("w", newline="") as file:
        writer = csv.DictWriter(file, questions[0])
        writer.writeheader()
        writer.writerows(questions)
'''
SLOWLY = ["encoder=slow", "strategy=k_means", "schedule.initial=strategy", "--config-dir", "mine"]


@pytest.fixture
def slow(al_run: Command, truth: Truth) -> None:
    (al_run.folder / "mine" / "encoder").mkdir(parents=True)
    (al_run.folder / "mine" / "encoder" / "slow.yaml").write_text("_target_: slow.Slow\n")
    (al_run.folder / "mine" / "slow.py").write_text(SLOW)
    (al_run.folder / "truth.json").write_text(json.dumps(truth))


def samples(asked: dict[str, list[dict[str, str]]]) -> list[tuple[str, str]]:
    return [(each["split"], each["sample"]) for each in asked["questions"]]


def test_people_label_while_it_learns(al_run: Command, slow: None, truth: Truth) -> None:
    done = al_run(*ASKS, *SLOWLY)
    assert done.returncode == 0, done.stderr
    folder = al_run.folder / done.stdout.strip()
    assert "al-run: 8 images can be labeled already, in another terminal: al-label outputs/" in done.stderr
    seen = json.loads((al_run.folder / "seen.json").read_text())
    first, asked = samples(seen["asked"]), samples(json.loads((folder / "asked.json").read_text()))
    assert [split for split, _ in first] == ["test"] * 8
    assert seen["manifest"]["status"] == status(folder) == "waiting"
    assert asked[:8] == first, "a page that is open goes on with the same places"
    assert [split for split, _ in asked[8:]] == ["train"] * 6
    assert [row["sample"] for row in rows(folder, "labels.csv")] == [name for _, name in first[:3]]
    assert [row["file"] for row in rows(folder, "to_label.csv")] == [name for _, name in asked[3:]]
    assert "waiting for 11 labels" in done.stderr
    assert len(json.loads((folder / "manifest.json").read_text())["sessions"]) == 1
    assert labeled(al_run, truth, *SLOWLY) == folder
    table = al_run.folder / "truth.csv"
    table.write_text("file,label\n" + "".join(f"{name},{label}\n" for name, label in truth.items()))
    simulated = al_run.run_folder(*ASKS, "oracle=simulated", f"dataset.labels={table}", *SLOWLY)
    for name in ("queries.csv", "rounds.csv"):
        assert rows(folder, name) == rows(simulated, name)


def test_all_that_was_asked_is_answered_while_it_learns(tmp_path: Path) -> None:
    """The page then waits for the run instead of starting it twice."""
    from filelock import FileLock

    from al_runner.people.answers import Answer, Answers
    from tests.people.page.waiting_run import write

    run = write(tmp_path / "place", n=1)
    desk = Desk(run)
    Answers(run).add([Answer("00000.png", "normal", "AB")])
    assert desk.status().state == "full"
    with FileLock(run / "run.lock"):
        assert desk.status().state == "training"
        assert not desk.train()


@pytest.mark.parametrize(
    ("more", "said"),
    [
        (["dataset.test_size=26", "schedule.budget=6", "schedule.query_size=1"], "learns from at least 16"),
        (["posterior=mc_dropout"], "samples networks: head=linear takes"),
    ],
)
def test_nobody_is_asked_in_vain(al_run: Command, truth: Truth, more: list[str], said: str) -> None:
    small = [word for word in SMALL if "batch_size" not in word]
    done = al_run(*ASKS, *small, "encoder.batch_size=16", *more)
    assert done.returncode == 2
    lines = [line for line in done.stderr.splitlines() if "decoding" not in line]
    assert len(lines) == 1
    assert said in lines[0]
    assert not (al_run.folder / "outputs").exists()


def test_a_page_that_cannot_be_served_is_noticed_first(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(waiting, "find_spec", lambda name: None)
    asks = {"oracle": {"_target_": job.PEOPLE}, "dataset": {"classes": ["a", "b"]}}
    job._mention_page(asks)
    lacks = "starlette and uvicorn missing: pip install 'al-runner[label]'"
    assert capsys.readouterr().err == f"al-run: al-label asks people on a page: {lacks}\n"
    job._mention_page({**asks, "dataset": {"missing": "unlabeled"}})
    job._mention_page({**asks, "oracle": {"_target_": "al_runner.loop.oracle.Simulated"}})
    assert capsys.readouterr().err == "", "outlines come from other programs"
    from tests.people.page.waiting_run import write

    run = write(tmp_path / "place")
    assert waiting.waits(run) == (
        f"waiting for 6 labels: fill in {run}/to_label.csv (al-label would ask for them; {lacks})"
    )
    monkeypatch.undo()
    assert "al-label" in str(waiting.waits(run))
