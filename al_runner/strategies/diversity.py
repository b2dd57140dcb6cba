"""Strategies that spread their queries over the embeddings, whatever the model predicts."""

from dataclasses import dataclass
from typing import ClassVar, Literal

import torch

from al_runner.acquisition import core_set
from al_runner.acquisition.clustering import k_means, principal_components, representatives
from al_runner.acquisition.distances import normalized
from al_runner.acquisition.typicality import typiclust
from al_runner.loop.pool import Pool, Query
from al_runner.loop.protocols import Learner
from al_runner.values import Count, Natural


def k_center(learner: Learner, pool: Pool, size: int, generator: torch.Generator) -> Query:
    """Core-set selection by greedy k-center (Sener and Savarese, 2018, algorithm 1).

    Takes, again and again, argmax_u min_{j ∈ labeled ∪ taken} ‖h_u − h_j‖: of the unlabeled samples the one
    that is farthest from every labeled or taken one. The score is that distance.
    """
    unlabeled = pool.unlabeled.sort().values
    embeddings_ND, labeled_MD = learner.embed(unlabeled), learner.embed(pool.labeled)
    chosen, distances = core_set.k_center(embeddings_ND, labeled_MD, size, generator)
    return Query(unlabeled[chosen], distances)


@dataclass(frozen=True)
class KMeans:
    """One sample for each of as many clusters of the unlabeled embeddings as samples are asked for.

    k-means minimizes Σ_u ‖h_u − center of its cluster‖²; the largest cluster comes first in the query.

    Clustering as a way to choose a whole query is in Settles (2009, section 6.1); with `components`, it is
    "PCA then K-Means" of the paper on pediatric pneumonia whose experiments al-runner repeats.

    Args:
        components: principal components that the embeddings are reduced to before; None = as they are.
        pick: the sample `nearest` to a cluster's center, or a `random` one of its samples.
    """

    components: Count | None = None
    pick: Literal["nearest", "random"] = "nearest"
    depends_on_size: ClassVar[bool] = True

    def __call__(self, learner: Learner, pool: Pool, size: int, generator: torch.Generator) -> Query:
        """Query one sample of each cluster, the largest cluster first."""
        unlabeled = pool.unlabeled.sort().values
        points = learner.embed(unlabeled)
        if self.components is not None:
            points = principal_components(points, self.components, generator)
        clusters_N, distances_N = k_means(points, size, generator)
        chosen = representatives(clusters_N, distances_N * (self.pick == "nearest"), size, generator)
        return Query(unlabeled[chosen])


@dataclass(frozen=True)
class TypiClust:
    """TypiClust (Hacohen, Dekel and Weinshall, 2022): typical samples, for small budgets.

    Of M labeled and n asked for, min(M + n, `max_clusters`) clusters of all samples; from the largest with
    the fewest labels, the sample with the highest typicality, 1 / mean distance to its nearest neighbors.

    Args:
        neighbors: nearest samples of the same cluster that make the typicality.
        max_clusters: at most so many; fewer while labels and query are fewer.
        min_cluster_size: clusters this small or smaller come last.
        normalize: embeddings of length 1, as in the authors' code.
    """

    neighbors: Count = 20
    max_clusters: Count = 500
    min_cluster_size: Natural = 5
    normalize: bool = True
    depends_on_size: ClassVar[bool] = True

    def __call__(self, learner: Learner, pool: Pool, size: int, generator: torch.Generator) -> Query:
        """Query typical samples of large clusters without labels."""
        unlabeled = pool.unlabeled.sort().values
        points, labeled = learner.embed(unlabeled), learner.embed(pool.labeled)
        if self.normalize:
            points, labeled = normalized(points), normalized(labeled)
        chosen, scores = typiclust(
            points, labeled, size, generator, self.neighbors, self.max_clusters, self.min_cluster_size
        )
        return Query(unlabeled[chosen], scores)
