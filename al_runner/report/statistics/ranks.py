"""Strategies ranked over data sets: Friedman's test and Nemenyi's critical difference. Pure functions."""

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
from scipy import stats

from al_runner.report.statistics.curves import Array
from al_runner.report.statistics.signed_rank import SignedRank

FEWEST = 5
"""Data sets below which a ranking over data sets is not shown."""

ORGANS = ("organamnist", "organcmnist", "organsmnist", "organmnist", "organmnist3d")
SAME_SCANS = dict.fromkeys(ORGANS, "OrganMNIST")
"""Data sets that are cut from the same scans (LiTS) and count as one."""


@dataclass(frozen=True)
class Ranking:
    """Strategies over data sets.

    Attributes:
        scores: [A] of each data set; those that share their scans are one.
        ranks: [A], mean rank of each strategy; 1 = best.
        p: of the test that all strategies are alike.
        critical_difference: mean ranks that differ by less are not distinguishable at .05.
    """

    scores: Mapping[str, Array]
    ranks: Array
    p: float
    critical_difference: float

    @property
    def blocks(self) -> tuple[str, ...]:
        """The data sets."""
        return tuple(self.scores)


def block(dataset: str) -> str:
    """What a data set counts as: itself, or all that share its scans."""
    return SAME_SCANS.get(dataset, dataset)


def in_blocks(scores: Mapping[str, Array]) -> dict[str, Array]:
    """Scores [A] by data set → by independent block: the mean of data sets that share their scans."""
    members: dict[str, list[Array]] = {}
    for name, values in scores.items():
        members.setdefault(block(name), []).append(values)
    return {name: np.mean(values, 0) for name, values in members.items()}


def friedman(scores: Mapping[str, Array]) -> Ranking:
    """Friedman's test (1937) with Nemenyi's critical difference, as in Demšar (JMLR 7, 2006).

    CD = q √(k (k + 1) / (6 N)) for k strategies and N data sets, with q the .95 quantile of the studentized
    range of k over √2.

    Args:
        scores: data set → the score of each strategy [A], higher = better. Friedman's p is that of the χ²
            approximation; for two strategies p is that of the exact Wilcoxon test, as Demšar advises.
    """
    blocks = in_blocks(scores)
    table = np.stack(list(blocks.values()))
    n, k = table.shape
    ranks = stats.rankdata(-table, axis=1).mean(0)
    p = float(
        stats.friedmanchisquare(*table.T).pvalue if k > 2 else SignedRank().p(table[:, 0] - table[:, 1])
    )
    q = stats.studentized_range.ppf(0.95, k, np.inf) / np.sqrt(2)
    return Ranking(blocks, ranks, p, float(q * np.sqrt(k * (k + 1) / (6 * n))))
