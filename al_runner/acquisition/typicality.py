"""TypiClust: typical samples of clusters that hold no label yet."""

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from al_runner.acquisition.clustering import k_means
from al_runner.acquisition.distances import chunks, origin, squared_distances
from al_runner.acquisition.selection import best, chance

MANY_CLUSTERS = 50
"""More are found by mini-batch k-means, as in the authors' code."""
EPSILON = 1e-5
"""Keeps the typicality of duplicates finite, as in the authors' code."""


def typicality(embeddings_ND: Tensor, neighbors: int) -> Tensor:
    """How dense it is around a sample (Hacohen, Dekel and Weinshall, 2022, equation 1).

    T(x) = 1 / (mean distance to its `neighbors` nearest others), with 1e-5 added to the mean. In
    (0, 1e5]; 0 for a sample that is alone. Time O(N² D), memory O(N).

    Args:
        embeddings_ND: float [N, D].
        neighbors: at most N − 1 are used.

    >>> [round(t, 2) for t in typicality(torch.tensor([[0.0], [1.0], [3.0]]), 2).tolist()]
    [0.5, 0.67, 0.4]
    """
    n_neighbors = min(neighbors, len(embeddings_ND) - 1)
    if n_neighbors < 1:
        return torch.zeros(len(embeddings_ND))
    centered_ND = embeddings_ND - origin(embeddings_ND)
    means: list[Tensor] = []
    for part in chunks(centered_ND, len(centered_ND)):
        squared_NB = squared_distances(centered_ND[part], centered_ND)
        squared_NB[range(part.start, part.stop), range(part.stop - part.start)] = torch.inf
        means.append(squared_NB.topk(n_neighbors, dim=0, largest=False).values.sqrt().mean(0))
    return 1 / (torch.cat(means).cpu() + EPSILON)


def typiclust(
    embeddings_ND: Tensor,
    labeled_MD: Tensor,
    size: int,
    generator: torch.Generator,
    neighbors: int = 20,
    max_clusters: int = 500,
    min_cluster_size: int = 5,
) -> tuple[Tensor, Tensor]:
    """The most typical sample of each of the largest clusters without labels, "TypiClust".

    Hacohen, Dekel and Weinshall (2022), algorithm 1: min(M + size, `max_clusters`) clusters of labeled and
    unlabeled samples together by k-means, then `most_typical`.

    Args:
        embeddings_ND: float [N, D] of the samples to choose from.
        labeled_MD: float [M, D] of the labeled ones.
        size: how many, at most N.
        generator: CPU generator of the clustering and of ties.
        neighbors: that the typicality looks at, at most half of a cluster.
        max_clusters: limits the clusters when many labels are bought already.
        min_cluster_size: clusters this small or smaller come last.

    Returns:
        int64 [size], positions in the order taken, and float [size], their typicality in their clusters.
    """
    everything = torch.cat([embeddings_ND, labeled_MD])
    n_clusters = min(len(labeled_MD) + size, max_clusters, len(everything))
    clusters, _ = k_means(everything, n_clusters, generator, in_batches=n_clusters > MANY_CLUSTERS)
    keys_N = chance(len(everything), generator)
    return most_typical(embeddings_ND, clusters, size, keys_N, neighbors, min_cluster_size)


def most_typical(
    embeddings_ND: Tensor,
    clusters: NDArray[np.int64],
    size: int,
    keys: NDArray[np.float64],
    neighbors: int = 20,
    min_cluster_size: int = 5,
) -> tuple[Tensor, Tensor]:
    """From one cluster after the other, the most typical of its samples that are left.

    Clusters with the fewest labels come first, of those the largest; when all had their turn, it begins
    again.

    Args:
        embeddings_ND: float [N, D] of the samples to choose from.
        clusters: int64 [N + M], the cluster of each, those of labeled samples after them.
        size: how many.
        keys: float64 [N + M], decide ties.
        neighbors: as in `typiclust`.
        min_cluster_size: as in `typiclust`.
    """
    n = len(embeddings_ND)
    counts = np.bincount(clusters)
    labeled = np.bincount(clusters[n:], minlength=len(counts))
    order = np.lexsort((-keys[: len(counts)], -counts, labeled))
    members = {c: np.flatnonzero(clusters[:n] == c) for c in order if (clusters[:n] == c).any()}
    taken: list[int] = []
    scores: list[float] = []
    for small in (False, True):
        turns = [c for c in members if (counts[c] <= min_cluster_size) == small]
        while turns and len(taken) < size:
            for c in turns[: size - len(taken)]:
                values = typicality(embeddings_ND[members[c]], min(neighbors, max(1, len(members[c]) // 2)))
                at = best(values.numpy(), keys[members[c]])
                taken.append(int(members[c][at]))
                scores.append(float(values[at]))
                members[c] = np.delete(members[c], at)
            turns = [c for c in turns if len(members[c])]
    return torch.tensor(taken, dtype=torch.int64), torch.tensor(scores)
