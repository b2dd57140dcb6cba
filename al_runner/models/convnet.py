"""A small convolutional network, in 2D and 3D: what an encoder of small images needs on a CPU."""

import math

from torch import nn

from al_runner.errors import InputError
from al_runner.models.layers import Shape, of_dimension
from al_runner.values import Count

DEEPEST = 8
"""Pixels along the shortest edge of the deepest feature maps, at most, where the levels are not given."""
SHALLOWEST = 3
"""Levels, where they are not given and the image has room for them."""


def convnet(
    in_channels: int, n_outputs: int, image_size: Shape, width: Count = 16, levels: Count | None = None
) -> nn.Sequential:
    """Levels of twice (3×3 convolution → batch norm → ReLU), with max-pooling between them; then the mean of
    each of the last maps, and a linear layer. It is a VGG (Simonyan and Zisserman, 2015) reduced to what
    small images need.

    Args:
        in_channels: of an image.
        n_outputs: classes.
        image_size: (height, width) or (depth, height, width).
        width: channels of the first level; each further one has twice as many.
        levels: None = at least 3, and as many as leave at most 8 pixels of the shortest edge: 3 for 28
            pixels, 5 for 96.

    Raises:
        InputError: an image that cannot be halved so often.
    """
    halvings = math.ceil(math.log2(max(1, min(image_size) / DEEPEST)))
    count = max(SHALLOWEST, 1 + halvings) if levels is None else levels
    if min(image_size) < 2 ** (count - 1):
        raise InputError(
            f"model.levels={count} halves images {count - 1} times; that needs edges of at least "
            f"{2 ** (count - 1)} pixels, not {image_size}"
        )
    layers: list[nn.Module] = []
    channels = in_channels
    for level in range(count):
        if level:
            layers.append(of_dimension("MaxPool", image_size)(2))
        for _ in range(2):
            out = width * 2**level
            layers += [
                of_dimension("Conv", image_size)(channels, out, 3, padding=1, bias=False),
                of_dimension("BatchNorm", image_size)(out),
                nn.ReLU(inplace=True),
            ]
            channels = out
    pool = of_dimension("AdaptiveAvgPool", image_size)(1)
    return nn.Sequential(*layers, pool, nn.Flatten(), nn.Linear(channels, n_outputs))
