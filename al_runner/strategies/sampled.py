"""Strategies that ask many predictions of the model: Bayesian ones, and query by committee."""

import inspect
import sys
import time
from collections.abc import Callable
from dataclasses import dataclass, field
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
from al_runner.values import Count

SLOW = 20
"""Seconds after which a query of BatchBALD says what takes so long."""


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


class _Patience:
    """Says of the first slow query what takes so long, and what is cheaper."""

    said = False

    def begin(self, size: int, classes: int, n_samples: int) -> Callable[[int], None]:
        """A query of so many samples begins; what it returns is told how many are chosen."""
        started = time.monotonic()

        def picked(done: int) -> None:
            seconds = time.monotonic() - started
            if seconds < SLOW or self.said or done == size:
                return
            self.said = True
            print(
                f"al-run: batchbald has chosen {done} of {size} samples in {seconds:.0f} s: with {classes} "
                f"classes, it looks at up to {n_samples} configurations of labels for each; a smaller "
                "strategy.n_samples takes less, strategy=power_bald next to nothing",
                file=sys.stderr,
            )

        return picked


@dataclass(frozen=True)
class BatchBald:
    """BatchBALD (Kirsch, van Amersfoort and Gal, 2019): the labels that together say most about the model.

    Args:
        n_samples: label configurations of the query that are looked at; more cost more.
    """

    n_samples: Count = 10_000
    patience: _Patience = field(default_factory=_Patience, init=False, repr=False, compare=False)
    needs_samples: ClassVar[bool] = True
    not_for_pixels: ClassVar[str] = "it enumerates what the labels of a query may be"

    def __call__(self, learner: Learner, pool: Pool, size: int, generator: torch.Generator) -> Query:
        """Query `size` samples, one after the other, each given those before it."""
        unlabeled = pool.unlabeled.sort().values
        probs_NKC = learner.sample(unlabeled, generator)
        if probs_NKC.ndim != 3:
            raise InputError(
                "strategy=batchbald needs data with one label for each sample; bald works on others"
            )
        picked = self.patience.begin(size, probs_NKC.shape[-1], self.n_samples)
        chosen, gains = batchbald(probs_NKC, size, generator, self.n_samples, on_pick=picked)
        return Query(unlabeled[chosen], gains)
