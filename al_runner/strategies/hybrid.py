"""Strategies that want both: samples of which the model is unsure, and a query that is diverse."""

from dataclasses import dataclass
from typing import ClassVar, Literal

import torch
from torch import Tensor

from al_runner.acquisition import badge
from al_runner.acquisition.cluster_margin import spread_over_clusters
from al_runner.acquisition.clustering import k_means, representatives
from al_runner.acquisition.coverage import cosine, greedy_coverage
from al_runner.acquisition.distances import normalized
from al_runner.acquisition.selection import top
from al_runner.acquisition.uncertainty import entropy, margin
from al_runner.loop.pool import Pool, Query
from al_runner.loop.protocols import Learner
from al_runner.strategies.uncertainty import Acquisition, Reduction, Uncertainty
from al_runner.values import AtLeastOne, Positive

MOST_CANDIDATES = 10_000
"""That are clustered hierarchically, in 400 MB."""


@dataclass(frozen=True)
class Badge:
    """BADGE (Ash et al., 2020): k-means++ on the gradients of the last layer.

    The gradient for the likeliest class ŷ is (p − e_ŷ) ⊗ h: large where the model is unsure, alike where
    samples are. A sample is drawn with probability in proportion to its squared distance to the nearest of
    those that are taken.

    Args:
        first: the first sample is the one with the `largest` gradient, or falls to `chance`.
    """

    first: Literal["largest", "chance"] = "largest"
    not_for_pixels: ClassVar[str] = "it keeps the gradients of all predictions, which would be in memory"

    def __call__(self, learner: Learner, pool: Pool, size: int, generator: torch.Generator) -> Query:
        """Query `size` samples with large gradients that differ."""
        unlabeled = pool.unlabeled.sort().values
        probs, embeddings_ND = learner.predict(unlabeled), learner.embed(unlabeled)
        chosen, distances = badge.badge(probs, embeddings_ND, size, generator, self.first)
        return Query(unlabeled[chosen], distances)


@dataclass(frozen=True)
class ClusterMargin:
    """Cluster-Margin (Citovsky et al., 2021): unsure samples, spread over clusters, rare ones first.

    The samples with the largest 1 − (p_(1) − p_(2)) are clustered by average linkage; from the smallest
    cluster to the largest and again, one random sample of each is taken.

    The paper clusters the pool once, by its first model. Here the candidates of each query are clustered,
    by the model that asks: that fits in memory for any pool.

    Args:
        candidates: as many times the query are looked at, those with the smallest margins.
        cluster_size: mean size of their clusters.
        reduction: of the margin over the sites of a sample.
    """

    candidates: AtLeastOne = 10
    cluster_size: AtLeastOne = 10
    reduction: Reduction = "mean"
    depends_on_size: ClassVar[bool] = True

    def __call__(self, learner: Learner, pool: Pool, size: int, generator: torch.Generator) -> Query:
        """Query unsure samples of many clusters."""
        unlabeled = pool.unlabeled.sort().values
        scores = learner.predict(unlabeled, Uncertainty(margin, self.reduction).score).cpu()
        n = max(size, min(round(self.candidates * size), MOST_CANDIDATES, len(unlabeled)))
        some = top(scores, unlabeled, n, len(pool), generator)
        spread = spread_over_clusters(learner.embed(unlabeled[some]), size, generator, self.cluster_size)
        return Query(unlabeled[some[spread]], scores[some[spread]])


@dataclass(frozen=True)
class UncertaintyKMeans:
    """CLUE (Prabhu, Chandrasekaran, Saenko and Hoffman, 2021): k-means, weighted by uncertainty.

    Minimizes Σ_u w_u ‖h_u − center of its cluster‖², w being the acquisition function, and takes the sample
    nearest to each center.

    Args:
        acquisition: probabilities [..., C] → weights [...], at least 0.
        temperature: divides the logits of the predictions that the weights are computed from.
        reduction: of the weight over the sites of a sample.
    """

    acquisition: Acquisition = entropy
    temperature: Positive = 1.0
    reduction: Reduction = "mean"
    depends_on_size: ClassVar[bool] = True

    def __call__(self, learner: Learner, pool: Pool, size: int, generator: torch.Generator) -> Query:
        """Query the sample nearest to the center of each of `size` weighted clusters."""
        unlabeled = pool.unlabeled.sort().values
        weights = learner.predict(unlabeled, self._weights)
        clusters_N, distances_N = k_means(learner.embed(unlabeled), size, generator, weights)
        return Query(unlabeled[representatives(clusters_N, distances_N, size, generator)])

    def _weights(self, probs: Tensor) -> Tensor:
        if self.temperature != 1:  # the softmax of log p / T is that of the logits / T
            probs = (probs.clamp(min=torch.finfo(probs.dtype).tiny).log() / self.temperature).softmax(-1)
        return Uncertainty(self.acquisition, self.reduction).score(probs).clamp(min=0)


@dataclass(frozen=True)
class SuggestiveAnnotation:
    """Suggestive annotation (Yang, Zhang, Chen, Zhang and Chen, 2017): unsure, then representative.

    The most uncertain samples are candidates; of these, greedily, the ones to which all unlabeled samples
    are most similar, Σ_u max_{j ∈ taken} cos(h_u, h_j). The paper's uncertainty is the variance of
    bootstrapped networks; here it is any acquisition function.

    Args:
        acquisition: probabilities [..., C] → scores [...], higher = more informative.
        candidates: as many times the query are looked at; the paper takes 16 for a query of 8.
        reduction: of the score over the sites of a sample.
    """

    acquisition: Acquisition = entropy
    candidates: AtLeastOne = 2
    reduction: Reduction = "mean"
    depends_on_size: ClassVar[bool] = True

    def __call__(self, learner: Learner, pool: Pool, size: int, generator: torch.Generator) -> Query:
        """Query unsure samples that represent the unlabeled pool."""
        unlabeled = pool.unlabeled.sort().values
        scores = learner.predict(unlabeled, Uncertainty(self.acquisition, self.reduction).score).cpu()
        n = min(round(self.candidates * size), len(unlabeled))
        some = top(scores, unlabeled, n, len(pool), generator)
        points = normalized(learner.embed(unlabeled))
        nothing = torch.full_like(points[:, 0], -1)  # below every cosine
        chosen, gains = greedy_coverage(cosine, points, some, nothing, size, generator)
        return Query(unlabeled[some[chosen]], gains)
