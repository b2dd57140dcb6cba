"""The embedded segmentation data set: synthetic CT-like scans of mice."""

from collections.abc import Sequence
from typing import Annotated

import numpy as np
import torch
from annotated_types import Ge, Len

from al_runner.data.dataset import Dataset, Split
from al_runner.data.layouts.regions import Fields, Regions, bits_of_positions
from al_runner.data.sets.mouse_scans import LABELS, mouse_scan
from al_runner.data.sets.phantom import fingerprint
from al_runner.data.tasks import Overlapping, Segmentation
from al_runner.values import Count, Named, NotNegative, Seed

SMALLEST = 16
"""Voxels of an edge in which the organs are still there."""
Edge = Annotated[int, Ge(SMALLEST)]


def load(
    name: Named = "phantom_ct",
    seed: Seed = 0,
    n_train: Count = 72,
    n_val: Count = 12,
    n_test: Count = 24,
    shape: Annotated[Sequence[Edge], Len(3, 3)] = (40, 24, 24),
    noise: NotNegative = 12.0,
    hausdorff: bool = False,
    regions: Regions | None = None,
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
        regions: labels that may overlap, each made of some of the positions in `mouse_scans.LABELS`, such as
            {tumors: [4, 5], abdomen: [2, 3, 4, 5]}; None = the organs, which exclude each other.

    Raises:
        InputError: a region has other positions.
    """
    depth, height, width = shape
    splits = {}
    for k, (split, count) in enumerate({"train": n_train, "val": n_val, "test": n_test}.items()):
        scans = [
            mouse_scan((depth, height, width), noise, np.random.default_rng([seed, k, i]))
            for i in range(count)
        ]
        images = torch.from_numpy(np.stack([scan.image for scan in scans])).unsqueeze(1)
        masks: Fields = np.stack([scan.mask for scan in scans])
        if regions:
            masks = bits_of_positions(regions, range(len(LABELS)))[masks]
        splits[split] = Split(images, torch.from_numpy(masks))
    names = tuple(regions or LABELS)
    return Dataset(
        name=name,
        splits=splits,
        task=Overlapping(names, hausdorff) if regions else Segmentation(len(LABELS), LABELS, hausdorff),
        fingerprint=fingerprint(splits),
        class_names=names,
    )
