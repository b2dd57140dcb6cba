"""Uncertainty sampling: the highest scores of an acquisition function of the prediction."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Annotated, ClassVar, Literal

import torch
from annotated_types import Len
from torch import Tensor

from al_runner.acquisition.reduction import (
    over_foreground,
    over_labels,
    per_foreground,
    predicted_foreground,
    top_fraction,
)
from al_runner.acquisition.selection import top
from al_runner.errors import InputError
from al_runner.loop.pool import Pool, Query
from al_runner.loop.protocols import Learner
from al_runner.strategies.checks import declares
from al_runner.values import ShareAboveZero

Acquisition = Callable[..., Tensor]
TopFraction = Annotated[Mapping[Literal["top_fraction"], ShareAboveZero], Len(1)]
Reduction = Literal["mean", "sum", "max", "foreground", "per_foreground"] | TopFraction
"""How the scores of a sample's sites become one; `foreground`: the mean over sites that are predicted to be
another class than 0; `per_foreground`: the sum over all sites for each of these; `{top_fraction: .1}`: the
mean of the highest tenth."""
OVER_FOREGROUND = {"foreground": over_foreground, "per_foreground": per_foreground}
TWO_CLASSES = "the strategy scores the probability of the positive class: it needs data with two classes"


def needs_two_classes(strategy: object) -> bool:
    """Whether a strategy, or one that it is around, is made for a positive class and another."""
    return declares(strategy, "needs_two_classes")


@dataclass(frozen=True)
class Uncertainty:
    """Uncertainty sampling (Lewis and Gale, 1994): label what the model is least sure of.

    One class serves every task. A prediction is a distribution over classes for each site of a sample:
    one site in classification, one for each label in multi-label classification, one for each pixel in
    segmentation. The acquisition function scores sites; `reduction` makes one score for each sample. Where
    the labels of a pixel may overlap, it has a distribution for each of them, and its score is their sum:
    entropy and mutual information of independent labels add up.

    Args:
        acquisition: probabilities [..., C] → scores [...], higher = more informative.
        reduction: of a sample's sites.
    """

    acquisition: Acquisition
    reduction: Reduction = "mean"

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
        sites = over_labels(scores)
        if isinstance(self.reduction, Mapping):
            return top_fraction(sites, self.reduction["top_fraction"])
        if self.reduction in OVER_FOREGROUND:
            foreground = predicted_foreground(self._mean(probs)).flatten(1)
            return OVER_FOREGROUND[self.reduction](sites, foreground)
        return sites.amax(1) if self.reduction == "max" else getattr(sites, self.reduction)(1)

    def _mean(self, probs: Tensor) -> Tensor:
        """The prediction itself."""
        return probs


@dataclass(frozen=True)
class OfPositive(Uncertainty):
    """The highest scores of an acquisition function of the positive class's probability alone.

    Args:
        acquisition: probabilities [..., 2] → scores [...], higher = more informative.
        reduction: of a sample's sites.
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
