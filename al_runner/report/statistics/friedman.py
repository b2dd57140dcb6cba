"""Friedman's test by the permutations of its rows. Pure functions."""

from itertools import permutations
from typing import Any

import numpy as np

from al_runner.report.statistics.curves import Array

Whole = np.ndarray[Any, np.dtype[np.int64]]

STATES = 2**20
"""Rank sums that are held at once, at most, by the exact test."""
COLUMNS = 6
"""The exact test has at most so many columns: a row has 720 orders, then."""
DRAWN = 2**16
"""Tables that are drawn where the exact test would hold more."""
AT_ONCE = 2**22
"""Numbers that are held at once while they are drawn."""


def friedman_p(ranks: Array) -> tuple[float, bool]:
    """p of Friedman's test (1937) that the columns are alike, and whether it is exact.

    Without a difference, each row of ranks may come in any order. p is the share of such tables whose
    rank sums R have a Σ R² at least as large as that of the table. Friedman's χ² and the F of Iman and
    Davenport (1980) rise with Σ R², as all else in them stays the same, so p is that of both. Rank sums are
    enumerated, or 65,536 tables are drawn from a fixed seed, and the table counts as one of them.

    Args:
        ranks: [N, k], of each row by itself; equal scores share the mean of their ranks.
    """
    rows = np.rint(2 * ranks).astype(np.int64)
    observed = int((rows.sum(0) ** 2).sum())
    if rows.shape[1] <= COLUMNS:
        sums, weights = rows[:1], np.ones(1)
        for row in rows[1:]:
            orders = np.unique(np.array(list(permutations(row.tolist()))), axis=0)
            if len(sums) * len(orders) > STATES:
                break
            sums, weights = _added(sums, weights, orders)
        else:
            return float(weights[(sums**2).sum(1) >= observed].sum()), True
    return _drawn(rows, observed), False


def _added(sums: Whole, weights: Array, orders: Whole) -> tuple[Whole, Array]:
    """The distribution of rank sums with one more row; columns are alike, so sums are kept in order."""
    found = np.sort((sums[:, None] + orders).reshape(-1, orders.shape[1]), axis=1)
    codes = found @ (int(found.max()) + 1) ** np.arange(found.shape[1])
    _, first, place = np.unique(codes, return_index=True, return_inverse=True)
    shares = np.repeat(weights, len(orders)) / len(orders)
    total = np.zeros(len(first))
    np.add.at(total, place.ravel(), shares)
    return found[first], total


def _drawn(rows: Whole, observed: int) -> float:
    rng, reached = np.random.default_rng(0), 0
    step = max(1, AT_ONCE // rows.size)
    for start in range(0, DRAWN, step):
        tables = np.broadcast_to(rows, (min(step, DRAWN - start), *rows.shape))
        sums = rng.permuted(tables, axis=2).sum(1)
        reached += int(((sums**2).sum(1) >= observed).sum())
    return (1 + reached) / (1 + DRAWN)
