"""Several claims at once: Holm's correction, and the level at which each claim is decided. Pure functions."""

import numpy as np

from al_runner.report.statistics.curves import Array
from al_runner.report.statistics.intervals import LEVEL


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


def holm_levels(p: Array, level: float = LEVEL) -> Array:
    """The level at which Holm's procedure decides each claim.

    It goes from the smallest of m p values on, and rejects while the i-th is at most level / (m − i + 1). A
    claim that is rejected has the level of its step, those that are not have that of the step that failed.
    So p is at most its level exactly where Holm rejects, and an interval at this level excludes 0 exactly
    there. No level is above that of a single test: the intervals hold the truth at least as often.

    Args:
        p: of any shape, one family. Equal ones have the level of the first of them.
    """
    flat = np.asarray(p, dtype=float).ravel()
    smaller = (flat[:, None] > flat).sum(1)
    failed = smaller[holm(flat) > level]
    steps = np.minimum(smaller, failed.min(initial=len(flat)))
    return (level / (len(flat) - steps)).reshape(np.shape(p))


def seeds_needed(comparisons: int = 1, level: float = LEVEL) -> int:
    """The fewest seeds with which an exact test can reach a level: the first S with m · 2 / 2^S ≤ level."""
    return int(np.ceil(np.log2(2 * comparisons / level)))
