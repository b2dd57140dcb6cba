"""Slow twins, written straight from the papers: one sample at a time, in plain Python."""

import math
from collections.abc import Sequence


def entropy(p: Sequence[float], base: float = 2) -> float:
    """H = −Σ p log p, 0 log 0 = 0 (alda, eq. 1)."""
    return -sum(x * math.log(x, base) for x in p if x > 0)


def least_confidence(p: Sequence[float]) -> float:
    """1 − p(ŷ), ŷ the likeliest class (Settles, 2009)."""
    return 1 - max(p)


def margin(p: Sequence[float]) -> float:
    """1 − (p(ŷ1) − p(ŷ2)), the two likeliest classes (Scheffer et al., 2001; higher = closer)."""
    first, second = sorted(p, reverse=True)[:2]
    return 1 - (first - second)


def top(scores: Sequence[float], size: int) -> set[frozenset[int]]:
    """Every set of positions that a top-`size` selection may return: all ways to break ties at the edge."""
    from itertools import combinations

    edge = sorted(scores, reverse=True)[size - 1]
    sure = [i for i, s in enumerate(scores) if s > edge]
    tied = [i for i, s in enumerate(scores) if s == edge]
    return {frozenset((*sure, *some)) for some in combinations(tied, size - len(sure))}


def schedule(initial: int, query: Sequence[int], budget: int) -> list[int]:
    """Labels after each round."""
    labeled = [initial]
    position = 0
    while labeled[-1] < budget:
        labeled.append(min(budget, labeled[-1] + query[min(position, len(query) - 1)]))
        position += 1
    return labeled
