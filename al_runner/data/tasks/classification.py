"""Binary, multi-class and multi-label classification."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, ClassVar

import torch
import torch.nn.functional as F
import torchmetrics.classification as classification
from torch import Tensor
from torchmetrics import Metric, MetricCollection

from al_runner.data.tasks import mixture
from al_runner.data.tasks.measures import (
    BalancedAccuracy,
    BinaryArea,
    BinaryBalancedAccuracy,
    LabelsArea,
    LabelsBalancedAccuracy,
    OfPresence,
    OneVersusRestArea,
)
from al_runner.errors import InputError


def _balanced(counts: Tensor) -> Tensor:
    """n / (C · n_c) of the C classes that occur among n samples, 0 for a class that does not: float32 [C]."""
    occurs = counts > 0
    weights = counts.sum() / (occurs.sum() * counts.clamp(min=1))
    return torch.where(occurs, weights, 0).float()


def _as_many(values: Sequence[float], count: int, thing: str) -> Tensor:
    if len(values) != count:
        raise InputError(f"loss.class_weights={list(values)}: one for each {thing}, so {count}")
    return torch.tensor(values, dtype=torch.float32)


def _signed(logits: Tensor) -> Tensor:
    """The largest logit's sign in its place, else 0."""
    largest, places = logits.max(1, keepdim=True)
    signs = torch.where(largest < 0, -torch.ones_like(largest), torch.ones_like(largest))
    return torch.zeros_like(logits).scatter(1, places, signs)


@dataclass(frozen=True)
class MultiClass:
    """One of C classes: softmax and cross-entropy. Targets are int64 [n] in 0..C−1.

    F1, precision and recall are macro averages; AUROC is one-versus-rest, macro, as in MedMNIST.
    """

    n_classes: int
    headline: str = "accuracy"
    dense: ClassVar[bool] = False
    several: ClassVar[bool] = False

    @property
    def n_outputs(self) -> int:
        """One logit for each class."""
        return self.n_classes

    def loss(self, logits: Tensor, targets: Tensor) -> Tensor:
        """Cross-entropy."""
        return F.cross_entropy(logits, targets)

    def balanced_weights(self, targets: Tensor) -> Tensor:
        """n / (C · n_c) for n targets, n_c of class c, C classes that occur, as in scikit-learn; else 0.

        Their mean over the targets is 1, so the gradients of an epoch keep their scale.
        """
        return _balanced(self.count(targets))

    def given_weights(self, values: Sequence[float]) -> Tensor:
        """One for each class: [C]."""
        return _as_many(values, self.n_classes, "class")

    def weighted_loss(self, logits: Tensor, targets: Tensor, weights: Tensor) -> Tensor:
        """Cross-entropy times the weight of the sample's class, averaged over the batch."""
        return F.cross_entropy(logits, targets, weights, reduction="none").mean()

    def probabilities(self, logits: Tensor) -> Tensor:
        """Softmax: [n, C]."""
        return logits.float().softmax(1)

    def mixture(self, logits: Tensor) -> Tensor:
        """Logs of the mean of softmaxes."""
        return mixture.of_softmax(logits)

    def explained(self, logits: Tensor) -> Tensor:
        """The logit of the predicted class."""
        return F.one_hot(logits.argmax(1), logits.shape[1]).to(logits.dtype)

    def metrics(self) -> MetricCollection:
        """Metrics of probs [n, C] and targets [n]."""
        n: dict[str, Any] = {"num_classes": self.n_classes, "validate_args": False}
        return MetricCollection(
            {
                "accuracy": classification.MulticlassAccuracy(average="micro", **n),
                "balanced_accuracy": BalancedAccuracy(**n),
                "auroc": OneVersusRestArea(average="none", **n),
                "f1": classification.MulticlassF1Score(average="macro", **n),
                "precision": classification.MulticlassPrecision(average="macro", **n),
                "recall": classification.MulticlassRecall(average="macro", **n),
                "confusion": classification.MulticlassConfusionMatrix(**n),
            },
            compute_groups=False,
        )

    def kept(self, probs: Tensor, targets: Tensor) -> tuple[str, Tensor]:  # noqa: ARG002
        """The probabilities."""
        return "probabilities", probs

    def describe(self, label: Tensor) -> str:
        """The class number."""
        return str(int(label))

    def count(self, targets: Tensor) -> Tensor:
        """Samples of each class: [C]."""
        return targets.bincount(minlength=self.n_classes)

    def check(self, targets: Tensor) -> str | None:
        """Targets are classes 0..C−1."""
        if targets.dtype != torch.int64 or targets.ndim != 1:
            return f"targets are {targets.dtype} {list(targets.shape)}; expected int64 [N]"
        low, high = int(targets.min()), int(targets.max())
        if low < 0 or high >= self.n_classes:
            last = self.n_classes - 1
            return f"labels run from {low} to {high}; {self.n_classes} classes are numbered 0 to {last}"
        return None


@dataclass(frozen=True)
class Binary(MultiClass):
    """Two classes, 1 = positive: a softmax over two logits, or the sigmoid of one. Targets are int64 [n].

    F1, precision, recall and AUROC are those of the positive class.
    """

    n_classes: int = 2
    one_logit: bool = False

    @property
    def n_outputs(self) -> int:
        """One logit for each class, or that of the positive one."""
        return 1 if self.one_logit else 2

    def loss(self, logits: Tensor, targets: Tensor) -> Tensor:
        """Cross-entropy; of one logit, binary cross-entropy."""
        if not self.one_logit:
            return super().loss(logits, targets)
        return F.binary_cross_entropy_with_logits(logits[:, 0], targets.to(logits.dtype))

    def weighted_loss(self, logits: Tensor, targets: Tensor, weights: Tensor) -> Tensor:
        """The loss times the weight of the sample's class, averaged over the batch."""
        if not self.one_logit:
            return super().weighted_loss(logits, targets, weights)
        return F.binary_cross_entropy_with_logits(logits[:, 0], targets.to(logits.dtype), weights[targets])

    def probabilities(self, logits: Tensor) -> Tensor:
        """Softmax, or the sigmoid of minus and plus the logit: [n, 2]."""
        if not self.one_logit:
            return super().probabilities(logits)
        return torch.cat([-logits, logits], 1).float().sigmoid()

    def mixture(self, logits: Tensor) -> Tensor:
        """As of several classes, or the logit of the mean of sigmoids."""
        return mixture.of_sigmoid(logits) if self.one_logit else super().mixture(logits)

    def explained(self, logits: Tensor) -> Tensor:
        """The logit of the predicted class; of one logit, its negative if the negative class is predicted."""
        return _signed(logits) if self.one_logit else super().explained(logits)

    def metrics(self) -> MetricCollection:
        """Metrics of probs [n, 2] and targets [n]."""
        metrics: dict[str, Metric | MetricCollection] = {
            "accuracy": classification.BinaryAccuracy(validate_args=False),
            "balanced_accuracy": BinaryBalancedAccuracy(validate_args=False),
            "auroc": BinaryArea(validate_args=False),
            "f1": classification.BinaryF1Score(validate_args=False),
            "precision": classification.BinaryPrecision(validate_args=False),
            "recall": classification.BinaryRecall(validate_args=False),
            "confusion": classification.BinaryConfusionMatrix(validate_args=False),
        }
        return OfPresence(metrics, compute_groups=False)


def one_of(n_classes: int) -> MultiClass:
    """The task of one of so many classes; of two, the second is positive."""
    return Binary() if n_classes == 2 else MultiClass(n_classes)


@dataclass(frozen=True)
class MultiLabel:
    """L labels, each present or not: sigmoid and binary cross-entropy. Targets are integers [n, L] of 0/1.

    A prediction is a distribution over (absent, present) for each label. Accuracy is the share of single
    decisions at 0.5 that are right, as in MedMNIST; the other metrics are macro averages over labels.
    """

    n_classes: int
    headline: str = "auroc"
    dense: ClassVar[bool] = False
    several: ClassVar[bool] = True

    @property
    def n_outputs(self) -> int:
        """One logit for each label."""
        return self.n_classes

    def loss(self, logits: Tensor, targets: Tensor) -> Tensor:
        """Binary cross-entropy, averaged over labels."""
        return F.binary_cross_entropy_with_logits(logits, targets.to(logits.dtype))

    def balanced_weights(self, targets: Tensor) -> Tensor:
        """n / (2 · n_v) for n targets, of which n_v have the value v, for each label by itself: [L, 2].

        1 for a label that has the same value everywhere, and 0 for its other value, which does not occur.
        """
        present_L = targets.sum(0)
        return torch.stack([_balanced(torch.stack([len(targets) - n, n])) for n in present_L])

    def given_weights(self, values: Sequence[float]) -> Tensor:
        """Of each label where it is present, as `pos_weight` in PyTorch; 1 where it is absent: [L, 2]."""
        present_L = _as_many(values, self.n_classes, "label")
        return torch.stack([torch.ones_like(present_L), present_L], 1)

    def weighted_loss(self, logits: Tensor, targets: Tensor, weights: Tensor) -> Tensor:
        """Binary cross-entropy times the weight of the label's value, averaged over labels and the batch."""
        of_value = torch.where(targets.bool(), weights[:, 1], weights[:, 0])
        return F.binary_cross_entropy_with_logits(logits, targets.to(logits.dtype), of_value)

    def probabilities(self, logits: Tensor) -> Tensor:
        """Sigmoid: [n, L, 2]."""
        present_NL = logits.float().sigmoid()
        return torch.stack([1 - present_NL, present_NL], -1)

    def mixture(self, logits: Tensor) -> Tensor:
        """Logits of the mean of sigmoids."""
        return mixture.of_sigmoid(logits)

    def explained(self, logits: Tensor) -> Tensor:
        """The likeliest label's logit, negated if even that label is predicted to be absent."""
        return _signed(logits)

    def metrics(self) -> MetricCollection:
        """Metrics of probs [n, L, 2] and targets [n, L]."""
        n: dict[str, Any] = {"num_labels": self.n_classes, "validate_args": False}
        return OfPresence(
            {
                "accuracy": classification.MultilabelAccuracy(average="micro", **n),
                "balanced_accuracy": LabelsBalancedAccuracy(**n),
                "auroc": LabelsArea(average="none", **n),
                "f1": classification.MultilabelF1Score(average="macro", **n),
                "precision": classification.MultilabelPrecision(average="macro", **n),
                "recall": classification.MultilabelRecall(average="macro", **n),
                "confusion": classification.MultilabelConfusionMatrix(**n),
            },
            compute_groups=False,
        )

    def kept(self, probs: Tensor, targets: Tensor) -> tuple[str, Tensor]:  # noqa: ARG002
        """The probabilities."""
        return "probabilities", probs

    def describe(self, label: Tensor) -> str:
        """The numbers of the labels that are present, joined by `+`; `none` without any."""
        return "+".join(map(str, label.nonzero().flatten().tolist())) or "none"

    def count(self, targets: Tensor) -> Tensor:
        """Samples that have each label: [L]."""
        return targets.sum(0)

    def check(self, targets: Tensor) -> str | None:
        """Targets are 0 or 1 for each label."""
        if targets.shape[1] != self.n_classes:
            return f"{targets.shape[1]} labels a sample, {self.n_classes} expected"
        if ((targets != 0) & (targets != 1)).any():
            return "a multi-label target is neither 0 nor 1"
        return None
