"""Fine-tuning: a network that begins with an encoder's weights, which are trained on more slowly."""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, fields
from typing import Any

import torch
from torch import Tensor, nn

from al_runner.learning.optimizer import Optimizer
from al_runner.models import NetworkBuilder
from al_runner.values import Share

OF_ENCODER = "of_encoder"
"""Attribute of the layers whose weights come from an encoder."""
SHARE = "share_of_lr"
"""Of a group of parameters, in the optimizer."""
_BatchNorm = nn.modules.batchnorm._BatchNorm


@dataclass(frozen=True)
class FineTuning:
    """How an encoder's weights are trained on with labels.

    Args:
        encoder_lr: learning rate of the encoder's layers, as a share of `optimizer.lr`; 0 leaves their
            weights as they are.
        freeze_statistics: batch norms of the encoder keep the means and deviations of the images that the
            encoder was trained on. Few labels estimate them poorly.
    """

    encoder_lr: Share = 0.1
    freeze_statistics: bool = True

    def network(self, start: NetworkBuilder) -> NetworkBuilder:
        """A builder of networks that begin with an encoder's weights.

        Args:
            start: the encoder's: its networks say by `of_encoder` which layers have its weights.
        """
        if not self.freeze_statistics:
            return start

        def frozen(in_channels: int, n_outputs: int, image_size: tuple[int, ...]) -> nn.Module:
            return FrozenStatistics(start(in_channels, n_outputs, image_size))

        return frozen

    def recipe(self, optimizer: Optimizer) -> Optimizer:
        """The optimizer, which is slower for the encoder's layers."""
        given = {field.name: getattr(optimizer, field.name) for field in fields(optimizer)}
        return SlowerEncoder(**given, encoder_lr=self.encoder_lr)


class FrozenStatistics(nn.Module):
    """A network whose batch norms of the encoder are in evaluation mode, always."""

    def __init__(self, network: nn.Module) -> None:
        super().__init__()
        self.network = network

    def forward(self, images: Tensor) -> Tensor:
        """The network's output."""
        output: Tensor = self.network(images)
        return output

    def train(self, mode: bool = True) -> "FrozenStatistics":
        """All but these."""
        super().train(mode)
        for layer in encoder_layers(self.network):
            if isinstance(layer, _BatchNorm):
                layer.eval()
        return self


@dataclass(frozen=True)
class SlowerEncoder(Optimizer):
    """A recipe with a learning rate of its own for an encoder's layers.

    Args:
        encoder_lr: as a share of `lr`.
    """

    encoder_lr: Share = 1.0

    def build(self, network: nn.Module) -> torch.optim.Optimizer:
        """A fresh optimizer; the classifier's parameters are the first group."""
        slow = {id(p): p for layer in encoder_layers(network) for p in layer.parameters(recurse=False)}
        fast = [parameter for parameter in network.parameters() if id(parameter) not in slow]
        groups = [{"params": fast, SHARE: 1.0}, {"params": list(slow.values()), SHARE: self.encoder_lr}]
        return self.algorithm([group for group in groups if group["params"]], lr=self.lr)

    def rate(self, group: Mapping[str, Any]) -> float:
        """The learning rate that one of the optimizer's groups of parameters starts a round with."""
        return self.lr * float(group[SHARE])


def encoder_layers(network: nn.Module) -> Iterator[nn.Module]:
    """The layers whose weights come from an encoder."""
    return (layer for layer in network.modules() if getattr(layer, OF_ENCODER, False))


def of_encoder(network: nn.Module, weights: Iterable[str]) -> nn.Module:
    """A network that says which of its layers have an encoder's weights.

    Args:
        network: in which they are.
        weights: the names of these parameters and buffers.
    """
    for name in weights:
        setattr(network.get_submodule(name.rpartition(".")[0]), OF_ENCODER, True)
    return network
