"""Strategies that want both: samples of which the model is unsure, and a query that is diverse."""

from dataclasses import dataclass
from typing import Literal

import torch

from al_runner.acquisition import badge
from al_runner.loop import Learner
from al_runner.pool import Pool, Query


@dataclass(frozen=True)
class Badge:
    """BADGE (Ash et al., 2020): k-means++ on the gradients of the last layer.

    Args:
        first: the first sample is the one with the `largest` gradient, or falls to `chance`.
    """

    first: Literal["largest", "chance"] = "largest"

    def __post_init__(self) -> None:
        if self.first not in badge.FIRST:
            raise ValueError(f"strategy.first={self.first}: {' or '.join(badge.FIRST)}")

    def __call__(self, learner: Learner, pool: Pool, size: int, generator: torch.Generator) -> Query:
        """Query `size` samples with large gradients that differ."""
        unlabeled = pool.unlabeled.sort().values
        probs, embeddings_ND = learner.predict(unlabeled), learner.embed(unlabeled)
        chosen, distances = badge.badge(probs, embeddings_ND, size, generator, self.first)
        return Query(unlabeled[chosen], distances)
