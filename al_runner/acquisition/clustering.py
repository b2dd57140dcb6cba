"""k-means and principal components by scikit-learn, and samples that stand for their clusters.

The clustering runs on the CPU, on at most two threads: there, the sums of two threads make the same bits in
either order, and so the same query. It is linear in the number of samples.
"""

import warnings

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from al_runner.acquisition.selection import chance

MAX_ITERATIONS = 100
BATCH = 5000


def k_means(
    embeddings_ND: Tensor,
    n_clusters: int,
    generator: torch.Generator,
    weights_N: Tensor | None = None,
    in_batches: bool = False,
) -> tuple[NDArray[np.int64], NDArray[np.float64]]:
    """Clusters of embeddings by k-means (Lloyd, 1982, started by k-means++, Arthur and Vassilvitskii, 2007).

    Minimizes Σ_n w_n ‖x_n − μ_{c(n)}‖². One start, at most 100 iterations; `in_batches`, mini-batch
    k-means (Sculley, 2010). Time O(N n_clusters D) for each iteration.

    Args:
        embeddings_ND: float [N, D].
        n_clusters: at most N. Fewer distinct embeddings leave some clusters empty.
        generator: CPU generator of the start.
        weights_N: float [N], at least 0; equal where none are given or all are 0.
        in_batches: for many clusters, where a few iterations on all samples would take minutes.

    Returns:
        int64 [N], the cluster of each sample, and float64 [N], its distance to the cluster's center.
    """
    from sklearn.cluster import KMeans, MiniBatchKMeans  # slow to import, and most runs cluster nothing
    from sklearn.exceptions import ConvergenceWarning
    from threadpoolctl import threadpool_limits

    points_ND = embeddings_ND.detach().cpu().numpy()
    if not np.isfinite(points_ND.mean()):
        raise ValueError("an embedding is not finite")
    weights = None if weights_N is None or not weights_N.any() else weights_N.cpu().double().numpy()
    seed = int(torch.randint(2**31 - 1, (1,), generator=generator))
    model = (
        MiniBatchKMeans(n_clusters, n_init=1, batch_size=BATCH, random_state=seed)
        if in_batches
        else KMeans(n_clusters, n_init=1, max_iter=MAX_ITERATIONS, random_state=seed)
    )
    with threadpool_limits(min(2, torch.get_num_threads())), warnings.catch_warnings():
        warnings.simplefilter("ignore", ConvergenceWarning)  # fewer distinct points than clusters
        clusters_N = model.fit(points_ND, sample_weight=weights).labels_.astype(np.int64)
    distances_N = np.empty(len(points_ND))
    for start in range(0, len(points_ND), BATCH):
        part = slice(start, start + BATCH)
        distances_N[part] = np.linalg.norm(points_ND[part] - model.cluster_centers_[clusters_N[part]], axis=1)
    return clusters_N, distances_N


def principal_components(embeddings_ND: Tensor, components: int, generator: torch.Generator) -> Tensor:
    """Embeddings on their first principal components (Pearson, 1901): [N, min(components, N, D)]."""
    from sklearn.decomposition import PCA

    points_ND = embeddings_ND.detach().cpu().numpy()
    seed = int(torch.randint(2**31 - 1, (1,), generator=generator))
    model = PCA(min(components, *points_ND.shape), random_state=seed)
    with np.errstate(invalid="ignore", divide="ignore"):  # shares of a variance that is 0
        return torch.from_numpy(model.fit_transform(points_ND))


def representatives(
    clusters_N: NDArray[np.int64], distances_N: NDArray[np.float64], size: int, generator: torch.Generator
) -> Tensor:
    """The sample with the smallest distance of each cluster, those of the largest clusters first.

    Ties fall to chance, and so do the samples that are missing where fewer than `size` clusters have any.

    Returns:
        int64 [size]: positions.
    """
    keys_N = chance(len(clusters_N), generator)
    order = np.lexsort((-keys_N, distances_N, clusters_N))
    _, first, counts = np.unique(clusters_N[order], return_index=True, return_counts=True)
    nearest = order[first]
    ranked = nearest[np.lexsort((-keys_N[nearest], -counts))]
    rest = np.setdiff1d(np.arange(len(clusters_N)), ranked)
    rest = rest[np.argsort(-keys_N[rest])]
    return torch.from_numpy(np.concatenate([ranked, rest])[:size])
