"""The oracle that is people."""

import torch
from torch import Tensor

from al_runner.data.words import UNKNOWN
from al_runner.errors import InputError


class People:
    """Answers with what people said, and has to be waited for until they did.

    Args:
        targets: [N, ...], the training split's targets: what people answered, below 0 where they did not.
        n_classes: of the task.
        generator: not needed.

    Raises:
        InputError: targets that cannot be unknown: masks.
    """

    def __init__(
        self,
        targets: Tensor,
        n_classes: int | None = None,  # noqa: ARG002  every oracle is told
        generator: torch.Generator | None = None,  # noqa: ARG002
    ) -> None:
        if not targets.dtype.is_signed or targets.ndim > 2:
            raise InputError("oracle=people asks for labels of whole images, and these data have masks")
        self.targets = targets

    def answer(self, indices: Tensor) -> Tensor | None:
        """The labels of `indices`, if people answered all of them."""
        labels = self.targets[indices]
        return None if is_unknown(labels).any() else labels

    def costs(self, labels: Tensor) -> None:
        """Labels are what counts."""


def is_unknown(labels: Tensor) -> Tensor:
    """Of which of labels [n, ...] nobody said anything, not even that they cannot tell: bool [n]."""
    if not labels.dtype.is_signed:
        return torch.zeros(len(labels), dtype=torch.bool)
    return (labels == UNKNOWN).flatten(1).any(1) if labels.ndim > 1 else labels == UNKNOWN
