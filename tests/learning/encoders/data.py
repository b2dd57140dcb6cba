"""Small data sets of two obvious kinds of image, and encoders that learn in a second."""

from functools import partial
from pathlib import Path
from typing import Any

import torch

from al_runner.data.dataset import Dataset, Split
from al_runner.data.tasks import MultiClass
from al_runner.learning.encoders.simclr import SimCLR
from al_runner.learning.machine import Machine
from al_runner.models.convnet import convnet

MACHINE = Machine(torch.device("cpu"), "32")
COUNTS = {"train": 40, "val": 10, "test": 12}


def two_kinds(
    size: tuple[int, ...] = (12, 12), channels: int = 1, counts: dict[str, int] = COUNTS
) -> Dataset:
    """Noise that is dark or bright in its middle."""
    draws = torch.Generator().manual_seed(0)
    splits = {}
    for name, n in counts.items():
        labels = torch.arange(n) % 2
        images = torch.randint(0, 60, (n, channels, *size), generator=draws)
        middle = (..., *(slice(edge // 3, edge - edge // 3) for edge in size))
        images[middle] += 180 * labels.view(n, 1, *(1,) * len(size))
        splits[name] = Split(images.to(torch.uint8), labels)
    return Dataset("kinds", splits, MultiClass(2), fingerprint="kinds")


def simclr(cache: Path, **changed: Any) -> SimCLR:
    """SimCLR for two epochs."""
    return SimCLR(**{**options(cache), **changed})


def options(cache: Path) -> dict[str, Any]:
    """What encoders that learn need, for two epochs."""
    return {
        "model": partial(convnet, width=4, levels=2),
        "cache_dir": str(cache),
        "epochs": 2,
        "least_steps": 0,
        "batch_size": 16,
    }
