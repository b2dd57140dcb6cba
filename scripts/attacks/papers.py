"""Files that people hand in, and records, damaged: answers, exports, published curves, run folders."""

import json
import random
import shutil
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

from al_runner.data.words import Words
from al_runner.people.answers import Answer, Answers
from al_runner.people.asked import Asked, Question
from al_runner.people.label_studio import annotations
from al_runner.people.table import filled_in, write
from al_runner.report.study.published import Published
from al_runner.runs.record import read_manifest
from al_runner.runs.rounds import ClosedRound, read_array
from attacks.damages import DAMAGES, OTHERS, spoil
from attacks.inputs import in_a_fork, judged
from attacks.kills import Outcome

SAMPLES = [f"{k:02}.png" for k in range(20)]
QUESTIONS = [Question(name, "train", k, "p", (0.5, 0.5)) for k, name in enumerate(SAMPLES)]
TASKS = [
    {
        "data": {"sample": name},
        "annotations": [
            {"result": [{"from_name": "label", "value": {"choices": ["ill"]}}], "lead_time": 2.0}
        ],
    }
    for name in SAMPLES
]


def asked(folder: Path) -> Asked:
    """What is asked in a folder."""
    return Asked(1, folder, Words(("normal", "ill")), QUESTIONS, ("al-run",), folder)


def _record(folder: Path) -> None:
    """A run folder of one round, as far as it is read here."""
    import numpy as np

    from al_runner.runs.record import Record

    with Record(folder).locked() as record:
        record.update_manifest(name="x", seed=3)
        rows = [{"round": 0, "rank": 0, "index": 3, "label": "ill", "score": "0.5"}]
        row = {"round": 0, "n_labeled": 1, "n_queried": 1}
        arrays = {"picks": np.zeros((1, 4, 4), np.uint8)}
        record.close_round(row, rows, np.array([1]), arrays, lambda path: path.write_bytes(b"state"))


@dataclass(frozen=True)
class Paper:
    """A file that is read.

    Attributes:
        name: of the file, below a folder.
        made: makes it there.
        read: reads it.
    """

    name: str
    made: Callable[[Path], object]
    read: Callable[[Path], object]


def _answered(folder: Path) -> None:
    """A table that is filled in."""
    write(folder, QUESTIONS)
    path = folder / "to_label.csv"
    path.write_text("file,label\n" + "".join(f"{name},ill\n" for name in SAMPLES))


def _exported(folder: Path) -> object:
    path = folder / "export.json"
    return annotations.new(annotations.read(path), str(path), asked(folder), Answers(folder))


PAPERS = (
    Paper("to_label.csv", _answered, lambda folder: filled_in(folder / "to_label.csv", asked(folder), {})),
    Paper(
        "labels.csv",
        lambda folder: Answers(folder).add(
            [Answer(name, "ill", "AB", "2026-01-01", 2.0) for name in SAMPLES]
        ),
        Answers,
    ),
    Paper("asked.json", lambda folder: asked(folder).write(folder), Asked.read),
    Paper("export.json", lambda folder: (folder / "export.json").write_text(json.dumps(TASKS)), _exported),
    Paper(
        "published.csv",
        lambda folder: (folder / "published.csv").write_text(
            "strategy,n_labeled,accuracy\n" + "".join(f"entropy,{k},0.{k}\n" for k in range(10, 90))
        ),
        lambda folder: Published.read(folder / "published.csv", {}),
    ),
    Paper("manifest.json", _record, read_manifest),
    Paper("round_0/round.json", _record, lambda folder: ClosedRound.read(folder / "round_0")),
    Paper("round_0/picks.npy", _record, lambda folder: read_array(folder / "round_0", "picks")),
)


@dataclass(frozen=True)
class Sheet:
    """A file that is damaged."""

    subject: str
    damage: str

    @property
    def paper(self) -> Paper:
        """What it is."""
        return next(each for each in PAPERS if each.name == self.subject)

    def __str__(self) -> str:
        return f"{self.subject}: {self.damage}"


def sheets() -> Iterator[Sheet]:
    """Every file with every damage."""
    for paper in PAPERS:
        for damage in (*DAMAGES, *OTHERS):
            yield Sheet(paper.name, damage)


def attempt(sheet: Sheet, place: Path) -> Outcome:
    """Damage it, and read it in a process of its own."""
    place.mkdir()
    sheet.paper.made(place)
    spoil(place / sheet.paper.name, sheet.damage, random.Random(str(sheet)))
    outcome = in_a_fork(lambda: judged(lambda: sheet.paper.read(place)), place)
    shutil.rmtree(place)
    return outcome
