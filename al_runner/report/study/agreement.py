"""How alike two strategies choose."""

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import chain, combinations, takewhile

import numpy as np

from al_runner.report.study.arms import Arm

LEVELS = 10
"""Grades of relevance, 1 to 5.5 in steps of 0.5."""


def common_share(first: Sequence[int], second: Sequence[int]) -> float:
    """The share of common picks: |A ∩ B| / min(|A|, |B|), in [0, 1]; NaN where one is empty."""
    if not first or not second:
        return float("nan")
    return len(set(first) & set(second)) / min(len(first), len(second))


def ndcg(reference: Sequence[int], ranking: Sequence[int]) -> float:
    """Normalized discounted cumulative gain (Mahapatra et al., IDEAL, eq. 4–5) of a ranking, in [0, 1].

    nDCG = DCG / IDCG with DCG = Σ_i (2^rel_i − 1) / log2(i + 1), i = 1, 2, …; IDCG is the reference's own
    DCG. A sample's relevance falls in ten equal steps from 5.5 at the head of the reference to 1 at its
    tail: rel = 5.5 − 0.5 ⌊10 r / n⌋ for place r = 0 … n − 1; with ten samples this is the paper's. A sample
    that the reference did not choose has relevance 0. (The paper ranks the same images by both; two queries
    need not share any.)

    Args:
        reference: indices, the first = the most informative.
        ranking: indices that another strategy chose, in its order.
    """
    n = len(reference)
    if not n:
        return float("nan")
    relevance = {index: 5.5 - 0.5 * (LEVELS * place // n) for place, index in enumerate(reference)}
    return _dcg([relevance.get(index, 0) for index in ranking]) / _dcg(list(relevance.values()))


def _dcg(relevances: Sequence[float]) -> float:
    gains = 2.0 ** np.array(relevances, dtype=float) - 1
    return float((gains / np.log2(np.arange(len(gains)) + 2)).sum())


@dataclass(frozen=True)
class Agreement:
    """Two arms by round, means over common seeds.

    Attributes:
        first: one arm's label; its ranking is the reference.
        second: the other's.
        rounds: the rounds, from 1.
        common: share of common picks in all that was bought up to each round, without the initial set.
        ndcg: of the second's query of the round, the first's query being the reference.
    """

    first: str
    second: str
    rounds: tuple[int, ...]
    common: tuple[float, ...]
    ndcg: tuple[float, ...]


def agreements(arms: Sequence[Arm]) -> list[Agreement]:
    """Every pair of arms that have a seed in common and buy as many labels in the first rounds, at least.

    In round 1 both rank the same pool by the same model, unless they differ in more than their strategy;
    later, their models differ as well.
    """
    found = []
    for first, second in combinations(arms, 2):
        theirs = {run.seed: run for run in second.longest}
        pairs = [(run.indices, theirs[run.seed].indices) for run in first.longest if run.seed in theirs]
        last = min((_same_sizes(*pair) for pair in pairs), default=1)
        if last > 1:
            rounds = tuple(range(1, last))
            common = [np.mean([common_share(_until(a, k), _until(b, k)) for a, b in pairs]) for k in rounds]
            alike = [np.mean([ndcg(a[k], b[k]) for a, b in pairs]) for k in rounds]
            labels = (first.label, second.label)
            found.append(Agreement(*labels, rounds, tuple(map(float, common)), tuple(map(float, alike))))
    return found


def _same_sizes(first: Sequence[Sequence[int]], second: Sequence[Sequence[int]]) -> int:
    """The number of rounds in which two runs buy as many labels, up to the first in which they do not."""
    sizes = zip(map(len, first), map(len, second), strict=False)
    return sum(1 for _ in takewhile(lambda pair: pair[0] == pair[1], sizes))


def _until(queries: Sequence[Sequence[int]], last: int) -> list[int]:
    return list(chain(*queries[1 : last + 1]))
