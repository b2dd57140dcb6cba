"""Greedy coverage: the samples to which the pool is most similar, taken together."""

from collections.abc import Callable

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor
from torch.nn.functional import threshold

from al_runner.acquisition.distances import ROUNDING, chunks, squared_distances
from al_runner.acquisition.selection import best, chance

Similarity = Callable[[Tensor, Tensor], Tensor]
"""(rows [N, D], others [M, D]) → [M, N]."""
BLOCK = 64
"""Samples whose gains are computed again at a time."""
WIDE = 1024
"""The same when all are computed."""


def cosine(rows_ND: Tensor, others_MD: Tensor) -> Tensor:
    """Cosine similarity of normalized embeddings, [M, N]."""
    return others_MD @ rows_ND.T


def gaussian(sigma: float) -> Similarity:
    """The kernel exp(−‖x − y‖² / σ²), as [M, N]."""
    return lambda rows_ND, others_MD: (squared_distances(rows_ND, others_MD) / -(sigma**2)).exp_()


def covered_by(similarity: Similarity, points_ND: Tensor, others_MD: Tensor) -> Tensor:
    """max_m s(x_n, y_m), [N]; 0 where there are no others."""
    if not len(others_MD):
        return points_ND.new_zeros(len(points_ND))
    parts = chunks(points_ND, len(others_MD))
    return torch.cat([similarity(points_ND[part], others_MD).amax(0) for part in parts])


def greedy_coverage(
    similarity: Similarity,
    points_ND: Tensor,
    candidates_M: Tensor,
    covered_N: Tensor,
    size: int,
    generator: torch.Generator,
) -> tuple[Tensor, Tensor]:
    """Greedy facility location (Nemhauser, Wolsey and Fisher, 1978), evaluated lazily (Minoux, 1978).

    Takes, again and again, the candidate that adds most to Σ_n max_{j ∈ taken} s(x_n, x_j). What a candidate
    adds only falls, so an old gain bounds the new one, and only candidates whose bound is above the best
    known gain are computed again: the picks are those of the full evaluation. Ties fall to chance.
    Time O(N M D) and more by at most as much for every pick, memory O(N + M) beyond the embeddings.

    Args:
        similarity: of rows to others.
        points_ND: float [N, D], what is to be covered.
        candidates_M: int64 [M], the rows that may be taken.
        covered_N: float [N], how well each is covered before.
        size: how many, at most M.
        generator: CPU generator for ties.

    Returns:
        int64 [size], positions in `candidates_M`, and float [size], the mean over the N of what each added.
    """
    keys_M = chance(len(candidates_M), generator)
    gains_M = _gains(similarity, points_ND, points_ND[candidates_M], covered_N)
    known_M = np.ones(len(gains_M), dtype=bool)
    taken: list[int] = []
    gains: list[float] = []
    while len(taken) < size:
        while True:
            unsure = np.flatnonzero(~known_M & (gains_M >= gains_M[known_M].max(initial=-np.inf)))
            if not len(unsure):
                break
            block = unsure[np.argsort(-gains_M[unsure], kind="stable")[:BLOCK]]
            others = points_ND[candidates_M[block].to(points_ND.device)]
            gains_M[block] = _gains(similarity, points_ND, others, covered_N)
            known_M[block] = True
        at = best(np.where(known_M, gains_M, -np.inf), keys_M)
        taken.append(at)
        gains.append(float(gains_M[at]))
        row = points_ND[int(candidates_M[at])][None]
        covered_N = covered_N.maximum(similarity(points_ND, row)[0])
        known_M[:] = gains_M <= 0  # nothing can be added by what added nothing
        gains_M[at], known_M[at] = -np.inf, True
    return torch.tensor(taken, dtype=torch.int64), torch.tensor(gains)


def _gains(
    similarity: Similarity, points_ND: Tensor, others_MD: Tensor, covered_N: Tensor
) -> NDArray[np.float64]:
    """Mean over the points of what each of the others would add to their coverage: float64 [M]."""
    gains: list[Tensor] = []
    for some in others_MD.split(WIDE):
        total = torch.zeros(len(some), dtype=torch.float64, device=points_ND.device)
        for part in chunks(points_ND, len(some)):
            added = similarity(points_ND[part], some).sub_(covered_N[part])
            total += threshold(added, ROUNDING, 0.0).sum(1)
        gains.append(total / len(points_ND))
    return torch.cat(gains).cpu().numpy()
