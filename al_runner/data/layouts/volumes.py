"""Volumes with masks on one common grid: what `decathlon`, `nifti_folder` and others share."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from al_runner.data.cache import OnError
from al_runner.data.dataset import Dataset
from al_runner.data.formats import volume
from al_runner.data.layouts.channels import Channels
from al_runner.data.layouts.grid import Fit, Grid, Levels, resampled_shape
from al_runner.data.layouts.gridded import volumes
from al_runner.data.layouts.outlined import Case, Labels, Masks, by_value, decoded, with_splits
from al_runner.data.tasks import Segmentation
from al_runner.errors import InputError

ReadMask = Callable[[Path, Path, Sequence[int]], Labels]
SUFFIX = ".nii.gz"
"""Of masks that people save."""


@dataclass(frozen=True)
class Preparation:
    """How volumes come to one grid and to 8 bits.

    Args:
        shape: voxels of the grid; None = the smallest that holds every volume.
        fit: as in `Grid`.
        spacing: mm to resample to; None = as they are.
        window: as in `Levels`.
        percentiles: as in `Levels`.

    Raises:
        InputError: a value out of its range.
    """

    shape: Sequence[int] | None
    fit: Fit
    spacing: Sequence[float] | None
    window: Sequence[float] | None
    percentiles: Sequence[float]

    def __post_init__(self) -> None:
        if self.shape is None and self.fit == "resize":
            raise InputError("dataset.fit=resize needs dataset.shape, such as [32, 48, 32]")

    @property
    def steps(self) -> tuple[float, ...] | None:
        """`spacing` as a grid takes it."""
        return None if self.spacing is None else tuple(self.spacing)

    def grid(self, cases: Sequence[Case], on_error: OnError) -> Grid:
        """The grid of these cases; those that cannot be read are left out if they may be."""
        if self.shape is not None:
            return Grid(tuple(self.shape), self.fit, self.steps)
        shapes = []
        for case in cases:
            try:
                header = volume.Volume.open(case.image)
            except InputError:
                if on_error != "skip":
                    raise
            else:
                shapes.append(resampled_shape(header.shape, header.spacing, self.steps))
        if not shapes:
            raise InputError(f"none of {len(cases):,} volumes can be read")
        return Grid(volume.largest(shapes), self.fit, self.steps)

    def levels(self) -> Levels:
        """The intensities."""
        window = None if self.window is None else _pair(self.window)
        return Levels(window, _pair(self.percentiles))


def load_volumes(
    name: str,
    root: Path,
    cases: Sequence[Case],
    channels: int,
    labels: Mapping[int, str] | Sequence[str],
    preparation: Preparation,
    hausdorff: bool,
    split: Sequence[float],
    split_seed: int,
    cache_dir: str | Path,
    on_error: OnError,
    found_by: Sequence[Any] = (),
    test_size: int | None = None,
    unlabeled: bool = False,
    parts: Channels | None = None,
    read_mask: ReadMask | None = None,
    mask_sources: Callable[[Path], Sequence[Path]] = volume.files_of,
) -> Dataset:
    """Volumes in canonical orientation, from foot to head, back to front, left to right.

    Args:
        name: for people and folders.
        root: folder of the files.
        cases: with or without splits.
        channels: of an image.
        labels: value in the masks → name; the background's is the first and the smallest.
        preparation: the grid and the intensities.
        hausdorff: also measure the Hausdorff distance: in mm if resampled by `spacing` and not by `fit`, else
            in voxels.
        split: shares of train, val and test.
        split_seed: of who goes where.
        cache_dir: folder of decoded data.
        on_error: `skip` leaves out cases that cannot be read.
        found_by: the options that chose the cases, as values that JSON has.
        test_size: images of a random sample that is the test split, all others are the pool; None = `split`
            says it.
        unlabeled: people may be asked for masks that are missing.
        parts: the files of an image whose channels are in one each; None = it is one file.
        read_mask: an image's file, a mask's place, and the values of labels → positions among these, and the
            spacing; None = it is one file.
        mask_sources: the files at a mask's place.

    Raises:
        InputError: a value out of its range, or files that cannot be read.
    """
    labels = by_value(labels)
    values = list(labels)
    steps = preparation.steps if preparation.fit == "pad" else None
    task = Segmentation(len(values), tuple(labels.values()), hausdorff, steps)
    levels = preparation.levels()

    def read(case: Case, path: Path) -> Labels:
        return (read_mask or volume.read_mask)(case.image, path, values)

    def write(image: Path, labels: NDArray[np.uint8], path: Path) -> None:
        volume.write_mask(image, np.array(values)[labels], path)

    cases, how = with_splits(cases, split, test_size, split_seed)
    return decoded(
        name=name,
        root=root,
        cases=cases,
        channels=channels,
        reading=volumes(channels, levels, preparation.grid(cases, on_error), parts),
        options={
            "levels": [levels.window, levels.percentiles],
            "labels": values,
            "dealt": [*found_by, *how],
        },
        masks=Masks(read, SUFFIX, labels, write, mask_sources),
        task=task,
        cache_dir=cache_dir,
        on_error=on_error,
        unlabeled=unlabeled,
    )


def _pair(values: Sequence[float]) -> tuple[float, float]:
    return float(values[0]), float(values[1])
