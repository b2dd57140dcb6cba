"""Predictions of which the model is sure, as labels."""

from dataclasses import dataclass

import torch.nn.functional as F
from torch import Tensor

from al_runner.errors import InputError
from al_runner.learning.linear.guesses import KEY, Guess, Guesses, between, others


@dataclass(frozen=True)
class PseudoLabels:
    """Self-training (Scudder, 1965; Lee, 2013): predictions of which the model is sure count as labels.

    Args:
        threshold: the least probability of a class that counts.
        weight: of all guesses together, as a multiple of that of all labels.
        iterations: how often the model is fitted to its own guesses.

    Raises:
        InputError: a value out of its range.
    """

    threshold: float = 0.95
    weight: float = 1.0
    iterations: int = 1

    def __post_init__(self) -> None:
        between("pseudo_labels.threshold", self.threshold, 0.5, 1)
        between("pseudo_labels.weight", self.weight, 0, float("inf"))
        if not isinstance(self.iterations, int) or self.iterations < 1:
            raise InputError(f"{KEY}.pseudo_labels.iterations={self.iterations}: a whole number, at least 1")

    def begin(self, features_ND: Tensor) -> Guess:  # noqa: ARG002
        """By the model's predictions alone."""
        return self.guess

    def guess(self, probs: Tensor, labeled: Tensor, known: Tensor) -> Guesses:
        """The likeliest class of each unlabeled sample that has one which is likely enough."""
        unlabeled = others(len(probs), labeled)
        sure, likeliest = probs[unlabeled].max(-1)
        counts = sure >= self.threshold
        chosen = counts if counts.ndim == 1 else counts.any(1)
        labels = F.one_hot(likeliest[chosen], probs.shape[-1]).to(known.dtype)
        return Guesses(unlabeled[chosen.cpu()], labels, counts[chosen])
