"""Core-set selection: cover the pool with balls around labeled samples."""

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from al_runner.acquisition.distances import nearest, origin, squared_distances
from al_runner.acquisition.selection import best, chance

LOOK_AHEAD = 512
"""Samples among which the next centers are looked for before the whole pool is updated again."""


def k_center(
    embeddings_ND: Tensor, labeled_MD: Tensor, size: int, generator: torch.Generator
) -> tuple[Tensor, Tensor]:
    """Greedy k-center, "core-set" (Sener and Savarese, 2018, algorithm 1; Gonzalez, 1985).

    Takes, again and again, the sample that is farthest from every labeled or taken one,
    argmax_u min_{j ∈ labeled ∪ taken} ‖x_u − x_j‖. The largest distance that is left is at most twice the
    smallest possible. Without labeled samples the first one falls to chance, as ties do.

    A sample's distance to its nearest center only falls. So the next centers are looked for among the
    farthest samples alone for as long as none of the others can be farther than they, and the others are
    updated for all new centers in one matrix product. The picks are those of the plain algorithm;
    time O(N (M + size) D), memory O(N) beyond the embeddings.

    Args:
        embeddings_ND: float [N, D] of the samples to choose from.
        labeled_MD: float [M, D] of the labeled ones, the first centers.
        size: how many, at most N.
        generator: CPU generator for ties.

    Returns:
        int64 [size], positions in the order taken, and float [size], the distance of each to its nearest
        center when it was taken (infinite without any), both on the CPU.

    Raises:
        ValueError: an embedding is not finite.

    >>> corners = torch.tensor([[0.0], [1.0], [3.0], [4.0]])
    >>> k_center(corners, torch.tensor([[0.0]]), 2, torch.Generator())
    (tensor([3, 1]), tensor([4., 1.]))
    """
    mean_D = origin(embeddings_ND)
    keys_N = chance(len(embeddings_ND), generator)
    squared_N = nearest(embeddings_ND, labeled_MD, mean_D)
    taken: list[int] = []
    distances: list[float] = []
    while len(taken) < size:
        new, values = _among_the_farthest(embeddings_ND, mean_D, squared_N, keys_N, size - len(taken))
        taken += new
        distances += values
        centers = torch.tensor(new, device=embeddings_ND.device)
        squared_N = squared_N.minimum(nearest(embeddings_ND, embeddings_ND[centers], mean_D))
        squared_N[centers] = -1  # below every distance: never taken again
    return torch.tensor(taken, dtype=torch.int64), torch.tensor(distances).sqrt()


def _among_the_farthest(
    embeddings_ND: Tensor, mean_D: Tensor, squared_N: Tensor, keys_N: NDArray[np.float64], limit: int
) -> tuple[list[int], list[float]]:
    """The next centers, one at least, with their squared distances; all of `squared_N` is up to date."""
    far = squared_N.topk(min(LOOK_AHEAD, len(squared_N)))
    rows_BD = embeddings_ND[far.indices] - mean_D
    between_BB = squared_distances(rows_BD, rows_BD).cpu().numpy()
    positions, squared_B = far.indices.cpu().numpy(), far.values.cpu().numpy().copy()
    bound = squared_B[-1] if len(squared_B) < len(squared_N) else -1.0  # of every sample not looked at
    new: list[int] = []
    values: list[float] = []
    while len(new) < limit and squared_B.max() > bound:
        at = best(squared_B, keys_N[positions])
        new.append(int(positions[at]))
        values.append(float(squared_B[at]))
        np.minimum(squared_B, between_BB[at], out=squared_B)
        squared_B[at] = -1
    if not new:  # a tie that reaches beyond the samples looked at
        everything = squared_N.cpu().numpy()
        at = best(everything, keys_N)
        return [at], [float(everything[at])]
    return new, values
