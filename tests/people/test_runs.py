"""A run that people label, by its command: it asks, waits, goes on, and is an experiment like any other."""

import csv
import json
import re
import shutil
from collections.abc import Callable, Mapping
from pathlib import Path

import numpy as np
import pytest

from al_runner.data.words import Words
from al_runner.people.asked import Asked
from al_runner.runs.record import Record
from tests.commands import Command
from tests.data.nifti_files import write_pair
from tests.people.conftest import CLASSES

Truth = dict[str, str]

ASKS = [
    "dataset=unlabeled", "dataset.root=scans", "dataset.classes=[normal,ill]", "dataset.image_size=14",
    "dataset.test_size=8", "oracle=people", "schedule.initial_size=6", "schedule.query_size=4",
    "schedule.budget=14", "schedule.epochs=2", "model.width=2", "logger=none",
]  # fmt: skip


LOW = ["schedule.target.bound=low", "schedule.target.value=0.05", "schedule.target.metric=test/accuracy"]
"""Ends a run once even the low end of its interval is above chance."""


def fill_in(folder: Path, answers: Mapping[str, str]) -> None:
    """Answer what is asked, in the table's own form."""
    path = folder / "to_label.csv"
    rows = list(csv.DictReader(path.open(encoding="utf-8")))
    with path.open("w", encoding="utf-8", newline="") as file:
        writer = csv.DictWriter(file, rows[0])
        writer.writeheader()
        writer.writerows({**row, "label": answers.get(row["file"], "")} for row in rows)


def labeled(al_run: Command, answers: Mapping[str, str], *more: str) -> Path:
    """The folder of a run whose questions were all answered by tables."""
    for _ in range(6):
        folder = al_run.run_folder(*ASKS, *more)
        if not (folder / "to_label.csv").is_file():
            return folder
        fill_in(folder, answers)
    raise AssertionError("it goes on asking")


def rows(folder: Path, name: str) -> list[dict[str, str]]:
    """A table without the seconds."""
    with (folder / name).open(encoding="utf-8") as file:
        return [
            {key: cell for key, cell in row.items() if not key.endswith("_seconds")}
            for row in csv.DictReader(file)
        ]


def status(folder: Path) -> str:
    return str(json.loads((folder / "manifest.json").read_text())["status"])


def test_a_run_asks_and_waits(al_run: Command, truth: Truth) -> None:
    done = al_run(*ASKS)
    folder = al_run.folder / done.stdout.strip()
    assert done.returncode == 0
    assert f"waiting for 14 labels: al-label {done.stdout.strip()} asks for them" in done.stderr
    assert status(folder) == "waiting"
    asked = json.loads((folder / "asked.json").read_text())
    assert [each["split"] for each in asked["questions"]] == ["test"] * 8 + ["train"] * 6
    assert all(Path(asked["root"], each["sample"]).is_file() for each in asked["questions"])
    assert al_run.run_folder(*ASKS) == folder
    assert json.loads((folder / "asked.json").read_text()) == asked, "it asks the same again"
    half = {each["sample"]: truth[each["sample"]] for each in asked["questions"][:9]}
    fill_in(folder, half)
    assert "waiting for 5 labels:" in al_run(*ASKS).stderr
    again = json.loads((folder / "asked.json").read_text())["questions"]
    assert [each["sample"] for each in again] == [each["sample"] for each in asked["questions"][9:]]
    assert len(rows(folder, "labels.csv")) == 9


@pytest.mark.slow
def test_it_is_the_run_that_a_simulated_oracle_makes(al_run: Command, truth: Truth) -> None:
    folder = labeled(al_run, truth)
    assert status(folder) == "finished"
    assert not {"asked.json", "to_label.csv", "waiting.csv"} & {path.name for path in folder.iterdir()}
    table = al_run.folder / "truth.csv"
    table.write_text("file,label\n" + "".join(f"{name},{label}\n" for name, label in truth.items()))
    simulated = al_run.run_folder(*ASKS, "oracle=simulated", f"dataset.labels={table}")
    for name in ("queries.csv", "rounds.csv"):
        assert rows(folder, name) == rows(simulated, name)
    first = rows(folder, "rounds.csv")[0]
    assert float(first["test/accuracy_low"]) <= float(first["test/accuracy"]) <= 1
    assert "val/accuracy" not in first
    labels = rows(folder, "labels.csv")
    assert len(labels) == 8 + 14
    assert {row["sample"]: row["label"] for row in labels}.items() <= truth.items()


def test_volumes_are_labeled(al_run: Command) -> None:
    truth = {}
    for k in range(12):
        write_pair(al_run.folder / "volumes", f"p{k:02}")
        truth[f"images/p{k:02}.nii.gz"] = CLASSES[k % 2]
    shutil.rmtree(al_run.folder / "volumes" / "masks")
    more = ["dataset.root=volumes", "dataset.test_size=4", "schedule.budget=6", "schedule.initial_size=4",
            "schedule.query_size=2"]  # fmt: skip
    folder = labeled(al_run, truth, *more)
    assert status(folder) == "finished"
    assert {row["sample"]: row["label"] for row in rows(folder, "labels.csv")}.items() <= truth.items()
    left = {"asked.json", "to_label.csv", "waiting.csv"}
    for name in left:  # a kill came when the last round was complete
        (folder / name).write_text("of round 1\n")
    Asked(1, folder, Words(CLASSES), [], (), folder).write(folder)
    with Record(folder).locked() as record:
        record.update_manifest(status="running")
    assert al_run.run_folder(*ASKS, *more) == folder
    assert not left & {path.name for path in folder.iterdir()}


def test_who_cannot_tell_is_not_asked_again(al_run: Command, truth: Truth) -> None:
    unsure = {name: "cannot tell" if i % 3 == 0 else label for i, (name, label) in enumerate(truth.items())}
    folder = labeled(al_run, unsure)
    queries, rounds = rows(folder, "queries.csv"), rows(folder, "rounds.csv")
    untold = [row for row in queries if row["label"] == "cannot tell"]
    assert len(queries) == 14
    assert len({row["index"] for row in queries}) == 14
    assert untold
    assert int(rounds[-1]["n_labeled"]) == 14 - len(untold)
    labels = np.concatenate([np.load(folder / f"round_{k}" / "labels.npy") for k in range(len(rounds))])
    assert (labels == -2).sum() == len(untold)


def test_what_is_known_is_learned_from_first(al_run: Command, truth: Truth) -> None:
    known = al_run.folder / "known.csv"
    known.write_text("file,label\n" + "".join(f"{name},{truth[name]}\n" for name in list(truth)[:20]))
    folder = labeled(al_run, truth, f"dataset.labels={known}")
    bought = [int(row["index"]) for row in rows(folder, "queries.csv") if row["round"] == "0"]
    names = sorted(path.name for path in (al_run.folder / "scans").iterdir())
    asked = {row["sample"] for row in rows(folder, "labels.csv")}
    test = {name for name in names[20:] if name in asked}
    pool = [name for name in names if name not in _test_names(al_run, folder)]
    assert all(pool[index] in list(truth)[:20] for index in bought), "known ones are the first query"
    assert not asked & {*list(truth)[:20]}, "nobody is asked what is known"
    assert test


def _test_names(al_run: Command, folder: Path) -> set[str]:
    """The random sample, which is the same whatever is known."""
    other = al_run.run_folder(*ASKS, "seed=7")
    asked = json.loads((other / "asked.json").read_text())["questions"]
    return {each["sample"] for each in asked if each["split"] == "test"}


Change = Callable[[str], str]


@pytest.mark.parametrize(
    ("change", "said"),
    [
        (lambda text: text.replace("file", "picture"), "has no column file"),
        (lambda text: text + "0,train,99.png,,ill,,\n", "99.png is not one of the images asked for"),
        (lambda text: text.replace(".png,,,", ".png,flu,,", 1), "flu is not one of normal, ill, cannot tell"),
        (lambda _: "", "is empty"),
    ],
)
def test_a_table_that_does_not_fit_changes_nothing(
    al_run: Command, truth: Truth, change: Change, said: str
) -> None:
    folder = al_run.run_folder(*ASKS)
    table = folder / "to_label.csv"
    before = table.read_text()
    table.write_text(change(before))
    done = al_run(*ASKS)
    assert done.returncode == 2
    assert said in done.stderr
    assert done.stderr.count("\n") == 1
    assert status(folder) == "waiting"
    assert not (folder / "labels.csv").exists()


@pytest.mark.parametrize(
    ("more", "said"),
    [
        (["oracle=simulated"], "oracle=people asks for them"),
        (["keep_pool=true"], "keep_pool needs the labels of the whole pool"),
        (["schedule.initial=class_balanced"], "schedule.initial=class_balanced needs the labels"),
        (["schedule.target.value=0.9"], "needs a validation split, and these data have none"),
        (
            ["schedule.target.value=0.9", "schedule.target.bound=low"],
            "bound=low needs a metric of the random",
        ),
        ([*LOW, "schedule.target.metric=test/f1"], "schedule.target.metric=test/f1 has no interval; "),
        (["dataset.classes=[ill]"], "at least two are needed"),
    ],
)
def test_what_needs_labels_that_nobody_has_is_refused(
    al_run: Command, truth: Truth, more: list[str], said: str
) -> None:
    done = al_run(*ASKS, *more)
    assert done.returncode == 2
    assert said in done.stderr
    assert not (al_run.folder / "outputs").exists()


def test_people_are_not_asked_of_data_without_files(al_run: Command, tiny: list[str]) -> None:
    done = al_run(*tiny, "oracle=people")
    assert done.returncode == 2
    assert "so dataset=unlabeled" in done.stderr


@pytest.mark.slow
def test_the_report_says_what_people_did(al_run: Command, truth: Truth) -> None:
    folder = labeled(al_run, truth)
    lines = (folder / "labels.csv").read_text().splitlines()
    timed = [re.sub(r",,[^,]*,,,table$", ",AB,,2.5,,page", line) for line in lines]
    second = timed[1].replace(",AB,", ",CD,")
    (folder / "labels.csv").write_text("\n".join([*timed, second]) + "\n")
    done = al_run.report("outputs", "--out", "page")
    assert done.returncode == 0, done.stderr
    tables = {path.stem.split("_", 1)[1]: path for path in (al_run.folder / "page" / "tables").iterdir()}
    (effort,) = csv.DictReader(tables["labeling"].open())
    assert (effort["images"], effort["cannot tell"], effort["readers"]) == ("22", "0", "AB, CD")
    assert float(effort["seconds an image"]) == 2.5
    assert float(effort["minutes in all"]) == pytest.approx(23 * 2.5 / 60)
    (pair,) = csv.DictReader(tables["readers"].open())
    assert (pair["readers"], pair["images of both"], pair["same label"]) == ("AB and CD", "1", "1.0")
    sample = list(csv.DictReader(tables["sample"].open()))
    rounds = rows(folder, "rounds.csv")
    assert [row["labels"] for row in sample] == [row["n_labeled"] for row in rounds]
    assert [float(row["test/accuracy low"]) for row in sample] == [
        float(row["test/accuracy_low"]) for row in rounds
    ]


def test_a_run_ends_when_the_low_end_of_its_interval_reaches_a_target(al_run: Command, truth: Truth) -> None:
    folder = labeled(al_run, truth, *LOW, "schedule.epochs=9")
    (row,) = rows(folder, "rounds.csv")
    assert float(row["test/accuracy_low"]) >= 0.05
    manifest = json.loads((folder / "manifest.json").read_text())
    assert manifest["ended_early"] == "the low end of test/accuracy reached 0.05"
    assert manifest["status"] == "finished"
    assert "minutes" not in row, "a table does not say how long it took"


def test_a_low_end_needs_an_interval(al_run: Command, tiny: list[str]) -> None:
    done = al_run(*tiny, *LOW)
    assert done.returncode == 2
    assert "schedule.target.bound=low needs a test split that is a random sample" in done.stderr
