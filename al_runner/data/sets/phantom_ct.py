"""The embedded segmentation data set: synthetic CT-like scans of mice."""

import math
from collections.abc import Sequence

import numpy as np
import torch

from al_runner.data.dataset import Dataset, Split
from al_runner.data.sets.mouse_scans import LABELS, mouse_scan
from al_runner.data.sets.phantom import fingerprint
from al_runner.data.tasks import Segmentation
from al_runner.errors import InputError

SMALLEST = 16
"""Voxels of an edge in which the organs are still there."""


def load(
    name: str = "phantom_ct",
    seed: int = 0,
    n_train: int = 72,
    n_val: int = 12,
    n_test: int = 24,
    shape: Sequence[int] = (40, 24, 24),
    noise: float = 12.0,
    hausdorff: bool = False,
) -> Dataset:
    """Scans of mice with skeleton, liver, kidneys and two tumors outlined, drawn from a seed; no files.

    Animals differ in size, posture, organs and tumors, one of the tumors is missing in a quarter of them,
    and scans differ in brightness and noise. A scan depends on the seed, its split and its number alone.
    None of it is real.

    Args:
        name: for people and folders.
        seed: of the data; the same seed gives the same data, whatever the run's seed.
        n_train: scans to train on.
        n_val: scans to validate on.
        n_test: scans to test on.
        shape: voxels: depth (head to tail), height (back to belly), width.
        noise: mean deviation of the noise, of 255.
        hausdorff: also measure the Hausdorff distance, in voxels.

    Raises:
        InputError: a size below 1, or a shape that is too small for the organs.
    """
    if min(n_train, n_val, n_test) < 1:
        raise InputError(f"dataset: n_train={n_train}, n_val={n_val}, n_test={n_test} must be at least 1")
    if len(shape) != 3 or min(shape) < SMALLEST:
        raise InputError(f"dataset.shape={list(shape)}: three edges of at least {SMALLEST} voxels")
    if not 0 <= noise < math.inf:
        raise InputError(f"dataset.noise={noise} must be 0 or above")
    depth, height, width = shape
    splits = {}
    for k, (split, count) in enumerate({"train": n_train, "val": n_val, "test": n_test}.items()):
        scans = [
            mouse_scan((depth, height, width), noise, np.random.default_rng([seed, k, i]))
            for i in range(count)
        ]
        images = torch.from_numpy(np.stack([scan.image for scan in scans])).unsqueeze(1)
        splits[split] = Split(images, torch.from_numpy(np.stack([scan.mask for scan in scans])))
    return Dataset(
        name=name,
        splits=splits,
        task=Segmentation(len(LABELS), LABELS, hausdorff),
        fingerprint=fingerprint(splits),
        class_names=LABELS,
    )
