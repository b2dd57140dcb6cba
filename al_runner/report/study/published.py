"""Figures that others published, to be shown beside ours. They are part of no statistic."""

import csv
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from math import isfinite
from pathlib import Path

from al_runner.errors import InputError
from al_runner.report.study.arms import Arm

STRATEGY, LABELS = "strategy", "n_labeled"

Points = Mapping[int, float]
"""Number of labels → score, ascending."""


@dataclass(frozen=True)
class Published:
    """Learning curves of one run or mean for each strategy.

    Attributes:
        source: the file's name.
        curves: strategy → metric, as in `rounds.csv` → its points.
    """

    source: str
    curves: Mapping[str, Mapping[str, Points]]

    @classmethod
    def read(cls, path: Path, names: Mapping[str, str]) -> "Published":
        """From a CSV file with the columns `strategy`, `n_labeled` and metrics of the test split.

        Args:
            path: a row for each strategy and number of labels; an empty cell was not published. A column
                `f1` is `test/f1`; columns of other names, such as `round`, are read and not asked for.
            names: what the file calls a strategy or a column → what it is called here.

        Raises:
            InputError: it cannot be read, lacks a column, or has something else where a number belongs.
        """
        try:
            with path.open(newline="", encoding="utf-8-sig") as file:
                reader = csv.DictReader(file, strict=True)
                header, rows = reader.fieldnames or [], list(reader)
        except (OSError, UnicodeDecodeError, csv.Error) as error:
            raise InputError(f"--reference {path} cannot be read: {error}") from error
        columns = {column: names.get(column, column) for column in header}
        if missing := [column for column in (STRATEGY, LABELS) if column not in columns.values()]:
            raise InputError(
                f"--reference {path} lacks the column {' and '.join(missing)}; it has {', '.join(header)}"
            )
        known = {
            *columns,
            *(row[column] for row in rows for column in columns if columns[column] == STRATEGY),
        }
        if unknown := [name for name in names if name not in known]:
            raise InputError(f"--reference-as {unknown[0]}=…: no strategy or column of {path} is called so")
        curves: dict[str, dict[str, dict[int, float]]] = {}
        for line, row in enumerate(rows, start=2):
            cells = {columns.get(column, ""): (cell or "").strip() for column, cell in row.items() if column}
            numbers = _numbers(cells, f"--reference {path}, line {line}")
            strategy = names.get(cells[STRATEGY], cells[STRATEGY])
            for metric, score in numbers.items():
                if metric != LABELS:
                    points = curves.setdefault(strategy, {}).setdefault(f"test/{metric}", {})
                    points[int(numbers[LABELS])] = score
        return cls(
            path.name,
            {name: {metric: dict(sorted(points.items())) for metric, points in found.items()}
             for name, found in curves.items()},
        )  # fmt: skip

    def of(self, arm: Arm, metric: str) -> Points:
        """What was published of an arm, or of its strategy; nothing where nothing was."""
        called = [name for name in (arm.label, arm.name, arm.strategy) if name in self.curves]
        return self.curves[called[0]].get(metric, {}) if called else {}

    def unmatched(self, arms: Sequence[Arm]) -> list[str]:
        """Strategies of the file that no arm is."""
        ours = {name for arm in arms for name in (arm.label, arm.name, arm.strategy)}
        return [name for name in self.curves if name not in ours]


def _numbers(cells: Mapping[str, str], where: str) -> dict[str, float]:
    """The cells of a row that hold something, but for the strategy's name."""
    numbers = {}
    for column, cell in cells.items():
        if column == STRATEGY or (not cell and column != LABELS):
            continue
        try:
            numbers[column] = float(cell)
        except ValueError as error:
            raise InputError(f"{where}: {column}={cell} is not a number") from error
        if not isfinite(numbers[column]):
            raise InputError(f"{where}: {column}={cell} is not a number")
    if numbers[LABELS] < 0 or numbers[LABELS] % 1:
        raise InputError(f"{where}: {LABELS}={cells[LABELS]} is not a number of labels")
    return numbers
