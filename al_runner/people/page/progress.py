"""What a run has learned so far: its learning curve, and what its last model confuses."""

import csv
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from numpy.typing import NDArray

from al_runner.data.formats import arrays
from al_runner.data.words import Words
from al_runner.errors import InputError

COLUMNS = ("test/accuracy", "test/auroc", "test/balanced_accuracy", "test/f1")
"""Metrics of the table, in this order; the first that a run has is drawn."""


@dataclass(frozen=True)
class Point:
    """One round.

    Attributes:
        n_labeled: labels that its model learned from.
        metrics: metric → value.
        intervals: metric → 95 % interval, where the record has one: of a random sample.
        tested: samples that the intervals rest on.
    """

    n_labeled: int
    metrics: dict[str, float]
    intervals: dict[str, tuple[float, float]] = field(default_factory=dict)
    tested: int | None = None

    def told(self) -> dict[str, Any]:
        """For the page."""
        return {**self.__dict__}


def curve(folder: Path) -> list[Point]:
    """The measured rounds of a run folder, in order; [] before the first."""
    try:
        with (folder / "rounds.csv").open(newline="", encoding="utf-8") as file:
            rows = list(csv.DictReader(file))
        return [point for row in rows if (point := _point(folder, row)) is not None]
    except (OSError, ValueError, KeyError, csv.Error):
        return []  # it is being replaced: the page asks again


def _point(folder: Path, row: dict[str, str]) -> Point | None:
    metrics = {name: float(row[name]) for name in COLUMNS if row.get(name)}
    if not metrics:
        return None
    intervals = {
        name: (float(low), float(high))
        for name in metrics
        if (low := row.get(f"{name}_low")) and (high := row.get(f"{name}_high"))
    }
    matrix = confusion(folder, int(float(row["round"])))
    tested = None if matrix is None else int((matrix if matrix.ndim == 2 else matrix[0]).sum())
    return Point(int(float(row["n_labeled"])), metrics, intervals, tested)


def confusion(folder: Path, number: int) -> NDArray[Any] | None:
    """Test samples of a round's model by true class and prediction; None where there are none."""
    path = folder / f"round_{number}" / "confusion_test.npy"
    try:
        return arrays.read(path)
    except InputError:
        return None


def last_confusion(folder: Path, words: Words) -> dict[str, Any] | None:
    """The confusion matrix of the last round that has one, for the page.

    Returns:
        One class of several: `classes` and `matrix`, rows are true classes. Several labels: `labels`, each
        with how often it was found, missed, given wrongly and rightly not given. None without any.
    """
    numbers = sorted(
        (int(path.parent.name[6:]) for path in folder.glob("round_*/confusion_test.npy")), reverse=True
    )
    for number in numbers:
        matrix = confusion(folder, number)
        if matrix is None or len(matrix) != len(words.classes):
            continue
        if matrix.ndim == 2:
            return {"round": number, "classes": list(words.classes), "matrix": matrix.tolist()}
        if matrix.shape[1:] == (2, 2):
            return {"round": number, "labels": _of_labels(words, matrix)}
    return None


def _of_labels(words: Words, matrix: NDArray[Any]) -> list[dict[str, Any]]:
    return [
        {
            "label": name,
            "found": each[1][1],
            "missed": each[1][0],
            "wrong": each[0][1],
            "rightly_not": each[0][0],
        }
        for name, each in zip(words.classes, matrix.tolist(), strict=True)
    ]
