"""A small 2D segmentation task, data set and network: what a task brings, the loop takes."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import torch
import torch.nn.functional as F
from torch import Tensor, nn
from torchmetrics import MetricCollection
from torchmetrics.segmentation import DiceScore

from al_runner.data.dataset import Dataset, Split
from al_runner.tasks.mixture import of_softmax


class Dice(DiceScore):
    """Dice of probabilities [n, sites, C] and masks [n, H, W]."""

    def update(self, probs: Tensor, targets: Tensor) -> None:
        guess = F.one_hot(probs.argmax(-1), 2).movedim(-1, 1)
        super().update(guess, F.one_hot(targets.flatten(1), 2).movedim(-1, 1))


@dataclass(frozen=True)
class Foreground:
    """One structure against the background. Targets are int64 masks [n, H, W] of 0/1."""

    n_classes: int = 2
    n_outputs: int = 2
    headline: str = "dice"

    def loss(self, logits: Tensor, targets: Tensor) -> Tensor:
        return F.cross_entropy(logits, targets)

    def probabilities(self, logits: Tensor) -> Tensor:
        return logits.float().softmax(1).flatten(2).movedim(1, -1)

    def mixture(self, logits: Tensor) -> Tensor:
        return of_softmax(logits)

    def metrics(self) -> MetricCollection:
        return MetricCollection({"dice": Dice(num_classes=2, include_background=False, average="micro")})

    def describe(self, label: Tensor) -> str:
        return "+".join(map(str, label.unique().tolist()))

    def count(self, targets: Tensor) -> Tensor:
        return torch.stack([(targets == label).flatten(1).any(1).sum() for label in range(2)])

    def check(self, targets: Tensor) -> str | None:
        return None


def disks(sizes: Sequence[int] = (40, 10, 10), edge: int = 16, data_dir: Path | None = None) -> Dataset:
    """Bright disks on noise, with their masks."""
    generator = torch.Generator().manual_seed(0)
    grid = torch.arange(edge)
    splits = {}
    for name, n in zip(("train", "val", "test"), sizes, strict=True):
        centers = torch.randint(4, edge - 4, (2, n, 1, 1), generator=generator)
        radius = torch.randint(2, 5, (n, 1, 1), generator=generator)
        distance = (grid[:, None] - centers[0]) ** 2 + (grid[None, :] - centers[1]) ** 2
        masks = (distance <= radius**2).long()
        noise = torch.randint(0, 100, (n, edge, edge), generator=generator)
        splits[name] = Split((noise + 120 * masks).to(torch.uint8).unsqueeze(1), masks)
    return Dataset("disks", splits, Foreground(), fingerprint="disks")


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
