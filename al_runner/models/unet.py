"""The U-Net (Ronneberger, Fischer and Brox, 2015), in 2D and 3D."""

from itertools import pairwise
from typing import Literal

import torch
from torch import Tensor, nn

from al_runner.errors import InputError
from al_runner.models.layers import Shape, of_dimension, padded, pixelwise
from al_runner.values import Count

Norm = Literal["instance", "batch"]


def unet(
    in_channels: int,
    n_outputs: int,
    image_size: Shape,
    width: Count = 16,
    depth: Count = 3,
    growth: Count = 2,
    down_convolutions: Count = 2,
    norm: Norm = "batch",
) -> nn.Module:
    """A U-Net: `depth` halvings of the image and as many doublings, with skip connections.

    Each level has 3×3 convolutions, each followed by ReLU and a normalization; max-pooling goes down, a
    transposed convolution of stride 2 up, two convolutions after it.

    Args:
        in_channels: of an image.
        n_outputs: labels.
        image_size: (height, width) or (depth, height, width).
        width: channels of the first level.
        depth: halvings.
        growth: each level has so many times the channels of the one above.
        down_convolutions: of each level on the way down, and of the deepest one.
        norm: `batch`, after ReLU as in the ideal paper; or `instance`, before ReLU as in nnU-Net.

    Raises:
        InputError: an image that cannot be halved so often.
    """
    if min(image_size) <= 2**depth:
        raise InputError(
            f"model.depth={depth} halves images {depth} times; that needs edges above {2**depth} pixels, "
            f"not {image_size}"
        )
    network = _UNet(in_channels, n_outputs, image_size, width, depth, growth, down_convolutions, norm)
    return padded(network, image_size, 2**depth)


class _UNet(nn.Module):
    def __init__(
        self,
        in_channels: int,
        n_outputs: int,
        image_size: Shape,
        width: int,
        depth: int,
        growth: int,
        down_convolutions: int,
        norm: Norm,
    ) -> None:
        super().__init__()
        self.pool = of_dimension("MaxPool", image_size)(2)
        widths = [width * growth**level for level in range(depth + 1)]
        before = [in_channels, *widths[:-1]]
        self.down = nn.ModuleList(
            _convolutions(inputs, outputs, down_convolutions, image_size, norm)
            for inputs, outputs in zip(before, widths, strict=True)
        )
        transposed = of_dimension("ConvTranspose", image_size)
        levels = list(pairwise(reversed(widths)))
        self.enlarge = nn.ModuleList(transposed(deep, wide, 2, stride=2) for deep, wide in levels)
        self.up = nn.ModuleList(_convolutions(2 * wide, wide, 2, image_size, norm) for _, wide in levels)
        self.head = pixelwise(width, n_outputs, image_size)

    def forward(self, images: Tensor) -> Tensor:
        """Logits [n, labels, ...]."""
        features = self.down[0](images)
        skipped = []
        for level in self.down[1:]:
            skipped.append(features)
            features = level(self.pool(features))
        for enlarge, level in zip(self.enlarge, self.up, strict=True):
            features = level(torch.cat([skipped.pop(), enlarge(features)], 1))
        return self.head(features)


def _convolutions(inputs: int, outputs: int, count: int, image_size: Shape, norm: Norm) -> nn.Sequential:
    layers: list[nn.Module] = []
    for k in range(count):
        layers.append(of_dimension("Conv", image_size)(inputs if k == 0 else outputs, outputs, 3, padding=1))
        if norm == "batch":
            layers += [nn.ReLU(inplace=True), of_dimension("BatchNorm", image_size)(outputs)]
        else:
            normalization = of_dimension("InstanceNorm", image_size)(outputs, affine=True)
            layers += [normalization, nn.ReLU(inplace=True)]
    return nn.Sequential(*layers)
