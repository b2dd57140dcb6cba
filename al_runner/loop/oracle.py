"""Who answers the queries."""

from collections.abc import Sequence
from typing import Annotated, Protocol

import torch
from annotated_types import Len
from torch import Tensor

from al_runner.errors import InputError
from al_runner.loop import cost as counted
from al_runner.values import Share

NO_MASK = 254
"""Masks are bytes. One that is not known is the byte of a number below 0 everywhere: 255 of −1, 254 of −2."""


def are_told(labels: Tensor) -> Tensor:
    """Which of labels [n, ...] are known, those that are not below 0: bool [n].

    Of a mask, with at least two axes, the first pixel says it.
    """
    if labels.ndim > 2:
        first = labels.flatten(1)[:, 0]
        return first < NO_MASK if labels.dtype == torch.uint8 else first >= 0
    if not len(labels) or not labels.dtype.is_signed:
        return torch.ones(len(labels), dtype=torch.bool)
    return (labels.flatten(1) >= 0).all(1) if labels.ndim > 1 else labels >= 0


class Oracle(Protocol):
    """Labels samples."""

    def answer(self, indices: Tensor) -> Tensor | None:
        """The labels of training `indices` (int64 [n]) as targets [n, ...], in the same order.

        None = not yet: a person has to label them first. The run then ends with status `waiting`, and the
        same command asks again, for the same indices. A label below 0: the oracle looked, and cannot tell.
        """

    def costs(self, labels: Tensor) -> Tensor | None:
        """What it cost to give each of some labels [n, ...]: int64 [n]; None where labels are what counts."""


class Simulated:
    """Answers with the data set's own labels, at once.

    Args:
        targets: [N, ...], the training split's targets.
        cost: what labels cost: `images`, `slices` or `foreground`.
        n_classes: what only an oracle that errs needs.
        generator: the same.

    Raises:
        InputError: the targets cannot be counted so.
    """

    def __init__(
        self,
        targets: Tensor,
        cost: counted.Unit = "images",
        n_classes: int | None = None,  # noqa: ARG002  every oracle is told
        generator: torch.Generator | None = None,  # noqa: ARG002
    ) -> None:
        self.targets, self.unit = targets, counted.check(cost, targets)

    def answer(self, indices: Tensor) -> Tensor:
        """The stored targets of `indices`."""
        return self.targets[indices]

    def costs(self, labels: Tensor) -> Tensor | None:
        """By the unit; None for images, which are labels."""
        return None if self.unit == "images" else counted.costs(self.unit, labels)


class Noisy(Simulated):
    """A simulated annotator who errs.

    Whether and how a sample is mislabeled is drawn once for the whole pool, so every strategy of one seed
    meets the same errors and runs stay paired.

    Args:
        targets: int64 [N] class labels, or uint8/int64 [N, L] of 0/1 for multi-label.
        n_classes: number of classes.
        generator: the run's oracle stream.
        flip_rate: the probability that a label becomes another class, drawn evenly.
            Multi-label: the probability that each single 0/1 is flipped.
        confusion: n_classes × n_classes, row = true class, entries the probabilities of each answer;
            replaces `flip_rate`. Classes only.
        cost: as in `Simulated`.

    Raises:
        InputError: a matrix that is not row-stochastic, or masks as targets.
    """

    def __init__(
        self,
        targets: Tensor,
        n_classes: int,
        generator: torch.Generator,
        flip_rate: Share = 0.1,
        confusion: Annotated[Sequence[Annotated[Sequence[Share], Len(2)]], Len(2)] | None = None,
        cost: counted.Unit = "images",
    ) -> None:
        if targets.ndim > 2:
            raise InputError("oracle=noisy flips class labels; it cannot disturb segmentation masks")
        if targets.ndim == 2:
            if confusion is not None:
                raise InputError("oracle.confusion is for classes; multi-label data take oracle.flip_rate")
            flips = torch.rand(targets.shape, generator=generator) < flip_rate
            super().__init__(torch.where(flips, 1 - targets, targets), cost)
        else:
            answers_CC = _confusion(n_classes, flip_rate, confusion)
            answers = torch.multinomial(answers_CC[targets], 1, generator=generator).squeeze(1)
            super().__init__(answers, cost)


def _confusion(n_classes: int, flip_rate: float, given: Sequence[Sequence[float]] | None) -> Tensor:
    """Rows: true class; columns: probability of each answer."""
    if given is None:
        others = flip_rate / max(n_classes - 1, 1)
        return torch.full((n_classes, n_classes), others).fill_diagonal_(1 - flip_rate)
    matrix = torch.tensor([list(row) for row in given], dtype=torch.float64)
    stochastic = (matrix >= 0).all() and torch.allclose(matrix.sum(1), torch.ones(1, dtype=torch.float64))
    if matrix.shape != (n_classes, n_classes) or not stochastic:
        raise InputError(
            f"oracle.confusion must be {n_classes} × {n_classes} with rows of probabilities that sum to 1"
        )
    return matrix
