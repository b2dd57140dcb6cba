"""Images with masks, from files to a data set."""

import sys
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from torch import Tensor

from al_runner.data.cache import Arrays, OnError, Source, cached
from al_runner.data.dataset import SPLITS, Dataset, Split, consecutive
from al_runner.data.layouts.gridded import Gridded
from al_runner.data.partition import partition
from al_runner.data.tasks import Segmentation

FORMAT = 1
"""Of what is made of an image and its mask: another one is decoded anew."""

Pair = tuple[NDArray[np.float32], NDArray[np.uint8], Sequence[float]]
"""Pixels 0..255 [channels, ...], labels [...], and the distance of neighboring pixels along each axis."""


@dataclass(frozen=True)
class Case:
    """An image and its mask.

    Attributes:
        name: for people, such as the file's name.
        image: its file.
        mask: the mask's.
        patient: whose it is.
        split: `train`, `val` or `test`; empty = not said yet.
    """

    name: str
    image: Path
    mask: Path
    patient: str
    split: str = ""


def dealt(cases: Sequence[Case], shares: Mapping[str, float], seed: int) -> list[Case]:
    """The cases with a split each, whole patients together, in the given shares."""
    splits = partition([""] * len(cases), [case.patient for case in cases], shares, seed)
    return [replace(case, split=split) for case, split in zip(cases, splits, strict=True)]


def decoded(
    name: str,
    root: Path,
    cases: Sequence[Case],
    channels: int,
    reading: Gridded,
    options: Mapping[str, Any],
    read: Callable[[Case], Pair],
    task: Segmentation,
    cache_dir: str | Path,
    on_error: OnError,
) -> Dataset:
    """The data set of all cases, decoded once.

    Args:
        name: for people and folders.
        root: folder of the files.
        cases: each with its split.
        channels: of an image.
        reading: of images, and the grid that they and their masks are brought to.
        options: what `read` and the splits depend on, as values that JSON has. Each split has a cache of its
            own, since its images must lie side by side to be a part of a memory map.
        read: a case's files.
        task: what the masks mean.
        cache_dir: folder of decoded data.
        on_error: `skip` leaves out cases that cannot be read.

    Raises:
        InputError: files that cannot be read, or a split without any.
    """
    grid = reading.grid
    ordered = sorted(cases, key=lambda case: SPLITS.index(case.split))  # so that a split is a slice

    def decode(item: int) -> Arrays:
        pixels, labels, spacing = read(ordered[item])
        return {
            "image": reading.on_grid(pixels, spacing),
            "mask": grid.mask(labels, spacing),
            "cropped": np.array([grid.crops(labels, spacing)], np.uint8),
        }

    source = Source(
        root=root,
        files=[path for case in ordered for path in (case.image, case.mask)],
        items=[case.name for case in ordered],
        options={"format": FORMAT, "grid": [grid.shape, grid.fit, grid.spacing], **options},
        shapes={"image": (channels, *grid.shape), "mask": grid.shape, "cropped": (1,)},
        decode=decode,
        remarks=("cropped",),
    )
    found = cached(cache_dir, name, source, on_error)
    images, masks = found.arrays["image"], found.arrays["mask"]
    splits = in_splits(images, masks, [ordered[item] for item in found.kept])
    dataset = Dataset(name, splits, task, found.fingerprint, task.names, reading=reading)
    _mention_empty(dataset)
    if cropped := int(found.arrays["cropped"].sum()):
        print(
            f"al-run: {cropped:,} of {len(found.kept):,} masks reach beyond dataset.shape={list(grid.shape)} "
            "and lose foreground",
            file=sys.stderr,
        )
    return dataset


def in_splits(images: Tensor, targets: Tensor, cases: Sequence[Case]) -> dict[str, Split]:
    """What was made of the cases, which come in the order of their splits, with their names."""
    parts = consecutive(images, targets, [case.split for case in cases])
    return {
        split: replace(part, names=tuple(case.name for case in cases if case.split == split))
        for split, part in parts.items()
    }


def _mention_empty(dataset: Dataset) -> None:
    """Masks without any foreground are fine, but should not come as a surprise."""
    for name, split in dataset.splits.items():
        empty = int((split.targets.flatten(1).amax(1) == 0).sum())
        if empty:
            print(f"al-run: {empty:,} of {len(split):,} {name} masks are empty", file=sys.stderr)
