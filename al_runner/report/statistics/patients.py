"""What a difference owes to the patients of the test split, alone and with the seeds. Pure functions."""

from dataclasses import dataclass
from typing import Any

import numpy as np
from scipy import stats

from al_runner.report.statistics.curves import Array
from al_runner.report.statistics.intervals import LEVEL, Estimate

Counts = np.ndarray[Any, np.dtype[np.int64]]

DRAWN = 1000
"""Test splits that are drawn."""


def weightings(patients: Array, drawn: int = DRAWN) -> Counts:
    """How often each sample is in each of some drawn test splits: [B, N], from a fixed seed.

    Patients are drawn with replacement, as many as there are, each with all samples (Efron and Tibshirani,
    1993; the cluster bootstrap).

    Args:
        patients: [N], whose each sample is.
    """
    names, whose = np.unique(patients, return_inverse=True)
    rng = np.random.default_rng(0)
    counts = rng.multinomial(len(names), np.full(len(names), 1 / len(names)), size=drawn)
    return counts[:, whose.ravel()]


@dataclass(frozen=True)
class Conditional:
    """A mean difference, and what it is conditional on.

    Attributes:
        patients: how many.
        others: the interval for other test patients, of these seeds' models.
        both: the interval for other seeds and other test patients.
    """

    patients: int
    others: Estimate
    both: Estimate


def conditional(differences: Array, drawn: Array, patients: int, level: float = LEVEL) -> Conditional:
    """The intervals of a mean over seeds for other test patients.

    With these seeds it is the bootstrap's percentile interval of the mean. For both, seeds and patients are
    crossed random effects: a = s² / S over S seeds has the seeds and what a seed and a patient make of each
    other; b, the bootstrap's variance of the mean over seeds times P / (P − 1), has the patients and the same
    again. That is c = (b̄ − b) / (S − 1), b̄ being the mean of such variances of each seed alone, and at most
    the smaller of a and b, of which it is a part. The variance is a + b − c, and the interval is
    m ± t √(a + b − c), with Satterthwaite's degrees of freedom (1946).

    Args:
        differences: [S], of each seed, with the test split as it is; at least two.
        drawn: [S, B], of each seed on each drawn test split.
        patients: P, at least two.
        level: 1 − the coverage.
    """
    mean, seeds = float(differences.mean()), len(differences)
    low, high = np.quantile(drawn.mean(0), [level / 2, 1 - level / 2])
    scale = patients / (patients - 1)
    a, b = float(differences.var(ddof=1)) / seeds, float(drawn.mean(0).var(ddof=1)) * scale
    apart = (float(drawn.var(1, ddof=1).mean()) * scale - b) / (seeds - 1)
    c = min(max(apart, 0.0), a, b)
    total = a + b - c
    spread = a**2 / (seeds - 1) + b**2 / (patients - 1) + c**2 / ((seeds - 1) * (patients - 1))
    half = float(stats.t.ppf(1 - level / 2, total**2 / spread)) * total**0.5 if total else 0.0
    return Conditional(
        patients, Estimate(mean, float(low), float(high)), Estimate(mean, mean - half, mean + half)
    )
