"""What a saliency method is."""

from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from typing import Protocol

import torch
from torch import Tensor, nn

from al_runner.errors import InputError

Explained = Callable[[Tensor], Tensor]
"""Outputs [n, C] → the one that is explained: [n, C], 1 in one place, or −1 for its negative, else 0."""


class Saliency(Protocol):
    """Shows where in an image a network sees what it says.

    It draws no random numbers and leaves the network as it was: weights, gradients, hooks, modes. An image's
    map does not depend on the others that it is computed with, up to rounding.
    """

    def __call__(self, network: nn.Module, images: Tensor, explained: Explained) -> Tensor:
        """Saliency maps by the network in evaluation mode, summed over channels: float32 [n, ...].

        Args:
            network: float32 [n, channels, ...] → [n, C].
            images: as `normalize` gives them.
            explained: which output.

        Raises:
            InputError: the method does not work for such a network.
        """


@contextmanager
def explaining(network: nn.Module) -> Iterator[None]:
    """For a while, evaluation mode, gradients and float32."""
    training = [module for module in network.modules() if module.training]
    with ExitStack() as stack:
        for device in ("cpu", "cuda"):
            stack.enter_context(torch.autocast(device, enabled=False))
        stack.enter_context(torch.inference_mode(False))
        stack.enter_context(torch.enable_grad())
        network.eval()
        try:
            yield
        finally:
            for module in training:
                module.training = True


def of_class(number: int) -> Explained:
    """One class is explained, whatever is predicted; of a single logit, class 0 is its negative.

    >>> of_class(0)(torch.zeros(2, 1)).tolist(), of_class(2)(torch.zeros(1, 3)).tolist()
    ([[-1.0], [-1.0]], [[0.0, 0.0, 1.0]])
    """

    def explained(outputs: Tensor) -> Tensor:
        classes = max(outputs.shape[1], 2)
        if number >= classes:
            raise InputError(f"saliency.of={number}: the model has {classes} classes, the first is 0")
        if outputs.shape[1] == 1:
            return torch.full_like(outputs, 2 * number - 1)
        chosen = torch.zeros_like(outputs)
        chosen[:, number] = 1
        return chosen

    return explained


def scalar(outputs: Tensor, chosen: Tensor) -> Tensor:
    """The explained output of each image: [n]."""
    return (outputs * chosen).sum(1)
