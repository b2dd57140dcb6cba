"""NIH ChestX-ray14: 112,120 frontal chest X-rays of 30,805 patients (Wang et al., CVPR 2017)."""

import os
from collections.abc import Collection, Sequence
from pathlib import Path
from typing import Annotated, Literal

from annotated_types import Len

from al_runner.data.cache import OnError
from al_runner.data.dataset import Dataset
from al_runner.data.formats.pictures import SUFFIXES
from al_runner.data.layouts.findings import Against, Contrast, Draw, binary
from al_runner.data.layouts.image_table import Row, Table, read_all
from al_runner.data.layouts.pixels import Pixels
from al_runner.data.partition import Shares
from al_runner.errors import InputError
from al_runner.files import is_clutter
from al_runner.values import Count, Named, Positive, Seed, Size

IMAGE, FINDINGS, PATIENT = "Image Index", "Finding Labels", "Patient ID"
PLACE = "images, or images_001/images, images_002/images, …"
TRAIN_VAL, TEST = "train_val_list.txt", "test_list.txt"


def load(
    root: Named | Path,
    cache_dir: Named | Path,
    name: Named = "nih_chestxray14",
    tables: Annotated[Sequence[Named], Len(1)] = ("Data_Entry_2017.csv",),
    finding: Named = "Effusion",
    against: Against = "no_finding",
    positives: Size | Literal["all"] = 1036,
    negatives_per_positive: Positive = 1.0,
    split: Shares = (0.7, 0.1, 0.2),
    official_test: bool = False,
    split_seed: Seed = 0,
    image_size: Count = 320,
    channels: Literal[1, 3] = 1,
    on_error: OnError = "fail",
) -> Dataset:
    """One finding against "No Finding" or the rest, from the folder with its files as they come.

    Args:
        root: folder with the table, and the images in `images`, or in `images_001/images`, ….
        cache_dir: folder of decoded data.
        name: for people and folders.
        tables: the table's file; a list, for it may come in parts.
        finding: one of the 14.
        against: see `findings.Contrast`.
        positives: see `findings.Draw`.
        negatives_per_positive: the same.
        split: shares of train, val and test, whole patients.
        official_test: images of `test_list.txt` are for testing, those of `train_val_list.txt` are split
            between train and val by their shares.
        split_seed: of the draw and the splits; not the run's seed.
        image_size: pixels of an image's edge, see `pictures.read`.
        channels: 1 for gray, 3 for RGB.
        on_error: `skip` leaves out rows without images, images without rows, and what cannot be read.

    Raises:
        InputError: files are missing or not as they should be.
    """
    place, pixels = Path(root).expanduser(), Pixels(image_size, channels)
    draw = Draw(positives, negatives_per_positive, split_seed)
    contrast = Contrast(finding, against)
    cells = read_all(place, tables, (IMAGE, FINDINGS, PATIENT))
    rows = [Row(row[IMAGE], row[PATIENT], row[FINDINGS].split("|")) for _, row in cells]
    contrast = contrast.among(sorted({name for row in rows for name in row.findings}))
    if official_test:
        rows = _with_official_splits(place, rows)
    table = Table(place, " and ".join(tables), rows, _files(place), PLACE).complete(on_error)
    return binary(
        name=name,
        table=table,
        contrast=contrast,
        draw=draw,
        pixels=pixels,
        shares=split,
        options=["official_test"] if official_test else [],
        cache_dir=cache_dir,
        on_error=on_error,
    )


def _files(root: Path) -> dict[str, str]:
    """Name → path below the root of every image."""
    folders = [
        folder for folder in (root / "images", *sorted(root.glob("images_*/images"))) if folder.is_dir()
    ]
    return {
        name: f"{folder.relative_to(root).as_posix()}/{name}"
        for folder in folders
        for name in sorted(entry.name for entry in os.scandir(folder))
        if name.lower().endswith(SUFFIXES) and not is_clutter(name)
    }


def _with_official_splits(root: Path, rows: Sequence[Row]) -> list[Row]:
    """The rows, of which those of the official test images say so."""
    testing, training = _listed(root / TEST), _listed(root / TRAIN_VAL)
    if lost := [row.name for row in rows if row.name not in testing and row.name not in training]:
        raise InputError(
            f"{len(lost):,} images are neither in {root / TEST} nor in {TRAIN_VAL}: {lost[0]} is one"
        )
    return [Row(row.name, row.patient, row.findings, "test" if row.name in testing else "") for row in rows]


def _listed(path: Path) -> Collection[str]:
    try:
        return set(path.read_text(encoding="utf-8").split())
    except (OSError, UnicodeDecodeError) as error:
        raise InputError(
            f"dataset.official_test=true needs {path}: {getattr(error, 'strerror', None) or error}"
        ) from error
