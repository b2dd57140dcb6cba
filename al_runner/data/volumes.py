"""NIfTI volumes with masks on one common grid: what `decathlon` and `nifti_folder` share."""

from collections.abc import Mapping, Sequence
from pathlib import Path

from al_runner.data import nifti
from al_runner.data.cache import Arrays
from al_runner.data.dataset import Dataset
from al_runner.data.grid import Fit, Grid, Levels, check_spacing, resampled_shape
from al_runner.data.outlined import Case, decoded
from al_runner.errors import InputError
from al_runner.tasks import Segmentation

AXES = 3


def load_volumes(
    name: str,
    root: Path,
    cases: Sequence[Case],
    channels: int,
    labels: Mapping[int, str],
    shape: Sequence[int] | None,
    fit: Fit,
    spacing: Sequence[float] | None,
    window: Sequence[float] | None,
    percentiles: Sequence[float],
    hausdorff: bool,
    cache_dir: str | Path,
) -> Dataset:
    """Volumes in canonical orientation, from foot to head, back to front, left to right.

    Args:
        name: for people and folders.
        root: folder of the files.
        cases: each with its split.
        channels: of an image.
        labels: value in the masks → name, the background's first.
        shape: voxels of the grid; None = the smallest that holds every volume.
        fit: as in `Grid`.
        spacing: mm to resample to; None = as they are.
        window: as in `Levels`.
        percentiles: as in `Levels`.
        hausdorff: also measure the Hausdorff distance: in mm if resampled by `spacing` and not by `fit`, else
            in voxels.
        cache_dir: folder of decoded data.

    Raises:
        InputError: a value out of its range, or files that cannot be read.
    """
    check_spacing(spacing, AXES)
    if shape is None and fit == "resize":
        raise InputError("dataset.fit=resize needs dataset.shape, such as [32, 48, 32]")
    if shape is not None and len(shape) != AXES:
        raise InputError(f"dataset.shape={list(shape)}: depth, height and width, or null")
    steps = None if spacing is None else tuple(spacing)
    grid = Grid(tuple(shape) if shape is not None else _largest(cases, steps), fit, steps)
    levels = Levels(
        _pair("window", window) if window is not None else None, _pair("percentiles", percentiles)
    )
    values = sorted(labels)

    def decode(case: Case) -> Arrays:
        pixels, mask, found = nifti.read_pair(case.image, case.mask, channels, values)
        image = grid.image(levels.scaled(pixels), found)
        return {"image": image.round().astype("uint8"), "mask": grid.mask(mask, found)}

    options = {
        "grid": [grid.shape, grid.fit, grid.spacing],
        "levels": [levels.window, levels.percentiles],
        "labels": values,
    }
    names = tuple(labels[value] for value in values)
    task = Segmentation(len(values), names, hausdorff, steps if fit == "pad" else None)
    return decoded(name, root, cases, channels, grid.shape, options, decode, task, cache_dir)


def _largest(cases: Sequence[Case], spacing: Sequence[float] | None) -> tuple[int, ...]:
    headers = [nifti.Volume.open(case.image) for case in cases]
    return nifti.largest([resampled_shape(header.shape, header.spacing, spacing) for header in headers])


def _pair(key: str, values: Sequence[float]) -> tuple[float, float]:
    if len(values) != 2:
        raise InputError(f"dataset.{key}={list(values)}: two rising numbers")
    return float(values[0]), float(values[1])
