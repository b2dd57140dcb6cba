"""Cluster-Margin: unsure samples from many clusters."""

import numpy as np
import torch
from scipy.cluster.hierarchy import fcluster, linkage
from torch import Tensor

from al_runner.acquisition.selection import chance


def spread_over_clusters(
    embeddings_MD: Tensor, size: int, generator: torch.Generator, cluster_size: float = 10
) -> Tensor:
    """Samples of as many clusters as possible, rare ones first (Citovsky et al., 2021, algorithm 2).

    Agglomerative clustering with average linkage; then, from the smallest cluster to the largest and over
    again, one random sample of each. Time O(M² D), memory 8 M² / 2 bytes: M are candidates, not a pool.

    Args:
        embeddings_MD: float [M, D] of the candidates.
        size: how many, at most M.
        generator: CPU generator of the choice within clusters.
        cluster_size: mean size at which clusters are no longer joined.

    Returns:
        int64 [size], positions in the order taken.

    Raises:
        ValueError: an embedding is not finite.
    """
    n = len(embeddings_MD)
    if not embeddings_MD.isfinite().all():
        raise ValueError("an embedding is not finite")
    n_clusters = max(1, round(n / cluster_size))
    clusters_M = np.ones(n, dtype=np.int64)
    if n > 1:
        tree = linkage(embeddings_MD.detach().cpu().double().numpy(), method="average")
        clusters_M = fcluster(tree, n_clusters, criterion="maxclust")
    keys_M = chance(n, generator)
    sizes_M = np.bincount(clusters_M)[clusters_M]
    among_equals_M = chance(n + 1, generator)[clusters_M]
    order = np.lexsort((keys_M, clusters_M, among_equals_M, sizes_M))
    starts = np.r_[0, np.flatnonzero(np.diff(clusters_M[order])) + 1]
    turns_M = np.arange(n) - np.repeat(starts, np.diff(np.r_[starts, n]))  # the how-manieth of its cluster
    return torch.from_numpy(order[np.argsort(turns_M, kind="stable")][:size])
