"""Strategies ranked over data sets, and how stable their ranking is. Pure functions."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from scipy import stats

from al_runner.report.statistics.curves import Array
from al_runner.report.statistics.family import holm, holm_levels
from al_runner.report.statistics.friedman import friedman_p
from al_runner.report.statistics.intervals import NOTHING, Estimate
from al_runner.report.statistics.signed_rank import SignedRank

PAIRED = SignedRank()
"""The test of two strategies over data sets."""


@dataclass(frozen=True)
class Ranking:
    """Strategies over data sets.

    Attributes:
        scores: [A] of each independent data set.
        ranks: [A], mean rank of each strategy; 1 = best.
        p: of the test that all strategies are alike.
        exact: whether p is exact, not by drawn permutations.
        concordance: Kendall's W; 1 = all data sets rank the strategies alike, 0 = as if by chance.
        critical_difference: mean ranks that differ by less are not distinguishable at .05.
    """

    scores: Mapping[str, Array]
    ranks: Array
    p: float
    exact: bool
    concordance: float
    critical_difference: float

    @property
    def blocks(self) -> tuple[str, ...]:
        """The data sets."""
        return tuple(self.scores)


def ranking(scores: Mapping[str, Array]) -> Ranking:
    """Friedman's test with Nemenyi's critical difference, as in Demšar (JMLR 7, 2006).

    CD = q √(k (k + 1) / (6 N)) for k strategies and N data sets, with q the .95 quantile of the studentized
    range of k over √2. W = Σ (r̄ − (k + 1) / 2)² over the same sum of the ranks r of one data set, the mean
    over data sets: (k³ − k) / 12 without ties.

    Args:
        scores: independent data set → the score of each strategy [A], higher = better. Friedman's p is by
            permutations (`friedman_p`); for two strategies p is that of the signed-rank test, as
            Demšar advises.
    """
    table = np.stack(list(scores.values()))
    n, k = table.shape
    ranks = row_ranks(table)
    p, exact = friedman_p(ranks) if k > 2 else (float(PAIRED.p(table[:, 0] - table[:, 1])), True)
    most = ((ranks - (k + 1) / 2) ** 2).sum() / n
    agreed = ((ranks.mean(0) - (k + 1) / 2) ** 2).sum()
    q = stats.studentized_range.ppf(0.95, k, np.inf) / np.sqrt(2)
    concordance = float(agreed / most) if most else np.nan
    return Ranking(scores, ranks.mean(0), p, exact, concordance, float(q * np.sqrt(k * (k + 1) / (6 * n))))


def row_ranks(table: Array) -> Array:
    """The rank of each strategy on each data set, of scores [N, A]: 1 = best, equal ones share the mean."""
    return np.asarray(stats.rankdata(-table, axis=1), dtype=float)


@dataclass(frozen=True)
class Pair:
    """Two strategies over data sets.

    Attributes:
        first, second: their places.
        ahead: on how many data sets the first is above the second; a tie counts half.
        difference: the mean over data sets of first − second, with the interval at `level`.
        p: of the signed-rank test over data sets.
        holm: p, corrected for all pairs.
        level: at which Holm's correction decides this pair.
    """

    first: int
    second: int
    ahead: float
    difference: Estimate
    p: float
    holm: float
    level: float


def pairs(scores: Mapping[str, Array], which: Sequence[tuple[int, int]]) -> tuple[Pair, ...]:
    """Pairs of strategies, each by the signed-rank test over data sets, corrected by Holm.

    Unlike a comparison of mean ranks, that of a pair does not depend on the other strategies (Benavoli et
    al., JMLR 17, 2016).

    Args:
        scores: independent data set → the score of each strategy [A].
        which: places of the pairs, one family.
    """
    table = np.stack(list(scores.values()))
    differences = [table[:, first] - table[:, second] for first, second in which]
    p = np.array([float(PAIRED.p(each)) for each in differences])
    return tuple(
        Pair(
            *places,
            float(((each > 0) + (each == 0) / 2).sum()),
            PAIRED.estimate(each, level) if len(each) > 1 else NOTHING,
            float(own),
            adjusted,
            level,
        )
        for places, each, own, adjusted, level in zip(
            which, differences, p, holm(p).tolist(), holm_levels(p).tolist(), strict=True
        )
    )


@dataclass(frozen=True)
class Stability:
    """How alike the rankings are when one thing after the other is left out.

    Attributes:
        left_out: what, in the order of `taus`.
        taus: Kendall's τ_b of the mean ranks to those with everything; NaN where all are tied.
        first: how often the same strategy is the best.
    """

    left_out: tuple[str, ...]
    taus: Array
    first: int

    @property
    def least(self) -> tuple[str, float]:
        """What changes the ranking most when it is left out, and how alike it is then."""
        at = int(np.nanargmin(self.taus)) if not np.isnan(self.taus).all() else 0
        return self.left_out[at], float(self.taus[at])


def stability(ranks: Array, others: Mapping[str, Array]) -> Stability:
    """How alike mean ranks [A] are to those without something: what is left out → mean ranks [A]."""
    taus = np.array([float(stats.kendalltau(ranks, each).statistic) for each in others.values()])
    best = set(np.flatnonzero(ranks == ranks.min()).tolist())
    first = sum(bool(best & set(np.flatnonzero(each == each.min()).tolist())) for each in others.values())
    return Stability(tuple(others), taus, first)


def without_each(scores: Mapping[str, Array]) -> dict[str, Array]:
    """Data set → the mean ranks [A] of the others."""
    return {
        name: row_ranks(np.stack([row for other, row in scores.items() if other != name])).mean(0)
        for name in scores
    }
