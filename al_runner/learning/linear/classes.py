"""The two kinds of labels: one of some classes, and several labels of which each is present or not."""

from dataclasses import dataclass
from functools import cached_property

import torch
from torch import Tensor

from al_runner.learning.linear.answers import Answers


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

    @cached_property
    def present(self) -> Tensor:
        """The classes that have labels."""
        return self.counts.nonzero().squeeze(1)

    @cached_property
    def unseen(self) -> float:
        """The probability of a class that has none."""
        return 1 / (int(self.counts.sum()) + len(self.counts))

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
        share = 1 - self.unseen * (n_classes - len(present))
        found = logits.new_full((*logits.shape[:-2], n_classes), self.unseen)
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

    @cached_property
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
