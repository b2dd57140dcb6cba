"""Strategies that ask many predictions of the model: Bayesian ones, and query by committee."""

import inspect
from dataclasses import dataclass
from typing import ClassVar

import torch
from torch import Tensor

from al_runner.acquisition.batchbald import batchbald
from al_runner.acquisition.selection import top
from al_runner.errors import InputError
from al_runner.loop.pool import Pool, Query
from al_runner.loop.protocols import Learner
from al_runner.strategies.checks import declares
from al_runner.strategies.uncertainty import Uncertainty


def needs_samples(strategy: object) -> bool:
    """Whether a strategy, or one that it is around, samples the model's predictions."""
    return declares(strategy, "needs_samples")


@dataclass(frozen=True)
class Sampled(Uncertainty):
    """The highest scores of an acquisition function of K predictions.

    The predictions are those of the `posterior`: draws of Monte Carlo dropout, or the members of an ensemble.

    Args:
        acquisition: probabilities [..., K, C] → scores [...], higher = more informative. One that takes
            `aleatoric`, too, gets the variance [..., K] by the noise that the model predicts, or None.
        reduction: of a sample's sites.
    """

    needs_samples: ClassVar[bool] = True

    def __call__(self, learner: Learner, pool: Pool, size: int, generator: torch.Generator) -> Query:
        """Query the `size` unlabeled samples that score highest."""
        unlabeled = pool.unlabeled.sort().values
        if "aleatoric" in inspect.signature(self.acquisition).parameters:
            scores = learner.sample_with_noise(
                unlabeled, generator, lambda probs, variance: self.score(probs, aleatoric=variance)
            ).cpu()
        else:
            scores = learner.sample(unlabeled, generator, self.score).cpu()
        chosen = top(scores, unlabeled, size, len(pool), generator)
        return Query(unlabeled[chosen], scores[chosen])

    def _mean(self, probs: Tensor) -> Tensor:
        """That of the samples: [..., K, C] → [..., C]."""
        return probs.mean(-2)


@dataclass(frozen=True)
class BatchBald:
    """BatchBALD (Kirsch, van Amersfoort and Gal, 2019): the labels that together say most about the model.

    Args:
        n_samples: label configurations of the query that are looked at; more cost more.
    """

    n_samples: int = 10_000
    needs_samples: ClassVar[bool] = True
    not_for_pixels: ClassVar[str] = "it enumerates what the labels of a query may be"

    def __post_init__(self) -> None:
        if not isinstance(self.n_samples, int) or self.n_samples < 1:
            raise ValueError(f"strategy.n_samples={self.n_samples}: a whole number, at least 1")

    def __call__(self, learner: Learner, pool: Pool, size: int, generator: torch.Generator) -> Query:
        """Query `size` samples, one after the other, each given those before it."""
        unlabeled = pool.unlabeled.sort().values
        probs_NKC = learner.sample(unlabeled, generator)
        if probs_NKC.ndim != 3:
            raise InputError(
                "strategy=batchbald needs data with one label for each sample; bald works on others"
            )
        chosen, gains = batchbald(probs_NKC, size, generator, self.n_samples)
        return Query(unlabeled[chosen], gains)
