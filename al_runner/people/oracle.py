"""The oracle that is people."""

import torch
from torch import Tensor

from al_runner.data.overlay import Overlay
from al_runner.data.words import UNKNOWN, UNKNOWN_MASK
from al_runner.errors import InputError
from al_runner.values import Named


class People:
    """Answers with what people said, and has to be waited for until they did.

    Args:
        targets: [N, ...], the training split's: what people answered, below 0 where they did not.
        n_classes: of the task.
        generator: not needed.
        masks: folder of the masks that they save; None = `masks` in the run folder.
        start: whether the model's own outline lies beside a mask that is to be drawn.

    Raises:
        InputError: targets that cannot be unknown, or masks of data that have none.
    """

    def __init__(
        self,
        targets: Tensor | Overlay,
        n_classes: int | None = None,  # noqa: ARG002  every oracle is told
        generator: torch.Generator | None = None,  # noqa: ARG002
        masks: Named | None = None,
        start: bool = False,
    ) -> None:
        are_masks = targets.ndim > 2
        if not (are_masks or targets.dtype.is_signed):
            raise InputError(f"oracle=people needs targets that may be unknown; {targets.dtype} has no −1")
        if not are_masks and (masks is not None or start):
            raise InputError("oracle.masks and oracle.start are for outlines, and these data have labels")
        self.targets = targets

    def answer(self, indices: Tensor) -> Tensor | None:
        """The labels of `indices`, if people answered all of them."""
        labels = self.targets[indices]
        return None if is_unknown(labels).any() else labels

    def costs(self, labels: Tensor) -> None:
        """Labels are what counts."""


def is_unknown(labels: Tensor) -> Tensor:
    """Of which of labels [n, ...] nobody said anything, not even that they cannot tell: bool [n]."""
    if labels.dtype == torch.uint8 and labels.ndim > 2:  # others have a sign
        return labels.flatten(1)[:, 0] == UNKNOWN_MASK
    if not labels.dtype.is_signed:
        return torch.zeros(len(labels), dtype=torch.bool)
    return (labels == UNKNOWN).flatten(1).any(1) if labels.ndim > 1 else labels == UNKNOWN
