"""A multi-layer perceptron for features."""

from itertools import pairwise

from torch import nn

from al_runner.errors import InputError


def mlp(
    in_channels: int,
    n_outputs: int,
    image_size: tuple[int, ...],  # noqa: ARG001
    width: int = 256,
    depth: int = 1,
    dropout: float = 0.0,
) -> nn.Sequential:
    """A perceptron: `depth` times (linear → batch norm → ReLU → dropout), then a linear layer.

    Args:
        in_channels: features of a sample.
        n_outputs: logits.
        image_size: not used: features have no places.
        width: units of each hidden layer.
        depth: hidden layers.
        dropout: of each hidden layer's outputs, in training.

    Raises:
        InputError: a value out of its range.
    """
    if width < 1 or depth < 1:
        raise InputError(f"head.width={width} and head.depth={depth} must be at least 1")
    if not 0 <= dropout < 1:
        raise InputError(f"head.dropout={dropout} must be at least 0 and below 1")
    layers: list[nn.Module] = []
    for inputs, outputs in pairwise([in_channels, *[width] * depth]):
        layers += [nn.Linear(inputs, outputs), nn.BatchNorm1d(outputs), nn.ReLU()]
        layers += [nn.Dropout(dropout)] if dropout else []
    return nn.Sequential(*layers, nn.Linear(width, n_outputs))
