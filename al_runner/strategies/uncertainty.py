"""Uncertainty sampling: the highest scores of an acquisition function of the prediction."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import ClassVar, Literal

import torch
from torch import Tensor

from al_runner.acquisition.selection import top
from al_runner.errors import InputError
from al_runner.loop import Learner
from al_runner.pool import Pool, Query
from al_runner.strategies.checks import declares

Acquisition = Callable[..., Tensor]
TWO_CLASSES = "the strategy scores the probability of the positive class: it needs data with two classes"


def needs_two_classes(strategy: object) -> bool:
    """Whether a strategy, or the one that it is around, is made for a positive class and another."""
    return declares(strategy, "needs_two_classes")


@dataclass(frozen=True)
class Uncertainty:
    """Uncertainty sampling (Lewis and Gale, 1994): label what the model is least sure of.

    One class serves every task. A prediction is a distribution over classes for each site of a sample:
    one site in classification, one for each label in multi-label classification, one for each pixel in
    segmentation. The acquisition function scores sites; `reduction` makes one score for each sample.

    Args:
        acquisition: probabilities [..., C] → scores [...], higher = more informative.
        reduction: `mean`, `sum` or `max` over a sample's sites.
    """

    acquisition: Acquisition
    reduction: Literal["mean", "sum", "max"] = "mean"

    def __post_init__(self) -> None:
        if self.reduction not in ("mean", "sum", "max"):
            raise ValueError(f"strategy.reduction={self.reduction}: mean, sum or max")

    def __call__(self, learner: Learner, pool: Pool, size: int, generator: torch.Generator) -> Query:
        """Query the `size` unlabeled samples that score highest."""
        unlabeled = pool.unlabeled
        scores = learner.predict(unlabeled, self.score).cpu()
        chosen = top(scores, unlabeled, size, len(pool), generator)
        return Query(unlabeled[chosen], scores[chosen])

    def score(self, probs: Tensor, **known: Tensor | None) -> Tensor:
        """One score for each sample, of its prediction and whatever else is known: [n, ..., C] → [n]."""
        scores = self.acquisition(probs, **known)
        if scores.ndim == 1:
            return scores
        sites = scores.flatten(1)
        return sites.amax(1) if self.reduction == "max" else getattr(sites, self.reduction)(1)


@dataclass(frozen=True)
class OfPositive(Uncertainty):
    """The highest scores of an acquisition function of the positive class's probability alone.

    Args:
        acquisition: probabilities [..., 2] → scores [...], higher = more informative.
        reduction: `mean`, `sum` or `max` over a sample's sites.
    """

    needs_two_classes: ClassVar[bool] = True

    def score(self, probs: Tensor, **known: Tensor | None) -> Tensor:
        """One score for each sample: [n, ..., 2] → [n].

        Raises:
            InputError: there are more classes than two.
        """
        if probs.shape[-1] != 2:
            raise InputError(TWO_CLASSES)
        return super().score(probs, **known)
