"""The pairwise penalty matrix: how often one strategy beats another. Pure functions."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from al_runner.report.statistics.curves import Array, Curve, Flags, paired
from al_runner.report.statistics.family import holm
from al_runner.report.statistics.intervals import LEVEL
from al_runner.report.statistics.procedure import Procedure


@dataclass(frozen=True)
class Penalties:
    """Who beats whom.

    Attributes:
        raw: [A, A], the share of budgets at which row beats column with p ≤ .05.
        holm: the same with p adjusted over all pairs and budgets.
        tests: the number of tests in that family.
    """

    raw: Array
    holm: Array
    tests: int


def penalties(curves: Sequence[Curve], procedure: Procedure) -> Penalties:
    """The pairwise penalty matrix (Ash et al., Deep Batch Active Learning, 2020, section 4).

    Entry (i, j) is the share of the numbers of labels, common to both, at which i's mean is above j's and
    the paired test says p ≤ .05. (The paper takes a t test at .1 and sums over data sets.) Column means tell
    who is beaten most. The diagonal is 0; a pair without two common seeds is NaN.
    """
    pairs = [(i, j) for i in range(len(curves)) for j in range(i)]
    differences = {pair: _differences(curves[pair[0]], curves[pair[1]]) for pair in pairs}
    known = {pair: d for pair, d in differences.items() if len(d) > 1 and d.shape[1]}
    p = [procedure.p(d) for d in known.values()]
    adjusted = holm(np.concatenate(p)) if p else np.zeros(0)
    raw, corrected = (np.full((len(curves), len(curves)), np.nan) for _ in range(2))
    start = 0
    for (pair, d), p_pair in zip(known.items(), p, strict=True):
        for matrix, values in ((raw, p_pair), (corrected, adjusted[start : start + len(p_pair)])):
            _enter(matrix, pair, d.mean(0), values <= LEVEL)
        start += len(p_pair)
    for matrix in (raw, corrected):
        np.fill_diagonal(matrix, 0)
    return Penalties(raw, corrected, len(adjusted))


def _differences(first: Curve, second: Curve) -> Array:
    """[S, B], paired by seed and number of labels."""
    a, b = paired(first, second)
    return a.values - b.values


def _enter(matrix: Array, pair: tuple[int, int], mean: Array, significant: Flags) -> None:
    i, j = pair
    matrix[i, j] = ((mean > 0) & significant).mean()
    matrix[j, i] = ((mean < 0) & significant).mean()
