"""Wilcoxon's signed-rank test and its inverse. Pure functions."""

from functools import cache

import numpy as np

from al_runner.report.statistics.curves import Array
from al_runner.report.statistics.intervals import LEVEL
from al_runner.report.statistics.procedure import Procedure, rounding


class SignedRank(Procedure):
    """The exact signed-rank test (Wilcoxon, 1945), and its inverse (Hodges and Lehmann, 1963).

    The sum of the ranks of the differences below θ is the number of Walsh averages (d_i + d_j) / 2, i ≤ j,
    below θ; its distribution is that of the sum of a random part of 1 … S. So the ends of the interval are
    order statistics of the Walsh averages. One that equals θ counts as below and as above it: with ties, p
    is never too small.
    """

    def tails(self, differences: Array) -> tuple[Array, Array]:
        """As in `Procedure`."""
        averages, at_most = _walsh(differences), _at_most(len(differences))
        unknown = np.isnan(averages).any(0)
        above, below = at_most[(averages <= 0).sum(0)], at_most[(averages >= 0).sum(0)]
        return np.where(unknown, np.nan, above), np.where(unknown, np.nan, below)

    def interval(self, differences: Array, level: float = LEVEL) -> tuple[Array, Array]:
        """As in `Procedure`."""
        averages = np.sort(_walsh(differences), 0)
        averages = np.where(np.isnan(averages).any(0), np.nan, averages)
        rank = min(int((2 * _at_most(len(differences)) <= level).sum()), len(averages)) - 1
        if rank < 0:
            nothing = np.full(averages.shape[1:], np.inf)
            return -nothing, nothing
        rank = min(rank, (len(averages) - 1) // 2)
        return averages[rank], averages[-rank - 1]


def _walsh(differences: Array) -> Array:
    """[S (S + 1) / 2, ...]."""
    first, second = np.triu_indices(len(differences))
    averages = (differences[first] + differences[second]) / 2
    return np.where(np.abs(averages) <= rounding(differences), 0, averages)


@cache
def _at_most(n: int) -> Array:
    """P(the sum of a random part of 1 … n is at most k), k = 0 … n (n + 1) / 2."""
    ways = np.ones(1)
    for rank in range(1, n + 1):
        ways = np.concatenate([ways, np.zeros(rank)]) + np.concatenate([np.zeros(rank), ways])
    return np.cumsum(ways) / 2.0**n
