"""Networks that see patches of an image: trained on random ones, and slid over whole images."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import cast

import torch
from torch import Tensor, nn

from al_runner.data.dataset import Dataset, shape_of
from al_runner.errors import InputError
from al_runner.models import NetworkBuilder

Cut = Callable[[Tensor, Tensor], tuple[Tensor, Tensor]]
"""(images [n, channels, ...], masks [n, ...]) → a patch of each."""
AT_ONCE = 4
"""Patches that are predicted at once."""


@dataclass(frozen=True)
class Patches:
    """What of an image a network sees at once.

    Args:
        size: pixels or voxels along each axis.
        foreground: the share of training patches around a foreground pixel, drawn evenly from the mask's; the
            others lie anywhere. An image without foreground gives a patch from anywhere.
        overlap: of neighboring patches in a prediction, a share of their size. Where patches overlap, logits
            are averaged, weighed by a Gaussian about each patch's center, as nnU-Net does (Isensee, Jaeger,
            Kohl, Petersen and Maier-Hein, 2021).
    """

    size: Sequence[int]
    foreground: float
    overlap: float

    def check(self, dataset: Dataset) -> None:
        """Refuse images that have no such patches.

        Raises:
            InputError: they are smaller, have another number of axes, or are not outlined.
        """
        edges, size = dataset.image_size, list(self.size)
        if not dataset.task.dense:
            raise InputError("patches.size is for segmentation: a class is that of the whole image")
        if len(edges) != len(size) or any(edge < part for edge, part in zip(edges, size, strict=True)):
            raise InputError(
                f"patches.size={size} does not fit into images of {shape_of(dataset.train.images)} (channels "
                f"first); it needs {len(edges)} edges of at most {list(edges)}"
            )

    def build(self, build: NetworkBuilder) -> NetworkBuilder:
        """A builder of networks of a patch's size that are slid over whole images."""

        def sliding(in_channels: int, n_outputs: int, image_size: tuple[int, ...]) -> nn.Module:  # noqa: ARG001
            return Sliding(build(in_channels, n_outputs, tuple(self.size)), self.size, self.overlap)

        return sliding

    def cut(self, generator: torch.Generator) -> Cut:
        """Cuts a random patch of each image, drawn from a CPU generator."""

        def cut(images: Tensor, masks: Tensor) -> tuple[Tensor, Tensor]:
            parts = [self._corner(mask, generator) for mask in masks]
            slices = [
                tuple(slice(at, at + edge) for at, edge in zip(corner, self.size, strict=True))
                for corner in parts
            ]
            return (
                torch.stack([image[:, *part] for image, part in zip(images, slices, strict=True)]),
                torch.stack([mask[part] for mask, part in zip(masks, slices, strict=True)]),
            )

        return cut

    def _corner(self, mask: Tensor, generator: torch.Generator) -> list[int]:
        """The first pixel of a patch: always as many draws, whatever the mask."""
        around, which, *shares = torch.rand(2 + mask.ndim, generator=generator, dtype=torch.float64).tolist()
        free = [edge - part for edge, part in zip(mask.shape, self.size, strict=True)]
        foreground = mask.flatten().nonzero().squeeze(1) if around < self.foreground else mask[:0]
        if not len(foreground):
            return [int(share * (room + 1)) for share, room in zip(shares, free, strict=True)]
        place = int(foreground[int(which * len(foreground))])
        center = [int(at) for at in torch.unravel_index(torch.tensor(place), mask.shape)]
        return [
            min(max(at - part // 2, 0), room) for at, part, room in zip(center, self.size, free, strict=True)
        ]


class Sliding(nn.Module):
    """A network that is trained on patches, and in evaluation mode slid over whole images by MONAI.

    Args:
        network: makes [n, ..., *size] of patches [n, channels, *size].
        size: of a patch.
        overlap: of neighboring ones.
    """

    def __init__(self, network: nn.Module, size: Sequence[int], overlap: float) -> None:
        from monai.inferers.inferer import SlidingWindowInferer  # slow to import, and seldom needed

        super().__init__()
        self.network = network
        self.slide = SlidingWindowInferer(size, AT_ONCE, overlap, mode="gaussian", cache_roi_weight_map=True)

    def forward(self, images: Tensor) -> Tensor:
        """Of patches in training, of whole images in evaluation mode."""
        if self.training:
            return self.network(images)
        axes = images.ndim - 2
        between: list[torch.Size] = []

        def flat(patches: Tensor) -> Tensor:
            """Samples or members of an ensemble, and labels, as one axis."""
            outputs = self.network(patches)
            between.append(outputs.shape[1:-axes])
            return outputs.float().flatten(1, -axes - 1)

        stitched = cast(Tensor, self.slide(images, flat))  # a tuple only where the network gives one
        return stitched.unflatten(1, between[0])


def seen(network: nn.Module) -> nn.Module:
    """The network that sees a patch, where one is slid; else the network itself."""
    return network.network if isinstance(network, Sliding) else network
