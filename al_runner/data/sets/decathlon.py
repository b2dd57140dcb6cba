"""Tasks of the Medical Segmentation Decathlon (Antonelli et al., Nature Communications 13, 2022)."""

import os
from collections.abc import Sequence
from pathlib import Path
from typing import Annotated, Any

from annotated_types import Len

from al_runner.data.cache import OnError
from al_runner.data.dataset import Dataset
from al_runner.data.layouts.described import Described
from al_runner.data.layouts.grid import Fit, Percentile
from al_runner.data.layouts.meaning import meaning_of
from al_runner.data.layouts.outlined import Case
from al_runner.data.layouts.regions import Regions
from al_runner.data.layouts.volumes import Preparation, load_volumes
from al_runner.data.partition import Shares
from al_runner.errors import InputError
from al_runner.values import Count, Named, Positive, Seed

ENTRIES = ("modality", "labels", "training")


def load(
    root: Named | Path,
    cache_dir: Named | Path,
    folder: Named = "",
    name: Named | None = None,
    shape: Annotated[Sequence[Count], Len(3, 3)] | None = None,
    fit: Fit = "pad",
    spacing: Annotated[Sequence[Positive], Len(3, 3)] | None = None,
    window: Annotated[Sequence[float], Len(2, 2)] | None = None,
    percentiles: Annotated[Sequence[Percentile], Len(2, 2)] = (0.5, 99.5),
    split: Shares = (0.7, 0.1, 0.2),
    split_seed: Seed = 0,
    hausdorff: bool = False,
    on_error: OnError = "fail",
    regions: Regions | None = None,
) -> Dataset:
    """A task's folder with its `dataset.json`. Only its `training` cases have masks, so they are split here.

    Args:
        root: the task's folder.
        cache_dir: folder of decoded data.
        folder: its name, which tells tasks apart.
        name: for people and folders; the folder's by default.
        shape, fit, spacing, window, percentiles: as in `Preparation`.
        split: shares of train, val and test.
        split_seed: of who goes where; not the run's seed.
        hausdorff: as in `load_volumes`.
        on_error: `skip` leaves out cases that cannot be read.
        regions: labels that may overlap, each made of some values; None = the task's own labels.

    Raises:
        InputError: the folder, its `dataset.json` or what that names is not as it should be.
    """
    place = Path(root).expanduser()
    described = Described.read(place, *ENTRIES)
    if not isinstance(described.content["training"], list):
        raise InputError(f"{described.path}: training must be a list of images with labels")
    cases = [_case(place, entry) for entry in described.content["training"]]
    return load_volumes(
        name=name or folder or place.name,
        root=place,
        cases=cases,
        channels=len(described.channels),
        meaning=meaning_of(described.labels, regions),
        preparation=Preparation(
            shape=shape, fit=fit, spacing=spacing, window=window, percentiles=percentiles
        ),
        hausdorff=hausdorff,
        split=split,
        split_seed=split_seed,
        cache_dir=cache_dir,
        on_error=on_error,
    )


def _case(place: Path, entry: Any) -> Case:
    try:
        image, mask = (place / os.path.normpath(entry[key]) for key in ("image", "label"))
    except (TypeError, KeyError) as error:
        raise InputError(f"{place}/dataset.json: {entry} in training has no image and label") from error
    for path in (image, mask):
        if not path.is_relative_to(place) or ".." in path.relative_to(place).parts:
            raise InputError(f"{place}/dataset.json: {path} is not below {place}")
    stem = image.name.removesuffix(".gz").removesuffix(".nii")
    return Case(stem, image, mask, patient=stem)
