"""Pictures with masks on one common grid: what `mask_folder` and `nnunet` share."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from al_runner.data.cache import OnError
from al_runner.data.dataset import Dataset
from al_runner.data.formats import masks as mask_files
from al_runner.data.formats import pictures
from al_runner.data.formats.volume import largest
from al_runner.data.layouts import gridded
from al_runner.data.layouts.channels import Channels
from al_runner.data.layouts.grid import Fit, Grid
from al_runner.data.layouts.outlined import Case, Labels, Masks, by_value, decoded, with_splits
from al_runner.data.tasks import Segmentation
from al_runner.errors import InputError

SUFFIX = ".png"
"""Of masks that people save."""


def load_pictures(
    name: str,
    root: Path,
    cases: Sequence[Case],
    channels: int | Channels,
    labels: Mapping[int, str] | Sequence[str],
    white: int | None,
    shape: Sequence[int] | None,
    fit: Fit,
    hausdorff: bool,
    split: Sequence[float],
    split_seed: int,
    found_by: Sequence[Any],
    cache_dir: str | Path,
    on_error: OnError,
    test_size: int | None = None,
    unlabeled: bool = False,
) -> Dataset:
    """Image files and masks.

    Args:
        name: for people and folders.
        root: folder of the files.
        cases: with or without splits.
        channels: of an image: 1 for gray, 3 for RGB; or a file of gray for each.
        labels: value in the masks → name; the background's is the first and the smallest.
        white: the value of white in images of 16 bits, such as 4095; None = 65535.
        shape: height and width; None = the smallest that holds every image.
        fit: to the shape, as in `Grid`.
        hausdorff: also measure the Hausdorff distance, in pixels.
        split: shares of train, val and test.
        split_seed: of who goes where.
        found_by: the options that chose the cases, as values that JSON has.
        cache_dir: folder of decoded data.
        on_error: `skip` leaves out cases that cannot be read.
        test_size: images of a random sample that is the test split, all others are the pool; None = `split`
            says it.
        unlabeled: people may be asked for masks that are missing.

    Raises:
        InputError: a value out of its range, or files that cannot be read.
    """
    cases, how = with_splits(cases, split, test_size, split_seed)
    named = by_value(labels)
    count = channels if isinstance(channels, int) else len(channels.names)
    if shape is None:
        shape, fit = largest([pictures.shape(case.image) for case in cases]), "pad"
    return decoded(
        name=name,
        root=root,
        cases=cases,
        channels=count,
        reading=_reading(channels, white or pictures.WHITE, Grid(tuple(shape), fit)),
        options={"dealt": [*found_by, *how], "labels": list(named), "white": white},
        masks=_masks(named),
        task=Segmentation(len(named), tuple(named.values()), hausdorff),
        cache_dir=cache_dir,
        on_error=on_error,
        unlabeled=unlabeled,
    )


def _reading(channels: int | Channels, white: int, grid: Grid) -> gridded.Gridded:
    if isinstance(channels, int):
        return gridded.images(channels, white, grid)
    if not channels.apart:
        return gridded.images(len(channels.names), white, grid)
    return gridded.images(1, white, grid, channels)


def _masks(names: Mapping[int, str]) -> Masks:
    """How masks are read and written."""
    values = list(names)

    def read(case: Case, path: Path) -> Labels:
        content, size = mask_files.read(path), pictures.shape(case.image)
        if content.shape != size:
            raise InputError(
                f"{case.image.name} is {size[0]}×{size[1]}, its mask {content.shape[0]}×{content.shape[1]}"
            )
        return mask_files.positions(content, values, path), (1, 1)

    def write(_image: Path, labels: NDArray[np.uint8], path: Path) -> None:
        mask_files.write(path, np.array(values)[labels])

    return Masks(read, SUFFIX, names, write)
