"""Run folders as data."""

import csv
import io
from collections import defaultdict
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np

from al_runner.errors import InputError
from al_runner.loop.share import samples
from al_runner.moved import today
from al_runner.people.ending import BY_PEOPLE
from al_runner.runs.record import read_manifest
from al_runner.runs.rounds import ROUND, ClosedRound, changed, read_array, shows

NONE = "none"
"""The value of a key that a run does not have."""
LEFT_OUT = {"schedule.initial": "random", "schedule.initial_features": "images"}
"""Values that a run's science does not mention."""
BOUND = ".GreedyOracle"
"""The end of the `_target_` of the strategy that is an upper bound."""
NEEDED = ("name", "strategy", "seed", "status", "identity", "science", "dataset")


@dataclass(frozen=True)
class Pick:
    """One label that was bought: a position in the training split, and the oracle's answer in words."""

    index: int
    label: str


@dataclass(frozen=True)
class Run:
    """What one run folder holds.

    Attributes:
        folder: the run folder.
        manifest: `manifest.json`.
        rounds: the loop's rounds in `rounds.csv`, numbers only; empty cells are left out.
        final: the row of the final model, a network of its own; None where there is none, or not yet.
        closed: how many rows the run has where not all of them are looked at.
    """

    folder: Path
    manifest: Mapping[str, Any]
    rounds: tuple[Mapping[str, float], ...]
    final: Mapping[str, float] | None = None
    closed: int | None = None

    @classmethod
    def read(cls, folder: Path) -> "Run":
        """Read a run folder.

        Raises:
            InputError: it was changed or cut short.
        """
        manifest = read_manifest(folder)
        if missing := [key for key in NEEDED if key not in manifest]:
            raise InputError(f"{folder}/manifest.json lacks {', '.join(missing)}: al-run did not write it so")
        path = folder / "rounds.csv"
        rows = list(_numbers(path)) if path.is_file() else []
        final = rows.pop() if rows and _is_final(rows[-1]) else None
        if any(map(_is_final, rows)) or (final is not None and not rows):
            raise InputError(f"{path}: a round before the last one, or the first, has n_queried 0")
        run = cls(folder, manifest, tuple(rows), final)
        try:
            _ = run.seed, run.dataset, run.science, run.uses_all_labels, run.arm, run.arm_baseline
        except (KeyError, TypeError, ValueError, AttributeError) as error:
            raise InputError(f"{folder}/manifest.json is not as al-run wrote it: {error!r}") from error
        closed, known = sum(1 for _ in folder.glob("round_*")), len(rows) + (final is not None)
        # A run that goes on, or was killed, may be one row behind its rounds.
        if run.finished and not run.rounds:
            raise InputError(f"{path} has no rounds, but the run is finished: it was removed or cut short")
        if closed and not 0 <= closed - known <= (not run.finished):
            raise InputError(
                f"{folder}/rounds.csv has {known} rows for {closed} rounds: it was cut short; the "
                "run's own command writes it again"
            )
        if run.finished:  # one that runs may close a round at any moment; it is part of no number
            _check(path, closed)
        return run

    def up_to(self, budget: int) -> "Run":
        """The run as if it had ended with its last round of at most `budget` labels.

        A full-data reference, which has one round, stays as it is.

        Raises:
            InputError: there is no such round.
        """
        kept = tuple(row for row in self.rounds if row["n_labeled"] <= budget)
        if self.uses_all_labels or len(kept) == len(self.rounds):
            return self
        if not kept:
            first = self.rounds[0]["n_labeled"]
            raise InputError(f"--budget {budget}: {self.folder} begins with {first:.0f} labels")
        return replace(self, rounds=kept, final=None, closed=len(self.rounds) + (self.final is not None))

    @property
    def strategy(self) -> str:
        """The name of the strategy's file."""
        return str(self.manifest["strategy"])

    @property
    def looks_ahead(self) -> bool:
        """Whether its strategy knows labels before they are bought, so that it is an upper bound."""
        node = self.manifest.get("science", {}).get("strategy") or {}
        return str(node.get("_target_", "")).endswith(BOUND)

    @property
    def dataset(self) -> str:
        """The data set's name."""
        return str(self.manifest["dataset"]["name"])

    @property
    def seed(self) -> int:
        """The run's seed."""
        return int(self.manifest["seed"])

    @property
    def finished(self) -> bool:
        """Whether the run went to its end."""
        return bool(self.manifest["status"] == "finished")

    @property
    def ended_by_people(self) -> bool:
        """Whether somebody who labeled ended it before its budget was spent."""
        return str(self.manifest.get("ended_early") or "").startswith(BY_PEOPLE)

    @property
    def arm(self) -> str | None:
        """What the run calls its way of running, where it was declared to be compared with others."""
        return self._declared("arm")

    @property
    def arm_baseline(self) -> str | None:
        """The arm that it is to be compared with."""
        return self._declared("baseline")

    def _declared(self, key: str) -> str | None:
        value = (self.manifest.get("report") or {}).get(key)
        return None if value is None else str(value)

    @cached_property
    def rows(self) -> tuple[Mapping[str, float], ...]:
        """The rounds that were measured on the same split as the last one.

        After a switch of the data set these are the rounds that trained on a label of the second set.
        """
        switch = self.manifest.get("switch")
        if switch is None or self.science.get("schedule.switch_dataset.measure") == "first":
            return self.rounds
        bought_before = switch["labels"]
        later = (row for row in self.rounds if row["n_labeled"] - row["n_queried"] >= bought_before)
        return tuple(later) or self.rounds

    @property
    def outcome(self) -> Mapping[str, float] | None:
        """The row of the model that the run leaves: the final one, else that of its last round."""
        return self.final or (self.rows[-1] if self.rows else None)

    @property
    def leaves_final_model(self) -> bool:
        """Whether it ends with a final model, be it there or not yet."""
        return self.final is not None or any(key.startswith("schedule.final_model.") for key in self.science)

    @property
    def has_one_round(self) -> bool:
        """Whether it buys all its labels at once."""
        return self.science.get("schedule.initial_size") == self.science.get("schedule.budget")

    @property
    def uses_all_labels(self) -> bool:
        """Whether it trained on the whole training split at once: the full-data reference."""
        return bool(self.manifest["science"]["schedule"]["initial_size"] == "all")

    @cached_property
    def science(self) -> dict[str, str]:
        """Dotted key → value in words, of all that makes the run what it is, but for its seed."""
        science = {key: value for key, value in today(self.manifest["science"]).items() if key != "seed"}
        words = dict(_flat(science))
        is_node = any(key.startswith("schedule.initial.") for key in words)
        return {
            "strategy": self.strategy,
            **({} if is_node else LEFT_OUT),
            **words,
            "dataset content": self.manifest["dataset"]["fingerprint"],
        }

    @cached_property
    def queries(self) -> tuple[tuple[Pick, ...], ...]:
        """What was bought in each round, most informative first.

        Raises:
            InputError: `queries.csv` was cut short.
        """
        rounds: dict[int, list[Pick]] = defaultdict(list)
        path = self.folder / "queries.csv"
        try:
            for row in _rows(path):
                rounds[int(row["round"])].append(Pick(int(row["index"]), row["label"]))
        except (KeyError, ValueError) as error:
            raise InputError(f"{path} is not as al-run wrote it: {error!r}") from error
        bought, known = sum(map(len, rounds.values())), self.rounds[-1]["n_labeled"] if self.rounds else 0
        if bought < known:
            raise InputError(f"{path} has {bought} of {known:.0f} labels: it was cut short")
        if self.finished:
            _check(path, self.closed or len(self.rounds) + (self.final is not None))
        seen = [number for number in sorted(rounds) if self.closed is None or number < len(self.rounds)]
        return tuple(tuple(rounds[number]) for number in seen)

    @property
    def indices(self) -> list[list[int]]:
        """The indices bought in each round, most informative first."""
        return [[pick.index for pick in query] for query in self.queries]

    def query_size(self, round_number: int) -> int:
        """How many labels a round bought, or would have bought had the run gone on."""
        if round_number < len(self.rounds):
            return int(self.rounds[round_number]["n_queried"])
        sizes = self.manifest["science"]["schedule"]["query_size"]
        asked = sizes[min(round_number, len(sizes)) - 1]
        return samples(asked, self.manifest["dataset"]["sizes"]["train"], "schedule.query_size")

    def array(self, round_number: int, name: str) -> "np.ndarray[Any, Any] | None":
        """An array of a round's folder, None where it was not kept."""
        return read_array(self.folder / f"round_{round_number}", name)


def _check(path: Path, number: int) -> None:
    """Refuse a table that was edited: it has to show what the rounds' folders hold, where they are there."""
    folders = [path.parent / f"round_{k}" for k in range(number)]
    if not any((folder / ROUND).is_file() for folder in folders):
        return
    try:
        true = shows(path, [ClosedRound.read(folder) for folder in folders])
    except OSError as error:
        raise InputError(f"{error.filename} cannot be read: {error.strerror}") from error
    if not true:
        raise changed(path)


def _numbers(path: Path) -> Iterator[dict[str, float]]:
    """The rows of `rounds.csv`; rounds are numbered from 0."""
    for number, row in enumerate(_rows(path)):
        try:
            values = {key: float(value) for key, value in row.items() if value}
        except ValueError as error:
            raise InputError(f"{path}, round {number}: {error}") from error
        if values.get("round") != number or "n_labeled" not in values:
            raise InputError(f"{path}: round {number} is missing, or its n_labeled")
        yield values


def _is_final(row: Mapping[str, float]) -> bool:
    """Only the final model is trained without buying labels before."""
    return row.get("n_queried") == 0


def _rows(path: Path) -> Iterator[dict[str, str]]:
    """The rows of a CSV file that was written whole.

    Raises:
        InputError: it is missing, or its end is.
    """
    try:
        text = path.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise InputError(f"{path} cannot be read: {error}") from error
    try:
        for row in csv.DictReader(io.StringIO(text)):
            if None in row or None in row.values() or not text.endswith("\n"):
                raise InputError(f"{path} was cut short; its run's own command writes it again")
            yield row
    except csv.Error as error:
        raise InputError(f"{path} is not as al-run wrote it: {error}") from error


def _flat(node: Any, path: str = "") -> Iterator[tuple[str, str]]:
    """The leaves of nested dictionaries, by dotted key."""
    if isinstance(node, Mapping):
        for key, value in node.items():
            yield from _flat(value, f"{path}.{key}" if path else str(key))
    else:
        yield path, str(node)
