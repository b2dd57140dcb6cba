"""Sampling a network over its dropouts, the layers before the first of them computed once."""

from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from typing import Any

import torch
from torch import Tensor, nn

ELEMENTWISE = (nn.Dropout,)
CHANNELWISE = (nn.Dropout1d, nn.Dropout2d, nn.Dropout3d)


def dropouts(network: nn.Module) -> list[nn.Module]:
    """The network's dropouts that drop something."""
    kinds = (*ELEMENTWISE, *CHANNELWISE)
    return [module for module in network.modules() if isinstance(module, kinds) and module.p > 0]


def add_dropout(network: nn.Module, p: float) -> nn.Module:
    """Put a dropout before the classifier, the last linear layer or else convolution, if there is none.

    Raises:
        ValueError: the network has neither.
    """
    if dropouts(network):
        return network
    for kinds in (nn.Linear, (nn.Conv2d, nn.Conv3d)):
        found = [name for name, module in network.named_modules() if isinstance(module, kinds)]
        if found:
            path, _, name = found[-1].rpartition(".")
            parent = network.get_submodule(path)
            setattr(parent, name, nn.Sequential(nn.Dropout(p), getattr(parent, name)))
            return network
    raise ValueError("the network has neither a linear layer nor a convolution to put a dropout before")


WEIGHTED = (nn.Linear, nn.Conv1d, nn.Conv2d, nn.Conv3d)


def add_dropouts(network: nn.Module, p: float) -> nn.Module:
    """Put a dropout before every linear layer and convolution but the first; those that it has are off.

    Raises:
        ValueError: the network has fewer than two such layers.
    """
    found = [(name, module) for name, module in network.named_modules() if type(module) in WEIGHTED]
    if len(found) < 2:
        raise ValueError("the network has fewer than two layers, so nothing to put a dropout between")
    for layer in dropouts(network):
        layer.p = 0.0  # type: ignore[assignment]
    for name, module in found[1:]:
        network.set_submodule(name, nn.Sequential(nn.Dropout(p), module))
    return network


class Draws:
    """The K draws of each dropout: the same for all images.

    Args:
        samples: K.
        generator: a CPU generator; results do not depend on how images are batched.
        from_the_start: copy an image before the first layer, as something passes by the first dropout.
    """

    def __init__(self, samples: int, generator: torch.Generator, from_the_start: bool = False) -> None:
        self.samples, self.generator, self.from_the_start = samples, generator, from_the_start
        self.masks: dict[nn.Module, Tensor] = {}
        self.images = 0
        """Images of the batch that is on its way."""

    def begin(self, _network: nn.Module, inputs: tuple[Tensor, ...]) -> Tensor | None:
        """A batch comes in."""
        self.images = len(inputs[0])
        return inputs[0].repeat_interleave(self.samples, 0) if self.from_the_start else None

    def drop(self, layer: nn.Module, inputs: tuple[Tensor, ...], _output: Tensor) -> Tensor:
        """What a dropout gives: [n, ...] or [n · K, ...] → [n · K, ...], the samples of an image together."""
        features = inputs[0]
        if len(features) == self.images:  # the first dropout on the way
            features = features.unsqueeze(1)
        else:
            features = features.unflatten(0, (self.images, self.samples))
        return (features * self._mask(layer, features[0, 0])).flatten(0, 1)

    def _mask(self, layer: nn.Module, features: Tensor) -> Tensor:
        """[K, ...] of 0 and 1 / (1 − p)."""
        if layer not in self.masks:
            p = float(layer.p)  # type: ignore[arg-type]
            shape = (
                features.shape
                if isinstance(layer, ELEMENTWISE)
                else (len(features), *[1] * (features.ndim - 1))
            )
            kept = torch.rand(self.samples, *shape, generator=self.generator) >= p
            self.masks[layer] = (kept / max(1 - p, torch.finfo().tiny)).to(features.device)
        return self.masks[layer].to(features.dtype)

    def end(self, _network: nn.Module, _inputs: Any, outputs: Tensor) -> Tensor:
        """A batch goes out: [n · K, ...] → [n, K, ...]."""
        return outputs.unflatten(0, (self.images, self.samples))


@contextmanager
def sampled(
    network: nn.Module, samples: int, generator: torch.Generator, from_the_start: bool = False
) -> Iterator[None]:
    """While it lasts, the network gives [n, `samples`, ...] in evaluation mode.

    Args:
        network: has a dropout, which nothing passes by, unless it is sampled from the start. A module of it
            may say so (`passes_by_dropout`).
        samples: K.
        generator: a CPU generator of the draws.
        from_the_start: compute all layers for each sample.
    """
    passed_by = any(getattr(module, "passes_by_dropout", False) for module in network.modules())
    draws = Draws(samples, generator, from_the_start or passed_by)
    with ExitStack() as hooks:
        for layer in dropouts(network):
            hooks.callback(layer.register_forward_hook(draws.drop).remove)
        hooks.callback(network.register_forward_pre_hook(draws.begin).remove)
        hooks.callback(network.register_forward_hook(draws.end).remove)
        yield
