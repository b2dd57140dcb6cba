"""Views of an image: what a self-supervised encoder is to see as the same."""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import combinations
from typing import Annotated

import torch
import torch.nn.functional as F
from annotated_types import Interval, Len
from torch import Tensor

from al_runner.errors import InputError
from al_runner.values import AtLeastOne, NotNegative, Share

SMALLEST = 0.01
"""Share of an image that a view shows, at least."""
ShownShare = Annotated[float, Interval(ge=SMALLEST, le=1)]
STEP_VARIANCE = 0.5
"""Of one smoothing by three neighbors, in square pixels, at most: beyond, it would not be a smoothing."""


@dataclass(frozen=True, kw_only=True)
class Views:
    """Random crops, mirror images, rotations, changes of brightness and contrast, and blur, in 2D and 3D.

    These are the changes of SimCLR (Chen, Kornblith, Norouzi and Hinton, 2020, appendix A), with rotations,
    as scans have them, and without hue and saturation, which gray images do not have. A crop, its mirror
    image and its rotation are one interpolation. All draws come from a CPU generator, so they do not depend
    on the device.

    Args:
        crop: share of the image's area or volume that a view shows, drawn between two.
        aspect: of each of a crop's edges to their geometric mean, at most.
        flip: probability of a mirror image, left for right.
        rotation: degrees, between minus and plus; of volumes about each axis.
        brightness: is added, between minus and plus, to values of 0..1.
        contrast: is multiplied by, between 1 minus and 1 plus it.
        color: brightness of each channel by itself, between minus and plus, where there are several.
        blur: standard deviation of a Gaussian in pixels, drawn between 0 and it.

    Raises:
        InputError: the larger share comes first.
    """

    crop: Annotated[Sequence[ShownShare], Len(2, 2)] = (0.3, 1.0)
    aspect: AtLeastOne = 1.33
    flip: Share = 0.5
    rotation: NotNegative = 15.0
    brightness: NotNegative = 0.4
    contrast: NotNegative = 0.4
    color: NotNegative = 0.2
    blur: NotNegative = 1.0

    def __post_init__(self) -> None:
        if self.crop[0] > self.crop[1]:
            raise InputError(
                f"encoder.views.crop={list(self.crop)} must be two shares, the smaller one first"
            )

    def __call__(self, images: Tensor, draws: torch.Generator, size: Sequence[int] | None = None) -> Tensor:
        """A view of each image.

        Args:
            images: float32 [n, channels, (depth,) height, width] of 0..1.
            draws: a CPU generator, which goes on.
            size: edges of the views; None = the images'.

        Returns:
            The same, of 0..1; what comes in from outside is 0.
        """
        edges = images.shape[2:]
        matrices = self._placed(len(images), edges, draws).to(images.device)
        grid = F.affine_grid(matrices, [*images.shape[:2], *(size or edges)], align_corners=False)
        views = F.grid_sample(images, grid, align_corners=False)
        return self._blurred(self._lit(views, draws), draws)

    def _placed(self, n: int, edges: Sequence[int], draws: torch.Generator) -> Tensor:
        """Where views lie in their images: [n, axes, axes + 1] in coordinates of −1..1, width first."""
        axes = len(edges)
        shares = self.crop[0] + (self.crop[1] - self.crop[0]) * torch.rand(n, 1, generator=draws)
        aspects = math.log(self.aspect) * _between(draws, n, axes)
        scale = (shares.pow(1 / axes) * (aspects - aspects.mean(1, keepdim=True)).exp()).clamp(max=1)
        center = (1 - scale) * _between(draws, n, axes)
        mirrored = torch.ones(n, axes)
        mirrored[:, 0] -= 2 * (torch.rand(n, generator=draws) < self.flip)
        turned = self._turned(n, axes, draws)
        pixels = torch.tensor(edges[::-1], dtype=torch.float32)
        linear = turned * (scale * mirrored * pixels).unsqueeze(1) / pixels.unsqueeze(1)
        return torch.cat([linear, center.unsqueeze(2)], 2)

    def _turned(self, n: int, axes: int, draws: torch.Generator) -> Tensor:
        """Rotations [n, axes, axes], in each plane of two axes."""
        turned = torch.eye(axes).repeat(n, 1, 1)
        for first, second in combinations(range(axes), 2):
            angles = math.radians(self.rotation) * _between(draws, n)
            plane = torch.eye(axes).repeat(n, 1, 1)
            plane[:, first, first] = plane[:, second, second] = angles.cos()
            plane[:, first, second], plane[:, second, first] = -angles.sin(), angles.sin()
            turned = turned @ plane
        return turned

    def _lit(self, views: Tensor, draws: torch.Generator) -> Tensor:
        n, channels = views.shape[:2]
        added = self.brightness * _between(draws, n, 1)
        colors = self.color * _between(draws, n, channels)
        if channels > 1:
            added = added + colors
        factors = 1 + self.contrast * _between(draws, n, 1)
        shape = (n, -1, *(1,) * (views.ndim - 2))
        added, factors = (each.view(shape).to(views.device) for each in (added, factors))
        return views.add_(added).mul_(factors).clamp_(0, 1)

    def _blurred(self, views: Tensor, draws: torch.Generator) -> Tensor:
        """Smoothed by three neighbors along each axis, as often as the widest blur needs: nearly Gaussian."""
        widths = self.blur * torch.rand(len(views), generator=draws)
        times = math.ceil(self.blur**2 / STEP_VARIANCE)
        for _ in range(times):
            shares = (widths**2 / (2 * times)).view(-1, *(1,) * (views.ndim - 1)).to(views.device)
            for axis in range(2, views.ndim):
                views = _smoothed(views, shares, axis)
        return views


def _between(draws: torch.Generator, *shape: int) -> Tensor:
    """Even draws between −1 and 1."""
    return torch.rand(*shape, generator=draws) * 2 - 1


def _smoothed(views: Tensor, shares: Tensor, axis: int) -> Tensor:
    """Each value mixed with a share of each of its two neighbors along an axis; an edge has itself as one."""
    edge = views.shape[axis]
    first, last = views.narrow(axis, 0, 1), views.narrow(axis, edge - 1, 1)
    before = torch.cat([first, views.narrow(axis, 0, edge - 1)], axis)
    after = torch.cat([views.narrow(axis, 1, edge - 1), last], axis)
    return before.add_(after).sub_(views, alpha=2).mul_(shares).add_(views)


def joined(views: Sequence[Tensor]) -> Tensor:
    """Views as one batch for a network: of −1..1, channels last in 2D."""
    batch = torch.cat(list(views)).mul_(2).sub_(1)
    return batch.contiguous(memory_format=torch.channels_last) if batch.ndim == 4 else batch
