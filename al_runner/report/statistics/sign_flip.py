"""The sign-flip test and its inverse. Pure functions."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import cache
from math import floor

import numpy as np

from al_runner.report.statistics.curves import Array, Flags
from al_runner.report.statistics.intervals import LEVEL
from al_runner.report.statistics.procedure import Procedure, rounding

ENUMERATED = 16
"""Up to so many seeds every change of signs is visited."""
DRAWN = 2**16
"""Changes of signs that are drawn where there are more."""
AT_ONCE = 2**21
"""Numbers that are held at once: with fewer, all sets are read from memory for a few columns each time."""


@dataclass(frozen=True)
class SignFlip(Procedure):
    """The exact sign-flip test of a mean difference (Fisher, 1935), and its inverse.

    p = the share of the 2^S changes of signs that make |Σ d| at least as large as it is. Nothing is assumed
    but that, without a difference, d and −d are equally likely.

    To flip the seeds of a set A makes |Σ (d − θ)| at least as large if and only if θ is between the mean of
    d over A and the mean over the other seeds; if A is empty, or has all seeds, always. Each of these spans
    has the overall mean in it. So p(θ) = the share of the spans that θ is in rises up to the mean and falls
    from there on, and the ends of the interval are order statistics of the ends of the spans.

    Attributes:
        enumerated: up to so many seeds all sets are visited, of two that are complements one.
        drawn: sets that are drawn where there are more, from a fixed seed.
    """

    enumerated: int = ENUMERATED
    drawn: int = DRAWN

    def tails(self, differences: Array) -> tuple[Array, Array]:
        """As in `Procedure`: the share of the sets, complements included, with a sum ≤ 0, or ≥ 0."""
        parts = [
            (_share(inside <= least, outside <= least), _share(inside >= -least, outside >= -least))
            for inside, outside, least in self._sums(differences)
        ]
        return _joined(parts, differences)

    def interval(self, differences: Array, level: float = LEVEL) -> tuple[Array, Array]:
        """As in `Procedure`."""
        sizes = self._sets(len(differences)).sum(0)
        with np.errstate(divide="ignore"):
            weights = 1 / np.stack([sizes, len(differences) - sizes])
        parts = []
        for inside, outside, least in self._sums(differences):
            for sums in (inside, outside):
                sums[np.abs(sums) <= least] = 0
            parts.append(_ends(inside, outside, weights, level))
        return _joined(parts, differences)

    def _sums(self, differences: Array) -> Iterator[tuple[Array, Array, Array]]:
        """Of some columns of [S, M] at a time: the sums over the sets and over their complements, each
        [M, R], and what is no more than rounding [M, 1].
        """
        sets = self._sets(len(differences))
        step = max(1, AT_ONCE // sets.shape[1])
        rows = differences.reshape(len(differences), -1).T
        for start in range(0, max(len(rows), 1), step):
            some = rows[start : start + step]
            inside = some @ sets
            yield inside, some.sum(1)[:, None] - inside, rounding(some.T)[:, None]

    def _sets(self, seeds: int) -> Array:
        return _sets(seeds, self.enumerated, self.drawn)


def _share(inside: Flags, outside: Flags) -> Array:
    """Of both together [M, R], a share of each row."""
    return (np.count_nonzero(inside, 1) + np.count_nonzero(outside, 1)) / (2 * inside.shape[1])


def _ends(inside: Array, outside: Array, weights: Array, level: float) -> tuple[Array, Array]:
    """The ends of the interval from sums [M, R]; `weights` [2, R] make them means.

    At a level, θ is in more spans than the rank says.
    """
    rank = min(floor(level * inside.shape[1]), inside.shape[1] - 1)
    all_or_none = np.isinf(weights).any(0)
    inner, outer = np.where(all_or_none, 0, weights)
    low, high = np.minimum(inside * inner, outside * outer), -np.maximum(inside * inner, outside * outer)
    low[:, all_or_none] = high[:, all_or_none] = -np.inf
    return np.partition(low, rank, 1)[:, rank], -np.partition(high, rank, 1)[:, rank]


def _joined(parts: Sequence[tuple[Array, Array]], differences: Array) -> tuple[Array, Array]:
    """Two numbers of each column, NaN where the column has one."""
    unknown = np.isnan(differences).any(0)
    first, second = (np.concatenate(each).reshape(unknown.shape) for each in zip(*parts, strict=True))
    return np.where(unknown, np.nan, first), np.where(unknown, np.nan, second)


@cache
def _sets(n: int, enumerated: int, drawn: int) -> Array:
    """[n, R] of 0 and 1: the seeds whose signs change; none in the first column."""
    if n <= enumerated:  # without the last seed: to flip the others changes |Σ d| as to flip these
        return np.asarray((np.arange(2 ** (n - 1)) >> np.arange(n)[:, None]) & 1, dtype=np.float64)
    signs = np.random.default_rng(0).choice([-1.0, 1.0], (drawn, n))
    signs[0] = 1
    return (signs.T < 0).astype(np.float64)
