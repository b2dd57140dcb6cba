"""Learning curves: a metric against the number of labels, over repetitions. Pure functions of numbers."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

Array = np.ndarray[Any, np.dtype[np.float64]]


@dataclass(frozen=True)
class Curve:
    """The learning curves of one strategy's repetitions.

    Attributes:
        labels: [B], numbers of labels, ascending.
        values: [S, B], the metric of each seed at each of them.
    """

    labels: Array
    values: Array

    @classmethod
    def of(cls, runs: Sequence[Sequence[Mapping[str, float]]], metric: str) -> "Curve":
        """From the rows of some runs, at the numbers of labels that all of them measured.

        Raises:
            ValueError: they have none in common.
        """
        measured = [{row["n_labeled"]: row[metric] for row in rows if metric in row} for rows in runs]
        labels = sorted(set.intersection(*(set(points) for points in measured)))
        if not labels:
            raise ValueError(f"the runs have no measurement of {metric} in common")
        values = [[points[n] for n in labels] for points in measured]
        return cls(np.array(labels, dtype=float), np.array(values, dtype=float))

    @property
    def mean(self) -> Array:
        """[B], the mean over seeds."""
        return self.values.mean(0)

    @property
    def deviation(self) -> Array:
        """[B], the standard deviation over seeds (n − 1); NaN with one seed."""
        if len(self.values) < 2:
            return np.full(len(self.labels), np.nan)
        return self.values.std(0, ddof=1)

    def labels_to_reach(self, target: float) -> float | None:
        """The number of labels at which the mean curve first reaches `target`.

        Linear between measurements; None where it does not reach it.
        """
        reached = np.flatnonzero(self.mean >= target)
        if not len(reached):
            return None
        at = int(reached[0])
        if at == 0:
            return float(self.labels[0])
        low, high = self.mean[at - 1], self.mean[at]
        share = (target - low) / (high - low)
        return float(self.labels[at - 1] + share * (self.labels[at] - self.labels[at - 1]))
