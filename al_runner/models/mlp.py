"""A multi-layer perceptron for features."""

from itertools import pairwise

from torch import nn

from al_runner.values import Count, ShareBelowOne


def mlp(
    in_channels: int,
    n_outputs: int,
    image_size: tuple[int, ...],  # noqa: ARG001
    width: Count = 256,
    depth: Count = 1,
    dropout: ShareBelowOne = 0.0,
) -> nn.Sequential:
    """A perceptron: `depth` times (linear → batch norm → ReLU → dropout), then a linear layer.

    Args:
        in_channels: features of a sample.
        n_outputs: logits.
        image_size: not used: features have no places.
        width: units of each hidden layer.
        depth: hidden layers.
        dropout: of each hidden layer's outputs, in training.
    """
    layers: list[nn.Module] = []
    for inputs, outputs in pairwise([in_channels, *[width] * depth]):
        layers += [nn.Linear(inputs, outputs), nn.BatchNorm1d(outputs), nn.ReLU()]
        layers += [nn.Dropout(dropout)] if dropout else []
    return nn.Sequential(*layers, nn.Linear(width, n_outputs))
