"""Learning curves: a metric against the number of labels, over repetitions. Pure functions of numbers."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from math import isnan, nan
from typing import Any

import numpy as np
from scipy.optimize import isotonic_regression

Array = np.ndarray[Any, np.dtype[np.float64]]
Flags = np.ndarray[Any, np.dtype[np.bool_]]

ROUNDING = 1e-9
"""Scores have seven digits; a mean of them that misses a target by less than this has reached it."""


@dataclass(frozen=True)
class Curve:
    """The learning curves of one arm's repetitions.

    Attributes:
        labels: [B], numbers of labels, ascending.
        seeds: [S], ascending.
        values: [S, B], the metric of each seed at each number of labels.
    """

    labels: Array
    seeds: tuple[int, ...]
    values: Array

    @classmethod
    def of(cls, rows: Mapping[int, Sequence[Mapping[str, float]]], metric: str) -> "Curve":
        """From the rows of each seed's run, at the numbers of labels that all of them measured.

        A metric that is NaN, such as an AUROC of one class, counts as not measured.

        Raises:
            ValueError: they have none in common.
        """
        seeds = tuple(sorted(rows))
        measured = [
            {row["n_labeled"]: row[metric] for row in rows[seed] if not isnan(row.get(metric, nan))}
            for seed in seeds
        ]
        labels = sorted(set.intersection(*(set(points) for points in measured))) if measured else []
        if not labels:
            raise ValueError(f"the runs have no measurement of {metric} in common")
        values = [[points[n] for n in labels] for points in measured]
        return cls(np.array(labels, dtype=float), seeds, np.array(values, dtype=float))

    @property
    def mean(self) -> Array:
        """[B], the mean over seeds."""
        return self.values.mean(0)

    @cached_property
    def risen(self) -> Array:
        """[B], the mean made to rise: the closest curve by least squares that never falls (isotonic).

        By chance, a mean that is flat and noisy reaches a score too early; made to rise, it does not.
        """
        return np.asarray(isotonic_regression(self.mean).x, dtype=float)

    @property
    def area(self) -> Array:
        """[S], the area under each seed's budget curve: trapezoids over labels, divided by their range.

        It is the mean of the metric over the budget, in the metric's unit. One measurement is its own area.
        """
        if len(self.labels) == 1:
            return self.values[:, 0]
        return np.trapezoid(self.values, self.labels) / (self.labels[-1] - self.labels[0])

    def at(self, labels: Array) -> Array:
        """[S, M], each seed's metric at M numbers of labels, linear between measurements."""
        return np.stack([np.interp(labels, self.labels, row) for row in self.values])

    def only(self, seeds: Sequence[int], labels: Sequence[float] | Array) -> "Curve":
        """The part of some seeds at some of the measured numbers of labels."""
        rows = [self.seeds.index(seed) for seed in seeds]
        columns = np.flatnonzero(np.isin(self.labels, labels))
        return Curve(self.labels[columns], tuple(seeds), self.values[rows][:, columns])

    def minus(self, scores: Mapping[int, float]) -> "Curve":
        """The seeds that have a score, that score subtracted from each seed's metric."""
        seeds = [seed for seed in self.seeds if seed in scores]
        kept = self.only(seeds, self.labels)
        offsets = np.array([scores[seed] for seed in seeds], dtype=float)
        return Curve(kept.labels, kept.seeds, kept.values - offsets[:, None])


def paired(first: Curve, second: Curve) -> tuple[Curve, Curve]:
    """Two curves, cut to the seeds and the numbers of labels that both have."""
    seeds = [seed for seed in first.seeds if seed in second.seeds]
    labels = np.intersect1d(first.labels, second.labels)
    return first.only(seeds, labels), second.only(seeds, labels)


def crossing(x: Array, y: Array, target: float) -> float:
    """Where a piecewise linear curve first reaches a target, but for rounding; inf where it never does."""
    reached = np.flatnonzero(y >= target - ROUNDING)
    if not len(reached):
        return np.inf
    at = int(reached[0])
    if at == 0:
        return float(x[0])
    share = min((target - y[at - 1]) / (y[at] - y[at - 1]), 1.0)
    return float(x[at - 1] + share * (x[at] - x[at - 1]))
