"""Layers of 2D and 3D networks that give an output for every pixel."""

from typing import Any

import torch.nn.functional as F
from torch import Tensor, nn

Shape = tuple[int, ...]


def of_dimension(name: str, image_size: Shape) -> Any:
    """PyTorch's layer for images of so many axes: `Conv` → `nn.Conv2d` or `nn.Conv3d`."""
    return getattr(nn, f"{name}{len(image_size)}d")


def pixelwise(channels: int, n_outputs: int, image_size: Shape) -> nn.Module:
    """The last layer: a 1×1 convolution, which a dropout can stand before."""
    return of_dimension("Conv", image_size)(channels, n_outputs, 1)


class Padded(nn.Module):
    """A network that takes images of any size: padded with their edges' values, its output cropped.

    Args:
        network: takes images whose edges are multiples of something.
        image_size: of the images to come.
        multiple: of which, for each axis.
    """

    def __init__(self, network: nn.Module, image_size: Shape, multiple: Shape) -> None:
        super().__init__()
        self.network = network
        missing = [-edge % m for edge, m in zip(image_size, multiple, strict=True)]
        self.before = [gap // 2 for gap in missing]
        self.pads = [part for gap in reversed(missing) for part in (gap // 2, gap - gap // 2)]

    def forward(self, images: Tensor) -> Tensor:
        """[n, channels, ...] → [n, outputs, ...] of the same size."""
        output = self.network(F.pad(images, self.pads, mode="replicate"))
        for axis, (start, edge) in enumerate(zip(self.before, images.shape[2:], strict=True), start=2):
            output = output.narrow(axis, start, edge)
        return output


def padded(network: nn.Module, image_size: Shape, multiple: int | Shape) -> nn.Module:
    """The network, made to take images of `image_size`."""
    each = (multiple,) * len(image_size) if isinstance(multiple, int) else multiple
    if all(edge % m == 0 for edge, m in zip(image_size, each, strict=True)):
        return network
    return Padded(network, image_size, each)
