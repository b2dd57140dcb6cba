"""What a linear model makes of labels, and of labels that it lacks.

A class without any label cannot be fitted: its intercept would be minus infinity. By the rule of succession
(Laplace, 1814) its probability is 1 / (n + C) after n labels of C classes, and the classes that have labels
share the rest. A label with the same value everywhere is present with probability (k + 1) / (n + 2), where it
was present k of n times.

Labels are distributions here, [N, C] or [N, L, 2], so that soft ones are no special case.
"""

from collections.abc import Callable
from typing import Protocol

import torch
import torch.nn.functional as F
from torch import Tensor


class Answers(Protocol):
    """What labels ask of P problems with K outputs each, and what the logits say of a sample."""

    @property
    def counts(self) -> Tensor:
        """Labels of each class [C], or of each label's values [L, 2]."""

    @property
    def shape(self) -> tuple[int, int]:
        """(P, K)."""

    def targets(self, labels: Tensor) -> Tensor:
        """What the problems learn from distributions: float64 [P, K, N]."""

    def each(self, of_labels: Tensor) -> Tensor:
        """Something of each sample [N], or of each of its labels [N, L]: of each problem, [P, N]."""

    def probabilities(self, logits: Tensor) -> Tensor:
        """Distributions of logits [..., P, K]: [..., C] or [..., L, 2]."""


def distributions(labels: Tensor, n_classes: int) -> Tensor:
    """Labels that are sure: classes [N] → float64 [N, C], or several labels [N, L] → [N, L, 2]."""
    return F.one_hot(labels.long(), 2 if labels.ndim == 2 else n_classes).double()


def strata(labels: Tensor, of: Answers) -> Tensor:
    """The values that each problem has to tell apart, of labels that are sure: int64 [P, N]."""
    return of.each(labels.argmax(-1))


Weigh = Callable[[Tensor], Tensor]
"""Distributions → the weight of each sample [N], or of each of its labels [N, L]."""


def weighing(weights: Tensor | None) -> Weigh:
    """By weights of classes [C], or of each label's values [L, 2]; None = each weighs 1."""
    if weights is None:
        return lambda labels: torch.ones_like(labels[..., 0])
    return lambda labels: (labels * weights.to(labels)).sum(-1)
