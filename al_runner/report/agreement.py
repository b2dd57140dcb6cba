"""How alike two strategies choose. Pure functions of ranked indices."""

from collections.abc import Sequence

import numpy as np

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
