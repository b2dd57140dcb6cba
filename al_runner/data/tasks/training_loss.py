"""The loss that a training minimizes: the task's own, or one that weighs classes."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Literal, Protocol, runtime_checkable

import torch
from torch import Tensor

from al_runner.data.tasks.base import Loss, Task
from al_runner.data.tasks.classification import Binary, MultiClass
from al_runner.errors import InputError


@runtime_checkable
class WeighsClasses(Protocol):
    """A task whose loss can weigh classes."""

    def balanced_weights(self, targets: Tensor) -> Tensor:
        """Weights with which every class that occurs in `targets` counts as much as any other."""

    def given_weights(self, values: Sequence[float]) -> Tensor:
        """The weights that a user gave.

        Raises:
            InputError: there are more or fewer than classes.
        """

    def weighted_loss(self, logits: Tensor, targets: Tensor, weights: Tensor) -> Tensor:
        """The mean of weight × loss over the batch; not divided by the weights, which so scale gradients."""


@dataclass(frozen=True, eq=False)
class Weighted:
    """The loss of a task with a weight for each class; equal to one with equal weights."""

    task: WeighsClasses
    weights: Tensor

    def __call__(self, logits: Tensor, targets: Tensor) -> Tensor:
        """The mean over a batch."""
        return self.task.weighted_loss(logits.float(), targets, self.weights)

    def __eq__(self, other: object) -> bool:
        return (
            isinstance(other, Weighted)
            and self.task == other.task
            and torch.equal(self.weights, other.weights)
        )

    __hash__ = None  # type: ignore[assignment]


@dataclass(frozen=True)
class TrainingLoss:
    """What `conf/loss` asks for, whatever the task.

    Args:
        one_logit: two classes share one logit.
        class_weights: `balanced`, or one weight for each class (multi-label: for each label where it is
            present), or None. Balanced weights are made anew of each round's labels.
        balanced_batches: every class that has labels is equally likely in a batch.
    """

    one_logit: bool = False
    class_weights: Literal["balanced"] | Sequence[float] | None = None
    balanced_batches: bool = False

    def task(self, task: Task) -> Task:
        """The task with the network's output that is asked for.

        Raises:
            InputError: the task cannot do what is asked.
        """
        if self.class_weights is not None:
            if not isinstance(task, WeighsClasses):
                raise InputError("loss.class_weights: the loss of this task weighs no classes; leave it null")
            if not isinstance(self.class_weights, str):
                task.given_weights(self.class_weights)  # tried once
        if self.balanced_batches and not isinstance(task, MultiClass):
            raise InputError("loss.balanced_batches=true needs data with one class for each sample")
        if not self.one_logit:
            return task
        if not isinstance(task, Binary):
            raise InputError("loss.one_logit=true needs data with two classes, one for each sample")
        return replace(task, one_logit=True)

    def of(self, task: Task, labels: Tensor) -> Loss:
        """The loss of a round that trains on `labels`: [n, ...], on the training device."""
        weights = self.weights(task, labels)
        if weights is None or not isinstance(task, WeighsClasses):
            return task.loss
        return Weighted(task, weights)

    def weights(self, task: Task, labels: Tensor) -> Tensor | None:
        """Of classes [C], or of each label's values [L, 2], in a round with some labels; None = all alike."""
        if self.class_weights is None or not isinstance(task, WeighsClasses):
            return None
        if isinstance(self.class_weights, str):
            return task.balanced_weights(labels)
        return task.given_weights(self.class_weights).to(labels.device)

    def chances(self, labels: Tensor) -> Tensor | None:
        """The odds of drawing each labeled sample, float64 [n]; None = each comes once an epoch."""
        return labels.bincount().double().reciprocal()[labels] if self.balanced_batches else None
