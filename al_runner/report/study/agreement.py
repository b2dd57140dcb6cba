"""How alike two strategies choose."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import chain, combinations, takewhile

import numpy as np

from al_runner.report.study.arms import Arm
from al_runner.report.study.runs import Run

LEVELS = 10
"""Grades of relevance, 1 to 5.5 in steps of 0.5."""


def common_share(*picks: Sequence[int]) -> float:
    """The share of common picks: |A ∩ B ∩ …| / min(|A|, |B|, …), in [0, 1]; NaN where one is empty."""
    if not all(picks):
        return float("nan")
    return len(set.intersection(*map(set, picks))) / min(map(len, picks))


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
    relevance = dict(zip(reference, _relevances(n), strict=True))
    return _dcg([relevance.get(index, 0) for index in ranking]) / _dcg(_relevances(n))


def ndcg_by_chance(n: int) -> float:
    """The mean nDCG of all orders of the n samples that the reference ranks: far above 0 (n = 1,000: 0.81).

    Each place has the mean gain, so it is Σ_i gain_i / n · Σ_i 1 / log2(i + 1) / IDCG.
    """
    if not n:
        return float("nan")
    gains = 2.0 ** np.array(_relevances(n)) - 1
    return float(gains.mean() * (1 / np.log2(np.arange(n) + 2)).sum()) / _dcg(_relevances(n))


def _relevances(n: int) -> list[float]:
    """Of the places of a reference of n samples."""
    return [5.5 - 0.5 * (LEVELS * place // n) for place in range(n)]


def _dcg(relevances: Sequence[float]) -> float:
    gains = 2.0 ** np.array(relevances, dtype=float) - 1
    return float((gains / np.log2(np.arange(len(gains)) + 2)).sum())


def ndcg_of_orders(reference: Sequence[int], order: Sequence[int]) -> tuple[float, float]:
    """nDCG of a whole order of a pool, and what chance gives; samples that only one has are left out."""
    both = set(reference) & set(order)
    first, second = ([index for index in each if index in both] for each in (reference, order))
    return ndcg(first, second), ndcg_by_chance(len(both))


@dataclass(frozen=True)
class Agreement:
    """Two arms by round, means over common seeds.

    Attributes:
        first: one arm's label; its ranking is the reference.
        second: the other's.
        rounds: the rounds, from 1.
        common: share of common picks in all that was bought up to each round, without the initial set.
        ndcg: of the second's query of the round, the first's query being the reference.
        whole: of the second's order of all that it left unlabeled before the round, among what the first also
            left; NaN where runs did not keep their pool (`keep_pool`).
        by_chance: what a random order would have in its place.
    """

    first: str
    second: str
    rounds: tuple[int, ...]
    common: tuple[float, ...]
    ndcg: tuple[float, ...]
    whole: tuple[float, ...]
    by_chance: tuple[float, ...]


def agreements(arms: Sequence[Arm]) -> list[Agreement]:
    """Every pair of arms that have a seed in common and buy as many labels in the first rounds, at least.

    In round 1 both rank the same pool by the same model, unless they differ in more than their strategy;
    later, their models differ as well.
    """
    found = []
    for first, second in combinations(arms, 2):
        pairs = list(_together(first, second))
        last = min((_same_sizes(a.indices, b.indices) for a, b in pairs), default=1)
        if last > 1:
            rounds = tuple(range(1, last))
            values = [np.mean([_compared(a, b, k) for a, b in pairs], 0).tolist() for k in rounds]
            found.append(Agreement(first.label, second.label, rounds, *zip(*values, strict=True)))
    return found


def _together(*arms: Arm) -> Iterator[tuple[Run, ...]]:
    """The runs of each seed that all arms have."""
    by_seed = [{run.seed: run for run in arm.longest} for arm in arms]
    return (tuple(runs[seed] for runs in by_seed) for seed in by_seed[0] if all(seed in r for r in by_seed))


def _compared(a: Run, b: Run, k: int) -> tuple[float, float, float, float]:
    """Of two runs at a round: common share so far, nDCG of the query, of all that was ranked, by chance."""
    common = common_share(_until(a.indices, k), _until(b.indices, k))
    first, second = (run.array(k - 1, "pool") for run in (a, b))
    whole = (
        (np.nan, np.nan)
        if first is None or second is None
        else ndcg_of_orders(first.tolist(), second.tolist())
    )
    return common, ndcg(a.indices[k], b.indices[k]), *whole


@dataclass(frozen=True)
class Shared:
    """What three arms have in common, means over their common seeds.

    Attributes:
        labels: the arms'.
        rounds: from 1.
        common: |A ∩ B ∩ C| / min(|A|, |B|, |C|) of all that was bought up to each round.
    """

    labels: tuple[str, ...]
    rounds: tuple[int, ...]
    common: tuple[float, ...]


def shared_by_three(arms: Sequence[Arm]) -> list[Shared]:
    """Every three arms that can be compared as `agreements` says (IDEAL, Fig. 16: "all 3 methods")."""
    found = []
    for three in combinations(arms, 3):
        runs = list(_together(*three))
        last = min((_same_sizes(*(run.indices for run in each)) for each in runs), default=1)
        if last > 1:
            rounds = tuple(range(1, last))
            common = [
                np.mean([common_share(*(_until(r.indices, k) for r in each)) for each in runs])
                for k in rounds
            ]
            found.append(Shared(tuple(arm.label for arm in three), rounds, tuple(map(float, common))))
    return found


def _same_sizes(*queries: Sequence[Sequence[int]]) -> int:
    """The number of rounds in which runs buy as many labels, up to the first in which they do not."""
    sizes = zip(*(map(len, each) for each in queries), strict=False)
    return sum(1 for _ in takewhile(lambda each: len(set(each)) == 1, sizes))


def _until(queries: Sequence[Sequence[int]], last: int) -> list[int]:
    return list(chain(*queries[1 : last + 1]))
