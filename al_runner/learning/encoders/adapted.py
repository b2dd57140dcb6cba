"""Images as a network was trained with them."""

from collections.abc import Sequence
from dataclasses import dataclass

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from al_runner.errors import InputError


@dataclass(frozen=True)
class Seen:
    """How a network has its images.

    Args:
        channels: of them.
        size: their edges; None = any.
        mean, std: of each channel of 0..1: they are subtracted, and divided by.
        axes: 2 or 3; None = any.
    """

    channels: int
    size: tuple[int, ...] | None
    mean: Sequence[float]
    std: Sequence[float]
    axes: int | None = 2


class Adapted(nn.Module):
    """A network that has images of −1..1 as it was trained with.

    Gray images are repeated for a network of colors, and colors averaged for a gray one; edges are resized
    bilinearly (smoothed where they shrink, in 2D).

    Args:
        network: sees what `seen` says.
        seen: channels, size, mean and standard deviation.
    """

    mean: Tensor
    std: Tensor

    def __init__(self, network: nn.Module, seen: Seen) -> None:
        super().__init__()
        self.network, self.channels, self.size = network, seen.channels, seen.size
        self.register_buffer("mean", torch.tensor(seen.mean, dtype=torch.float32), persistent=False)
        self.register_buffer("std", torch.tensor(seen.std, dtype=torch.float32), persistent=False)

    def forward(self, images: Tensor) -> Tensor:
        """[n, channels, ...] of −1..1 → the network's output."""
        axes = images.ndim - 2
        images = images.add(1).div(2)
        if images.shape[1] != 1 == self.channels:
            images = images.mean(1, keepdim=True)
        if self.size is not None and self.size != tuple(images.shape[2:]):
            mode = "bilinear" if axes == 2 else "trilinear"
            images = F.interpolate(images, self.size, mode=mode, antialias=axes == 2)
        if images.shape[1] != self.channels:
            images = images.expand(-1, self.channels, *images.shape[2:])
        shape = (-1, *(1,) * axes)
        return self.network((images - self.mean.view(shape)) / self.std.view(shape))


def check(name: str, seen: Seen, channels: int, image_size: Sequence[int]) -> None:
    """Refuse images that a network cannot be given.

    Raises:
        InputError: volumes for one of images, or channels that are neither gray nor the network's.
    """
    if seen.axes not in (None, len(image_size)):
        raise InputError(
            f"encoder={name} takes {seen.axes}D images, the data set has {len(image_size)}D ones"
        )
    if channels != seen.channels and 1 not in (channels, seen.channels):
        raise InputError(
            f"encoder={name} takes images of {seen.channels} channels or gray ones, not of {channels}"
        )
