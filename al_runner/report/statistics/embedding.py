"""Points of many dimensions in two."""

from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy.spatial import KDTree
from threadpoolctl import threadpool_limits

from al_runner.report.statistics.curves import Array

MOST = 1000
"""Points that are embedded: the time of t-SNE grows with them, and more hide each other."""
FEWEST = 5
PERPLEXITY = 30


def drawn(rows: NDArray[Any]) -> NDArray[Any]:
    """Some of many rows, the same ones each time, in their order."""
    if len(rows) <= MOST:
        return rows
    return rows[np.sort(np.random.default_rng(0).choice(len(rows), MOST, replace=False))]


def tsne(points_ND: Array) -> Array:
    """t-SNE (van der Maaten and Hinton, 2008) of at least `FEWEST` points: [N, 2], the same each time.

    The perplexity is 30, of few points a third of their number.
    """
    from sklearn.manifold import TSNE  # takes longer to import than most reports to write

    perplexity = min(PERPLEXITY, (len(points_ND) - 1) / 3)
    start = np.random.default_rng(0).normal(0, 1e-4, (len(points_ND), 2))
    with threadpool_limits(1):  # sums of several threads differ in low bits, and the picture then in full
        return TSNE(perplexity=perplexity, init=start, random_state=0).fit_transform(points_ND)


def alike(points_ND: Array, groups_N: NDArray[Any]) -> float:
    """The share of points whose nearest other point is of their group."""
    _, nearest_N2 = KDTree(points_ND).query(points_ND, 2)
    own_N = nearest_N2[:, 0] == np.arange(len(points_ND))  # of equal points, either may come first
    return float((groups_N[np.where(own_N, nearest_N2[:, 1], nearest_N2[:, 0])] == groups_N).mean())
