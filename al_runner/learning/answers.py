"""What a linear model makes of labels, and of labels that it lacks.

A class without any label cannot be fitted: its intercept would be minus infinity. By the rule of succession
(Laplace, 1814) its probability is 1 / (n + C) after n labels of C classes, and the classes that have labels
share the rest. A label with the same value everywhere is present with probability (k + 1) / (n + 2), where it
was present k of n times.

Labels are distributions here, [N, C] or [N, L, 2], so that soft ones are no special case.
"""

from collections.abc import Callable
from dataclasses import dataclass
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


def answers(labels: Tensor, weights: Tensor | None = None) -> Answers:
    """Those of labels that are sure.

    Args:
        labels: distributions.
        weights: of classes [C], or of each label's values [L, 2]; what weighs 0 counts as absent.
    """
    counts = labels.sum(0).long()
    if weights is not None:
        counts = counts * (weights > 0).to(counts.device)
    return of_counts(counts.cpu())


def of_counts(counts: Tensor) -> Answers:
    """Those of so many labels of each class [C], or of each label's values [L, 2]."""
    return OneOf(counts) if counts.ndim == 1 else Labels(counts)


@dataclass(frozen=True)
class OneOf:
    """One of C classes for each sample: one problem that tells apart those that have labels.

    Attributes:
        counts: labels of each class, int64 [C].
    """

    counts: Tensor

    @property
    def present(self) -> Tensor:
        """The classes that have labels."""
        return self.counts.nonzero().squeeze(1)

    @property
    def shape(self) -> tuple[int, int]:
        """One output for two classes; no problem for a single one."""
        found = len(self.present)
        return (1, 1 if found == 2 else found) if found > 1 else (0, 1)

    def targets(self, labels: Tensor) -> Tensor:
        """The share of each class that has labels, or of the second of two."""
        problems, outputs = self.shape
        if not problems:
            return labels.new_zeros(0, 1, len(labels))
        some = labels[:, self.present.to(labels.device)]
        some = some / some.sum(1, keepdim=True).clamp(min=torch.finfo(torch.float64).tiny)
        return some.T[None, -outputs:].contiguous()

    def each(self, of_labels: Tensor) -> Tensor:
        """The same."""
        return of_labels.expand(self.shape[0], -1)

    def probabilities(self, logits: Tensor) -> Tensor:
        """Softmax, or the sigmoid of minus and plus a logit, over the classes that have labels: [..., C]."""
        outputs, present, n_classes = self.shape[1], self.present.to(logits.device), len(self.counts)
        unseen = 1 / (int(self.counts.sum()) + n_classes)
        share = 1 - unseen * (n_classes - len(present))
        found = logits.new_full((*logits.shape[:-2], n_classes), unseen)
        if len(present) > 1:
            z = logits.squeeze(-2)
            found[..., present] = share * (
                torch.cat([-z, z], -1).sigmoid() if outputs == 1 else z.softmax(-1)
            )
        elif len(present):
            found[..., present] = share
        return found


@dataclass(frozen=True)
class Labels:
    """L labels, each present or not: a problem for each that has both values.

    Attributes:
        counts: samples in which each label is absent and present, int64 [L, 2].
    """

    counts: Tensor

    @property
    def open(self) -> Tensor:
        """The labels that have both values."""
        return (self.counts > 0).all(1).nonzero().squeeze(1)

    @property
    def shape(self) -> tuple[int, int]:
        """One output each."""
        return len(self.open), 1

    def targets(self, labels: Tensor) -> Tensor:
        """The probability that the label is present."""
        return self.each(labels[..., 1])[:, None]

    def each(self, of_labels: Tensor) -> Tensor:
        """That of the problem's label."""
        if of_labels.ndim == 1:
            return of_labels.expand(len(self.open), -1)
        return of_labels.T[self.open.to(of_labels.device)].contiguous()

    def probabilities(self, logits: Tensor) -> Tensor:
        """Sigmoid of each label: [..., L, 2]."""
        after = (self.counts + 1).to(logits)
        present = (after[:, 1] / after.sum(1)).expand(*logits.shape[:-2], len(after)).clone()
        present[..., self.open.to(logits.device)] = logits.squeeze(-1).sigmoid()
        return torch.stack([1 - present, present], -1)


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
