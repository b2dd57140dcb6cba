"""Volumes with masks on one common grid: what `decathlon`, `nifti_folder` and others share."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from al_runner.data.cache import OnError
from al_runner.data.dataset import Dataset
from al_runner.data.formats import volume
from al_runner.data.layouts.channels import Channels
from al_runner.data.layouts.grid import Fit, Grid, Levels, resampled_shape
from al_runner.data.layouts.gridded import volumes
from al_runner.data.layouts.meaning import Meaning
from al_runner.data.layouts.outlined import Case, decoded, with_splits
from al_runner.data.masks import Labels, Pixels, of_one
from al_runner.errors import InputError
from al_runner.values import Size

ReadMask = Callable[[Path, Path], Labels]
PRESENT = 1
"""In the file of one label."""
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
    meaning: Meaning,
    preparation: Preparation,
    hausdorff: bool,
    split: Sequence[float],
    split_seed: int,
    cache_dir: str | Path,
    on_error: OnError,
    found_by: Sequence[Any] = (),
    test_size: Size | None = None,
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
        meaning: of the masks.
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
        read_mask: an image's file and a mask's place → its labels; None = it is one file.
        mask_sources: the files at a mask's place.

    Raises:
        InputError: a value out of its range, or files that cannot be read.
    """
    steps = preparation.steps if preparation.fit == "pad" else None
    levels, written = preparation.levels(), meaning.written(PRESENT)

    def size(image: Path) -> tuple[Sequence[int], Sequence[float]]:
        header = volume.Volume.open(image)
        return header.shape, header.spacing

    def write(image: Path, labels: Pixels, path: Path) -> None:
        volume.write_mask(image, written[labels], path)

    cases, how = with_splits(cases, split, test_size, split_seed)
    grid = preparation.grid(cases, on_error)
    masks = meaning.masks(SUFFIX, volume.read_values, size, write, grid, mask_sources)
    return decoded(
        name=name,
        root=root,
        cases=cases,
        channels=channels,
        reading=volumes(channels, levels, grid, parts),
        options={
            "levels": [levels.window, levels.percentiles],
            **meaning.options,
            "dealt": [*found_by, *how],
        },
        masks=replace(masks, labels=of_one(read_mask)) if read_mask else masks,
        task=meaning.task(hausdorff, steps),
        cache_dir=cache_dir,
        on_error=on_error,
        unlabeled=unlabeled,
    )


def _pair(values: Sequence[float]) -> tuple[float, float]:
    return float(values[0]), float(values[1])
