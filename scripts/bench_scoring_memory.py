"""Measure whether the memory of scoring a pool of volumes grows with the pool.

    python scripts/bench_scoring_memory.py                  # 30 and 120 volumes
    python scripts/bench_scoring_memory.py --volumes 60

Synthetic volumes of 40×56×40 voxels in a memory map, as decoded ones are, eight of them labeled; an untrained
U-Net with MC dropout. Each strategy queries one volume in a process of its own, from a pool of N volumes and
from one of 4 N, so what is printed is the peak of the whole process, imports included. All the pool's
predictions would take a megabyte for each volume, and ten times that with samples.
"""

import argparse
import sys
import tempfile
from pathlib import Path

import numpy as np
import torch
from peak_memory import peak_memory
from torch import nn

from al_runner.acquisition.bayesian import bald
from al_runner.acquisition.uncertainty import entropy
from al_runner.data.dataset import Dataset, Split
from al_runner.data.tasks import Segmentation
from al_runner.learning.learner import NetworkLearner
from al_runner.learning.machine import Machine
from al_runner.learning.optimizer import Optimizer
from al_runner.learning.posterior import McDropout
from al_runner.loop.pool import Pool, Query
from al_runner.loop.protocols import Strategy
from al_runner.loop.seeding import Streams
from al_runner.models.unet import unet
from al_runner.strategies.mutual_information import NmiEntropy
from al_runner.strategies.sampled import Sampled
from al_runner.strategies.uncertainty import Uncertainty

SHAPE, LABELED, SAMPLES = (40, 56, 40), 8, 10
STRATEGIES: dict[str, Strategy] = {
    "entropy": Uncertainty(entropy),
    "bald": Sampled(bald),
    "nmi_entropy": NmiEntropy(),
}


def write(folder: Path, volumes: int) -> None:
    """Noise, and masks of two boxes, one volume at a time."""
    draws = np.random.default_rng(0)
    images = np.lib.format.open_memmap(folder / "images.npy", "w+", np.uint8, (volumes, 1, *SHAPE))
    masks = np.lib.format.open_memmap(folder / "masks.npy", "w+", np.uint8, (volumes, *SHAPE))
    for image, mask in zip(images, masks, strict=True):
        image[:] = draws.integers(0, 256, image.shape)
        z, y, x = draws.integers(5, 20, 3)
        mask[z : z + 12, y : y + 10, x : x + 10] = 1
        mask[z : z + 12, y + 10 : y + 20, x : x + 10] = 2


def build(in_channels: int, n_outputs: int, image_size: tuple[int, ...]) -> nn.Module:
    """A small U-Net."""
    return unet(in_channels, n_outputs, image_size, width=4, depth=2)


def score(folder: Path, name: str, volumes: int) -> None:
    """One query."""
    images, masks = (
        torch.from_numpy(np.load(folder / f"{part}.npy", mmap_mode="c")[:volumes])
        for part in ("images", "masks")
    )
    splits = {"train": Split(images, masks), **dict.fromkeys(("val", "test"), Split(images[:1], masks[:1]))}
    dataset = Dataset("noise", splits, Segmentation(3), "noise")
    recipe = Optimizer(torch.optim.AdamW, lr=1e-3, batch_size=2)
    machine = Machine.detect("cpu", threads=1)
    learner = NetworkLearner(dataset, build, recipe, machine, Streams(0), posterior=McDropout(SAMPLES))
    pool = Pool(volumes)
    pool.add(Query(torch.arange(LABELED)), masks[:LABELED], 0)
    STRATEGIES[name](learner, pool, 1, torch.Generator().manual_seed(0))


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--volumes", type=int, default=30, help="N")
    parser.add_argument("--score", nargs=3, help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.score:
        folder, name, volumes = options.score
        score(Path(folder), name, int(volumes))
        return
    with tempfile.TemporaryDirectory() as folder:
        write(Path(folder), 4 * options.volumes)
        for name in STRATEGIES:
            peaks = [
                peak_memory([sys.executable, __file__, "--score", folder, name, str(volumes)])
                for volumes in (options.volumes, 4 * options.volumes)
            ]
            print(
                f"{name:<12} {options.volumes:>5} volumes {peaks[0]:7.0f} MB   "
                f"{4 * options.volumes:>5} volumes {peaks[1]:7.0f} MB   ratio {peaks[1] / peaks[0]:.2f}",
                flush=True,
            )


if __name__ == "__main__":
    main()
