"""ProbCover: cover the pool with balls of one radius."""

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from al_runner.acquisition.distances import chunks, nearest, origin, squared_distances
from al_runner.acquisition.selection import best, chance

WIDE = 1024
"""Samples whose balls are counted at a time."""


def purity_radius(
    embeddings_ND: Tensor,
    clusters_N: NDArray[np.int64],
    purity: float,
    generator: torch.Generator,
    max_samples: int = 5000,
) -> float:
    """The largest radius at which a share `purity` of the balls holds one cluster only.

    The heuristic of Yehuda, Dekel, Hacohen and Weinshall (2022, section 3.3), without a grid: a ball is
    pure as long as its radius is below the distance to the nearest sample of another cluster, so the
    radius is a quantile of these distances. Infinite if there is one cluster only.

    Args:
        embeddings_ND: float [N, D].
        clusters_N: int64 [N], pseudo-labels.
        purity: the share α, in (0, 1].
        generator: CPU generator of the sample of balls.
        max_samples: balls looked at; time O(`max_samples` N D).
    """
    clusters = torch.from_numpy(clusters_N).to(embeddings_ND.device)
    some = torch.randperm(len(embeddings_ND), generator=generator)[:max_samples].to(embeddings_ND.device)
    mean_D = origin(embeddings_ND)
    centers_MD = embeddings_ND[some] - mean_D
    foreign_M = centers_MD.new_full((len(some),), torch.inf)
    for part in chunks(embeddings_ND, len(some)):
        squared_MN = squared_distances(embeddings_ND[part] - mean_D, centers_MD)
        squared_MN[clusters[some][:, None] == clusters[part]] = torch.inf
        foreign_M = foreign_M.minimum(squared_MN.amin(1))
    impure = int((1 - purity) * len(some))  # so many balls may hold a foreign sample
    radius = foreign_M.sqrt().sort().values[min(impure, len(some) - 1)]
    return float(np.nextafter(np.float32(radius.item()), np.float32(0)))


def prob_cover(
    embeddings_ND: Tensor, labeled_MD: Tensor, size: int, radius: float, generator: torch.Generator
) -> tuple[Tensor, Tensor]:
    """Greedy cover by balls, "ProbCover" (Yehuda, Dekel, Hacohen and Weinshall, 2022, algorithm 1).

    Takes, again and again, the sample whose ball {x : ‖x − x_u‖ ≤ radius} holds most samples that no ball
    of a labeled or taken one holds. Ties fall to chance, and so does all that is left when everything is
    covered. The graph is never stored: the counts are reduced by those of newly covered samples.
    Time O(N² D), memory O(N) beyond the embeddings.

    Args:
        embeddings_ND: float [N, D] of the samples to choose from.
        labeled_MD: float [M, D] of the labeled ones.
        size: how many, at most N.
        radius: of the balls.
        generator: CPU generator for ties.

    Returns:
        int64 [size], positions in the order taken, and float [size], how many samples each one covered.

    >>> line = torch.tensor([[0.0], [1.0], [2.0], [9.0]])
    >>> prob_cover(line, line[:0], 2, 1.0, torch.Generator())
    (tensor([1, 3]), tensor([3., 1.]))
    """
    mean_D = origin(embeddings_ND)
    keys_N = chance(len(embeddings_ND), generator)
    squared = radius**2
    open_N = nearest(embeddings_ND, labeled_MD, mean_D) > squared
    counts_N = _within(embeddings_ND, open_N, mean_D, squared)
    taken: list[int] = []
    scores: list[float] = []
    for _ in range(size):
        at = best(counts_N, keys_N)
        taken.append(at)
        scores.append(max(0.0, float(counts_N[at])))
        new_N = open_N & (nearest(embeddings_ND, embeddings_ND[at][None], mean_D) <= squared)
        if new_N.any():
            counts_N -= _within(embeddings_ND, new_N, mean_D, squared)
            open_N &= ~new_N
        counts_N[at] = -len(counts_N)  # below what rounding could make of any other count
    return torch.tensor(taken, dtype=torch.int64), torch.tensor(scores)


def _within(embeddings_ND: Tensor, which_N: Tensor, mean_D: Tensor, squared: float) -> NDArray[np.int64]:
    """How many of the samples `which_N` are in the ball around each sample."""
    counts_N = torch.zeros(len(embeddings_ND), dtype=torch.int64, device=embeddings_ND.device)
    for some in which_N.nonzero()[:, 0].split(WIDE):
        others_MD = embeddings_ND[some] - mean_D
        for part in chunks(embeddings_ND, len(some)):
            inside = squared_distances(embeddings_ND[part] - mean_D, others_MD) <= squared
            counts_N[part] += inside.sum(0)
    return counts_N.cpu().numpy()
