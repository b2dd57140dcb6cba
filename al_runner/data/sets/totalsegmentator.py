"""Sets in the layout of TotalSegmentator (Wasserthal et al., Radiology: Artificial Intelligence 5, 2023)."""

import csv
from collections.abc import Mapping, Sequence
from difflib import get_close_matches
from pathlib import Path
from typing import Annotated, Literal

import numpy as np
from annotated_types import Len
from numpy.typing import NDArray

from al_runner.data.cache import OnError
from al_runner.data.dataset import Dataset
from al_runner.data.formats import volume
from al_runner.data.formats.masks import positions
from al_runner.data.layouts.grid import Fit, Percentile
from al_runner.data.layouts.meaning import meaning_of
from al_runner.data.layouts.outlined import Case
from al_runner.data.layouts.samples import SPLIT_WORDS
from al_runner.data.layouts.volumes import Preparation, load_volumes
from al_runner.data.masks import Labels
from al_runner.data.partition import Shares
from al_runner.errors import InputError
from al_runner.files import is_clutter
from al_runner.values import Count, Named, Positive, Seed

FOLDER, ENDING, TABLE = "segmentations", ".nii.gz", "meta.csv"
"""Below a case, its structures; of their files; beside the cases, which split each is in."""
BACKGROUND = "background"
MOST = 254
"""Structures that a mask of bytes can hold beside the background."""


def load(
    root: Named | Path,
    classes: Literal["all"] | Annotated[Sequence[Named], Len(1)],
    cache_dir: Named | Path,
    image: Named = "ct.nii.gz",
    name: Named | None = None,
    shape: Annotated[Sequence[Count], Len(3, 3)] | None = None,
    fit: Fit = "pad",
    spacing: Annotated[Sequence[Positive], Len(3, 3)] | None = None,
    window: Annotated[Sequence[float], Len(2, 2)] | None = None,
    percentiles: Annotated[Sequence[Percentile], Len(2, 2)] = (0.5, 99.5),
    official_split: bool = True,
    split: Shares = (0.7, 0.1, 0.2),
    split_seed: Seed = 0,
    hausdorff: bool = False,
    on_error: OnError = "fail",
) -> Dataset:
    """A folder for each case, with the image, and a file of 0 and 1 for each structure in `segmentations`.

    Args:
        root: folder of the cases.
        classes: the structures that are told apart, such as `liver`; `all` = those of the first case.
        cache_dir: folder of decoded data.
        image: the image's file in a case's folder.
        name: for people and folders; the folder's by default.
        shape, fit, spacing, window, percentiles: as in `Preparation`.
        official_split: as the column `split` of `meta.csv` says, where that is there.
        split: shares of train, val and test, where it is not.
        split_seed: of who goes where; not the run's seed.
        hausdorff: as in `load_volumes`.
        on_error: `skip` leaves out cases that cannot be read.

    Raises:
        InputError: there are no cases, one lacks a structure, structures overlap, or files cannot be read.
    """
    place = Path(root).expanduser()
    folders = _folders(place, image)
    structures = _structures(folders[0] / FOLDER, classes)
    splits = _splits(place / TABLE) if official_split and (place / TABLE).is_file() else {}
    if splits and (lost := [each.name for each in folders if each.name not in splits]):
        raise InputError(f"{place / TABLE} has no row of {lost[0]}: dataset.official_split=false needs none")
    cases = [
        Case(each.name, each / image, each / FOLDER, each.name, splits.get(each.name, "")) for each in folders
    ]

    def read_mask(image: Path, folder: Path) -> Labels:
        return _mask(image, _files(folder, structures))

    return load_volumes(
        name=name or place.name,
        root=place,
        cases=cases,
        channels=1,
        meaning=meaning_of([BACKGROUND, *structures]),
        preparation=Preparation(
            shape=shape, fit=fit, spacing=spacing, window=window, percentiles=percentiles
        ),
        hausdorff=hausdorff,
        split=split,
        split_seed=split_seed,
        found_by=["totalsegmentator", image, list(structures), official_split],
        cache_dir=cache_dir,
        on_error=on_error,
        read_mask=read_mask,
        mask_sources=lambda folder: _files(folder, structures),
    )


def _folders(place: Path, image: str) -> list[Path]:
    if not place.is_dir():
        raise InputError(f"dataset.root={place} is not a folder")
    folders = sorted(path for path in place.iterdir() if path.is_dir() and not is_clutter(path.name))
    found = [path for path in folders if (path / image).is_file() and (path / FOLDER).is_dir()]
    if not found:
        raise InputError(
            f"{place} has no folders of cases with {image} and {FOLDER}: name the image by dataset.image"
        )
    return found


def _structures(folder: Path, classes: Literal["all"] | Sequence[str]) -> list[str]:
    """The names of the structures, checked against those of a case."""
    files = sorted(path.name for path in folder.iterdir() if not is_clutter(path.name))
    known = [name.removesuffix(ENDING) for name in files if name.endswith(ENDING)]
    chosen = known if isinstance(classes, str) else list(classes)
    if unknown := [name for name in chosen if name not in known]:
        near = get_close_matches(unknown[0], known, 3) or known[:3]
        raise InputError(
            f"dataset.classes: {folder} has no structure {unknown[0]} among {len(known)}, but "
            f"{', '.join(near)}"
        )
    if len(chosen) > MOST or len({*chosen}) < len(chosen):
        raise InputError(f"dataset.classes: at most {MOST} structures, each once")
    return chosen


def _splits(table: Path) -> Mapping[str, str]:
    """Case → split."""
    text = table.read_text(encoding="utf-8-sig")
    rows = csv.DictReader(text.splitlines(), delimiter=";" if ";" in text.partition("\n")[0] else ",")
    found = {}
    for row in rows:
        case, word = row.get("image_id"), row.get("split")
        if case is None or word is None or word not in SPLIT_WORDS:
            raise InputError(
                f"{table} needs the columns image_id and split (train, val or test); {case} has {word}"
            )
        found[case] = SPLIT_WORDS[word]
    return found


def _files(folder: Path, structures: Sequence[str]) -> list[Path]:
    return [folder / f"{name}{ENDING}" for name in structures]


def _mask(image: Path, files: Sequence[Path]) -> Labels:
    """Structures as the values 1, 2, … of one mask."""
    header = volume.Volume.open(image)
    labels: NDArray[np.uint8] = np.zeros(header.shape, np.uint8)
    for value, path in enumerate(files, start=1):
        outlined = volume.Volume.open(path)
        volume.check_same(image.name, header, outlined)
        found = positions(outlined.pixels()[0], (0, 1), path) > 0
        if both := np.count_nonzero(labels[found]):
            other = files[int(labels[found].max()) - 1]
            raise InputError(
                f"{image.parent.name}: {other.name} and {path.name} overlap in {both:,} voxels: choose "
                "structures that do not by dataset.classes"
            )
        labels[found] = value
    return labels, header.spacing
