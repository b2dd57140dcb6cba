"""A small 2D segmentation data set and network."""

from collections.abc import Sequence
from pathlib import Path

import torch
from torch import nn

from al_runner.data.dataset import Dataset, Split
from al_runner.data.tasks import Segmentation


def disks(sizes: Sequence[int] = (40, 10, 10), edge: int = 16, data_dir: Path | None = None) -> Dataset:
    """Bright disks on noise, with their masks."""
    generator = torch.Generator().manual_seed(0)
    grid = torch.arange(edge)
    splits = {}
    for name, n in zip(("train", "val", "test"), sizes, strict=True):
        centers = torch.randint(4, edge - 4, (2, n, 1, 1), generator=generator)
        radius = torch.randint(2, 5, (n, 1, 1), generator=generator)
        distance = (grid[:, None] - centers[0]) ** 2 + (grid[None, :] - centers[1]) ** 2
        masks = (distance <= radius**2).to(torch.uint8)
        noise = torch.randint(0, 100, (n, edge, edge), generator=generator)
        splits[name] = Split((noise + 120 * masks).to(torch.uint8).unsqueeze(1), masks)
    return Dataset("disks", splits, Segmentation(2), fingerprint="disks")


def tiny_unet(in_channels: int, n_outputs: int, image_size: tuple[int, ...]) -> nn.Module:
    """Three convolutions: enough to find bright disks."""
    return nn.Sequential(
        nn.Conv2d(in_channels, 8, 3, padding=1),
        nn.ReLU(),
        nn.BatchNorm2d(8),
        nn.Conv2d(8, 8, 3, padding=1),
        nn.ReLU(),
        nn.Conv2d(8, n_outputs, 1),
    )
