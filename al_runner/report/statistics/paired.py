"""Paired tests over seeds, exact where that is possible. Pure functions."""

from collections.abc import Callable
from math import ceil, log2

import numpy as np
from scipy import stats

from al_runner.report.statistics.curves import Array

LEVEL = 0.05
ENUMERATED = 16
"""Up to so many seeds every change of signs is visited."""
DRAWN = 2**16
"""Changes of signs that are drawn where there are more."""

Test = Callable[[Array], Array]


def sign_flip(differences: Array) -> Array:
    """The exact two-sided sign-flip test of a mean difference of 0 (Fisher, 1935).

    p = the share of the 2^S changes of signs that make |Σ d| at least as large as it is. Nothing is assumed
    but that, without a difference, d and −d are equally likely.

    Args:
        differences: [S, ...], one for each seed.

    Returns:
        p [...]; above 16 seeds estimated from 65,536 changes drawn from a fixed seed; NaN where d has a NaN.
    """
    n = len(differences)
    flat = differences.reshape(n, -1)
    sums = np.abs(_signs(n) @ flat)
    # Sums of the same numbers in another order differ by rounding.
    least = np.abs(flat.sum(0)) - 1e-12 * np.abs(flat).sum(0)
    p = np.where(np.isnan(least), np.nan, (sums >= least).mean(0))
    return p.reshape(differences.shape[1:])


def _signs(n: int) -> Array:
    """[R, n] of ±1; the first row changes nothing."""
    if n <= ENUMERATED:
        bits = (np.arange(2**n)[:, None] >> np.arange(n)) & 1
        return np.asarray(1 - 2 * bits, dtype=np.float64)
    drawn = np.random.default_rng(0).choice([-1.0, 1.0], (DRAWN, n))
    drawn[0] = 1
    return drawn


def wilcoxon(differences: Array) -> Array:
    """The exact two-sided signed-rank test (Wilcoxon, 1945): the sign-flip test of signed ranks.

    Differences of 0 are left out, equal ones (in twelve decimals) share their mean rank; exact with ties.

    Args:
        differences: [S, ...], one for each seed.

    Returns:
        p [...]; 1 where all differences are 0.
    """
    columns = differences.reshape(len(differences), -1).round(12).T
    p = [float(sign_flip(_signed_ranks(column[column != 0]))) if column.any() else 1.0 for column in columns]
    return np.array(p).reshape(differences.shape[1:])


def _signed_ranks(differences: Array) -> Array:
    return np.sign(differences) * stats.rankdata(np.abs(differences))


def paired_t(differences: Array) -> Array:
    """The two-sided paired t test (Student, 1908), which takes the differences to be normally distributed.

    Args:
        differences: [S, ...], one for each of at least two seeds.

    Returns:
        p [...]; 1 where all differences are 0.
    """
    mean, deviation = differences.mean(0), differences.std(0, ddof=1)
    with np.errstate(divide="ignore", invalid="ignore"):
        t = np.where(mean == 0, 0, mean / (deviation / np.sqrt(len(differences))))
    return 2 * stats.t.sf(np.abs(t), len(differences) - 1)


TESTS: dict[str, Test] = {"sign-flip": sign_flip, "wilcoxon": wilcoxon, "t": paired_t}


def holm(p: Array) -> Array:
    """Holm's adjusted p (1979): the i-th smallest of m times m − i + 1, at least those before it, at most 1.

    Calling those at or below α significant is wrong about any of them with a probability of at most α.

    Args:
        p: of any shape, one family.
    """
    flat = np.asarray(p, dtype=float).ravel()
    order = np.argsort(flat, kind="stable")
    factors = np.arange(len(flat), 0, -1)
    adjusted = np.empty_like(flat)
    adjusted[order] = np.minimum(np.maximum.accumulate(flat[order] * factors), 1)
    return adjusted.reshape(np.shape(p))


def least_p(seeds: int, comparisons: int = 1) -> float:
    """The least p that the exact tests can reach, Holm's correction included: min(1, m · 2 / 2^S)."""
    return min(1.0, comparisons * 2.0 / 2**seeds)


def seeds_needed(comparisons: int = 1) -> int:
    """The fewest seeds with which an exact test can reach .05: the first S with m · 2 / 2^S ≤ .05."""
    return ceil(log2(2 * comparisons / LEVEL))
