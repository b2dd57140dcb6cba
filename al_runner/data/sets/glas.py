"""GlaS: glands in colon histology (Sirinukunwattana et al., Medical Image Analysis 35, 2017)."""

import csv
import re
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Annotated, Any, Literal

import numpy as np
from annotated_types import Len
from numpy.typing import NDArray
from PIL import Image, UnidentifiedImageError

from al_runner.data.cache import OnError
from al_runner.data.dataset import Dataset
from al_runner.data.formats import masks, pictures
from al_runner.data.layouts import gridded
from al_runner.data.layouts.grid import Grid
from al_runner.data.layouts.leaks import mention_shared
from al_runner.data.layouts.outlined import Case, dealt, decoded
from al_runner.data.layouts.paired import Missing, may_lack
from al_runner.data.masks import Labels, Masks, of_one
from al_runner.data.tasks import Segmentation
from al_runner.errors import InputError
from al_runner.values import Count, Inside, Named, Seed

LABELS = ("background", "gland")
Tests = Literal["both", "A", "B"]
TESTS = {"both": ("testA", "testB"), "A": ("testA",), "B": ("testB",)}
Deal = Literal["official", "patients"]
OFFICIAL: Deal = "official"
PATIENTS: Deal = "patients"
"""Who says which images are for testing: the challenge, or a deal of all patients."""
TEST_SHARE = 0.2
"""Of all images, where patients are dealt."""
TABLE, NAME, PATIENT = "Grade.csv", "name", "patient ID"


def load(
    root: Named | Path,
    cache_dir: Named | Path,
    name: Named = "glas",
    shape: Annotated[Sequence[Count], Len(2, 2)] = (128, 192),
    test: Tests = "both",
    val_share: Inside = 0.15,
    split_seed: Seed = 0,
    hausdorff: bool = False,
    on_error: OnError = "fail",
    missing: Missing = "refuse",
    split: Deal = OFFICIAL,
) -> Dataset:
    """The challenge's images in RGB, glands against the rest, from the folder with its files as they come.

    Some of `train`'s images are for validation, whole patients at a time. Of the official test images, most
    are of patients that `train` has, too; `split=patients` has no patient in two splits.

    Args:
        root: folder with `train_1.bmp`, `train_1_anno.bmp`, …, and `Grade.csv`.
        cache_dir: folder of decoded data.
        name: for people and folders.
        shape: height and width that images are resized to.
        test: the official test images to measure on: `A`, `B` or `both`.
        val_share: of the images that are not for testing.
        split_seed: of who is for validation, or where; not the run's seed.
        hausdorff: also measure the Hausdorff distance, in pixels.
        on_error: `skip` leaves out images that cannot be read.
        missing: `unlabeled` lets people be asked for masks that are missing, see `people.outlines`.
        split: `official`, or `patients`: all images are dealt by patients, a fifth for testing.

    Raises:
        InputError: files are missing or not as they should be.
    """
    place = Path(root).expanduser()
    found, unlabeled = cases(place, test, val_share, split_seed, split), may_lack(missing)
    if unlabeled:
        found = [each if each.mask and each.mask.exists() else replace(each, mask=None) for each in found]
    grid = grid_of(shape)
    dataset = decoded(
        name=name,
        root=place,
        cases=found,
        channels=3,
        reading=gridded.colors(rgb, grid),
        options={"dealt": how(test, val_share, split_seed, split)},
        masks=Masks(SUFFIX, VALUES, of_one(_read), _size, _write, grid),
        task=Segmentation(len(LABELS), LABELS, hausdorff),
        cache_dir=cache_dir,
        on_error=on_error,
        unlabeled=unlabeled,
    )
    # The official test images are no random sample of patients: no interval can be said of one.
    splits = {name: replace(part, patients=()) for name, part in dataset.splits.items()}
    return replace(dataset, splits=splits)


def how(test: str, val_share: float, split_seed: int, split: Deal) -> list[Any]:
    """What the splits depend on, as values that JSON has."""
    return [test, val_share, split_seed, *([split] if split != OFFICIAL else [])]


def cases(place: Path, test: Tests, val_share: float, split_seed: int, split: Deal = OFFICIAL) -> list[Case]:
    """The images that `Grade.csv` names, with their splits, by their numbers; arguments as in `load`.

    Patients who are in more than one split are counted.
    """
    patients = column(place / TABLE, PATIENT)
    training = [name for name in patients if name.startswith("train_")]
    if not training:
        raise InputError(f"{place / TABLE} names no image that begins with train_")
    testing = [name for name in patients if name.split("_")[0] in TESTS[test]]

    def case(name: str, split: str = "") -> Case:
        return Case(name, place / f"{name}.bmp", place / f"{name}_anno.bmp", patients[name], split)

    shares = {"train": 1 - val_share, "val": val_share}
    if split == PATIENTS:
        shares = {name: share * (1 - TEST_SHARE) for name, share in shares.items()} | {"test": TEST_SHARE}
        found = dealt([case(name) for name in (*training, *testing)], shares, split_seed)
    else:
        found = dealt([case(name) for name in training], shares, split_seed)
        found += [case(name, "test") for name in testing]
    mention_shared(place, found, f"{TABLE}; dataset.split={PATIENTS} keeps each in one")
    return sorted(found, key=lambda each: _natural(each.name))


def _read(image: Path, path: Path) -> Labels:
    """Glands against the rest; the official masks number them."""
    mask, shape = masks.read(path), pictures.shape(image)
    if shape != mask.shape:
        raise InputError(f"{image.stem} is {shape}, its mask {mask.shape}")
    return (mask > 0).astype(np.uint8), (1, 1)


def _size(image: Path) -> tuple[Sequence[int], Sequence[float]]:
    return pictures.shape(image), (1, 1)


def _write(_image: Path, labels: NDArray[np.integer[Any]], path: Path) -> None:
    """White glands on black."""
    masks.write(path, labels * WHITE)


WHITE = np.uint8(255)
SUFFIX, VALUES = ".png", dict(zip((0, int(WHITE)), LABELS, strict=True))


def grid_of(shape: Sequence[int]) -> Grid:
    """What images are resized to: height and width."""
    return Grid(tuple(shape), "resize")


def rgb(path: Path) -> NDArray[np.float32]:
    """An image's pixels, 0..255: [3, height, width]."""
    return _pixels(path, "RGB").transpose(2, 0, 1).astype(np.float32)


def column(path: Path, key: str) -> dict[str, str]:
    """Image → what the table says of it. The official file has bare CR line ends, and spaces around cells."""
    try:
        lines = path.read_text(encoding="utf-8-sig").splitlines()
    except (OSError, UnicodeDecodeError) as error:
        raise InputError(f"cannot read {path}: {getattr(error, 'strerror', None) or error}") from error
    rows = [[cell.strip() for cell in row] for row in csv.reader(lines) if row]
    header = rows[0] if rows else []
    if missing := [each for each in (NAME, key) if each not in header]:
        raise InputError(f"{path} lacks the column {' and '.join(missing)}")
    name, value = header.index(NAME), header.index(key)
    if short := [row for row in rows if len(row) <= max(name, value)]:
        raise InputError(f"{path}: the row {','.join(short[0])} is too short")
    return {row[name]: row[value] for row in rows[1:]}


def _natural(name: str) -> tuple[str, int]:
    """`train_2` before `train_10`."""
    number = re.search(r"\d+$", name)
    return name.rstrip("0123456789"), int(number[0]) if number else 0


def _pixels(path: Path, mode: str) -> NDArray[np.uint8]:
    try:
        with Image.open(path) as image:
            if image.mode != mode:
                raise InputError(f"{path.name} has pixels of the kind {image.mode}, expected {mode}")
            return np.array(image)
    except InputError:
        raise
    except UnidentifiedImageError as error:
        raise InputError(f"{path.name} is not an image of a known format") from error
    except Exception as error:  # a decoder's, of any kind: nothing else runs here
        raise InputError(f"cannot read {path.name}: {getattr(error, 'strerror', None) or error}") from error
