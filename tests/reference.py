"""Slow twins, written straight from the papers: one sample at a time, in plain Python."""

import math
from collections.abc import Sequence
from typing import Any

import numpy as np


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


def k_center(embeddings: Any, labeled: Any, size: int) -> list[int]:
    """The sample farthest from its nearest center, `size` times (Sener & Savarese, 2018, alg. 1)."""
    centers, taken = [*labeled], []
    for _ in range(size):
        left = [u for u in range(len(embeddings)) if u not in taken]
        far = max(left, key=lambda u: min(math.dist(embeddings[u], center) for center in centers))
        taken.append(far)
        centers.append(embeddings[far])
    return taken


def gradient_embeddings(probs: Any, embeddings: Any) -> Any:
    """(p − onehot(ŷ)) ⊗ h of every sample, written out (Ash et al., 2020, section 3)."""
    rows = []
    for p, h in zip(probs, embeddings, strict=True):
        likeliest = max(range(len(p)), key=lambda c: p[c])
        rows.append([(x - (c == likeliest)) * y for c, x in enumerate(p) for y in h])
    return np.array(rows)


def k_means_plus_plus(points: Any, first: int, size: int) -> dict[tuple[int, ...], float]:
    """The probability of every sequence that D² sampling draws (Arthur & Vassilvitskii, 2007)."""
    sequences = {(first,): 1.0}
    for _ in range(size - 1):
        longer: dict[tuple[int, ...], float] = {}
        for taken, probability in sequences.items():
            squared = [min(math.dist(x, points[j]) ** 2 for j in taken) for x in points]
            for i, weight in enumerate(squared):
                if weight:
                    longer[(*taken, i)] = probability * weight / sum(squared)
        sequences = longer
    return sequences
