"""Metrics of classification that torchmetrics lacks, or defines otherwise."""

import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import torch
import torch.nn.functional as F
import torchmetrics.classification as classification
from torch import Tensor
from torchmetrics import MetricCollection


def _mean_recall(confusion: Tensor) -> Tensor:
    """Mean of confusion[c, c] / Σ_j confusion[c, j] over the classes that have targets."""
    return (confusion.diagonal().double() / confusion.sum(1)).nanmean().float()


class BalancedAccuracy(classification.MulticlassConfusionMatrix):
    """Mean recall over the classes that occur in the targets (as in scikit-learn), in [0, 1]."""

    higher_is_better = True

    def compute(self) -> Tensor:
        """The mean recall."""
        return _mean_recall(super().compute())


class BinaryBalancedAccuracy(classification.BinaryConfusionMatrix):
    """The same of two classes."""

    higher_is_better = True

    def compute(self) -> Tensor:
        """The mean recall."""
        return _mean_recall(super().compute())


class LabelsBalancedAccuracy(classification.MultilabelConfusionMatrix):
    """Each label's balanced accuracy, averaged over labels."""

    higher_is_better = True

    def compute(self) -> Tensor:
        """The mean over labels."""
        return torch.stack([_mean_recall(confusion) for confusion in super().compute()]).mean()


class OneVersusRestArea(classification.MulticlassAUROC):
    """Macro mean of one-versus-rest areas under the ROC curve, over the classes where it is defined."""

    def compute(self) -> Tensor:
        """The mean area."""
        with _undefined_areas():
            areas = super().compute()
        return areas[_is_defined(self, areas)].mean()


class LabelsArea(classification.MultilabelAUROC):
    """Macro mean of the labels' areas under the ROC curve, over the labels where it is defined."""

    def compute(self) -> Tensor:
        """The mean area."""
        with _undefined_areas():
            areas = super().compute()
        return areas[_is_defined(self, areas)].mean()


@contextmanager
def _undefined_areas() -> Iterator[None]:
    """torchmetrics warns of each class without a positive or a negative; such areas are left out here."""
    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", message="No (positive|negative) samples in targets")
        yield


def _is_defined(metric: Any, areas: Tensor) -> Tensor:
    """A ROC curve needs a positive and a negative; torchmetrics counts a class without as an area of 0."""
    targets = torch.cat(metric.target)
    if targets.ndim == 1:
        targets = F.one_hot(targets, len(areas))
    return targets.bool().any(0) & (~targets.bool()).any(0)


class BinaryArea(classification.BinaryAUROC):
    """Area under the ROC curve; NaN (not 0) where only one class occurs."""

    def compute(self) -> Tensor:
        """The area."""
        targets = torch.cat(self.target)
        return super().compute() if targets.unique().numel() == 2 else torch.tensor(float("nan"))


class OfPresence(MetricCollection):
    """Metrics that take the probability of the second class: of `positive`, or of each label."""

    def update(self, probs: Tensor, targets: Tensor) -> None:
        """Take in probabilities [n, 2] or [n, L, 2] and targets [n] or [n, L]."""
        super().update(probs[..., 1], targets.long())
