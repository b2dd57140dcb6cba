"""Networks whose every operation a method has a rule for, and the words for those that are not."""

from typing import Any

import torch
from torch import Tensor, nn

from al_runner.errors import InputError


class UnknownOperationError(Exception):
    """A network does something to features that has no rule."""


BY_THE_BATCH = "batch norm by the batch's own statistics"


def passed(network: nn.Module, images: Tensor, method: str) -> Any:
    """The network's outputs, of the images' kind of tensor.

    Raises:
        InputError: it does what there is no rule for; says which of its layers does.
    """
    path: list[str] = []
    hooks = [
        module.register_forward_pre_hook(lambda *_, name=name: path.append(name))
        for name, module in network.named_modules()
    ]
    try:
        return network(images)
    except UnknownOperationError as error:
        layer = network.get_submodule(path[-1])
        where = f"layer {path[-1]}, {type(layer).__name__}" if path[-1] else type(layer).__name__
        raise InputError(
            f"{method} has no rule for {error} (in {where}): it needs a network of convolutions, linear "
            "layers, ReLU, batch norm, pooling, sums and concatenations, such as model=resnet18; "
            "saliency=gradient and integrated_gradients work for every network"
        ) from error
    finally:
        for hook in hooks:
            hook.remove()


def divided(relevance: Tensor, total: Tensor) -> Tensor:
    """relevance / total; 0 where the total is."""
    return torch.where(total == 0, 0, relevance / total)
