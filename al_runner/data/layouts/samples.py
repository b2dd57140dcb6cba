"""Image files with labels, patients and splits, from wherever these are known, and the data set they make."""

import hashlib
import sys
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, Protocol

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from al_runner.data.cache import Arrays, OnError, Source, cached
from al_runner.data.dataset import SPLITS, Dataset, Split, consecutive
from al_runner.data.formats import dicom
from al_runner.data.formats.pictures import WHITE, read
from al_runner.data.partition import partition, patient_in, shared, shares_of_splits
from al_runner.data.tasks import one_of
from al_runner.errors import InputError

FORMAT = 1
"""Of what is made of an image file: another one is decoded anew."""
SPLIT_WORDS = {
    "train": "train",
    "training": "train",
    "val": "val",
    "valid": "val",
    "validation": "val",
    "dev": "val",
    "test": "test",
    "testing": "test",
}
"""What people call splits, in lower case → split."""


@dataclass(frozen=True)
class Sample:
    """An image file.

    Attributes:
        path: the file.
        below: its path below the root, with `/`.
        label: the name of its class.
        patient: whose it is.
        split: "" where it is not said.
    """

    path: Path
    below: str
    label: str
    patient: str
    split: str = ""


@dataclass(frozen=True)
class Pixels:
    """What images are decoded to.

    Args:
        image_size: pixels of an edge, see `pictures.read`.
        channels: 1 for gray, 3 for RGB.
        white: the value of white in images of 16 bits; None = the highest that they can have.
        upright: photographs are turned as their EXIF data say.

    Raises:
        InputError: a value out of its range.
    """

    image_size: int
    channels: int
    white: int | None = None
    upright: bool = False

    def __post_init__(self) -> None:
        if self.image_size < 1:
            raise InputError(f"dataset.image_size={self.image_size} must be at least 1")
        if self.channels not in (1, 3):
            raise InputError(f"dataset.channels={self.channels} must be 1 (gray) or 3 (RGB)")
        if self.white is not None and not 1 <= self.white <= WHITE:
            raise InputError(f"dataset.white={self.white} must be between 1 and {WHITE}")

    @property
    def shape(self) -> tuple[int, ...]:
        """Of an image."""
        return (self.channels, self.image_size, self.image_size)

    @property
    def options(self) -> Mapping[str, Any]:
        """What the result depends on besides the shape."""
        white = {"white": self.white} if self.white not in (None, WHITE) else {}
        return {**white, "upright": True} if self.upright else white  # so that earlier caches stay

    def read(self, path: Path, found: Callable[[int], None]) -> NDArray[np.uint8]:
        """An image; `found` is told the highest value if it has 16 bits."""
        return read(path, self.image_size, self.channels, self.white or WHITE, found, self.upright)


class Decoding(Protocol):
    """What files are decoded to: `Pixels`, or volumes."""

    @property
    def shape(self) -> tuple[int, ...]:
        """Of an image, its channels first."""

    @property
    def options(self) -> Mapping[str, Any]:
        """What the result depends on besides the shape, as values that JSON has."""

    @property
    def white(self) -> int | None:
        """The value of white in images of 16 bits; None = the highest that they can have, or it has none."""

    def read(self, path: Path, found: Callable[[int], None]) -> NDArray[np.uint8]:
        """An image; `found` is told the highest value if it has 16 bits."""


def with_patients(samples: Sequence[Sample], group: str | None) -> list[Sample]:
    """The samples with the patient that a pattern finds in each path."""
    find_patient = patient_in(group)
    found = [find_patient(sample.below) for sample in samples]
    if lost := [sample.below for sample, patient in zip(samples, found, strict=True) if not patient]:
        raise InputError(
            f"dataset.group={group} finds no patient in {len(lost):,} of {len(samples):,} paths, such as "
            f"{lost[0]}"
        )
    return [replace(sample, patient=str(patient)) for sample, patient in zip(samples, found, strict=True)]


def with_splits(samples: Sequence[Sample], shares: Sequence[float], seed: int) -> list[Sample]:
    """The samples with their splits; those that are missing are taken from the training images, by patients.

    Args:
        samples: of each split that there is; "" is for any.
        shares: of train, val and test.
        seed: of the patients' order.

    Raises:
        InputError: other than three shares above 0.
    """
    missing = [split for split in SPLITS if split not in {sample.split for sample in samples}]
    if not missing:
        return list(samples)
    named = shares_of_splits(shares)
    open_ = [i for i, sample in enumerate(samples) if sample.split in ("", "train")]
    dealt = partition(
        [samples[i].label for i in open_],
        [samples[i].patient for i in open_],
        {split: named[split] for split in SPLITS if split in ("train", *missing)},
        seed,
    )
    chosen = dict(zip(open_, dealt, strict=True))
    return [replace(sample, split=chosen.get(i, sample.split)) for i, sample in enumerate(samples)]


def in_order(samples: Sequence[Sample]) -> list[Sample]:
    """By splits, so that each is a slice, then by paths."""
    return sorted(samples, key=lambda sample: (SPLITS.index(sample.split), sample.below))


def mention_shared(root: Path, samples: Sequence[Sample], by: str) -> None:
    """Patients who are in more than one split should not come as a surprise."""
    splits, patients = [sample.split for sample in samples], [sample.patient for sample in samples]
    if both := shared(splits, patients):
        print(
            f"al-run: {len(both):,} patients are in more than one split of {root} (by {by}; {both[0]} is "
            "one): results flatter",
            file=sys.stderr,
        )


def check_classes(root: Path, samples: Sequence[Sample], names: Sequence[str]) -> None:
    """Refuse a split that lacks a class.

    Raises:
        InputError: says which.
    """
    there = {(sample.split, sample.label) for sample in samples}
    lacking = [
        f"{split} has none of {name}" for split in SPLITS for name in names if (split, name) not in there
    ]
    if lacking:
        raise InputError(f"{root}: every split needs images of every class, but {', '.join(lacking)}")


@dataclass(frozen=True)
class Images:
    """Samples as they were decoded.

    Attributes:
        pixels: uint8 [N, channels, edge, edge], or of volumes [N, 1, edge, edge, edge], over a memory map.
        samples: those that could be read, in the same order.
        fingerprint: of the pixels.
    """

    pixels: Tensor
    samples: Sequence[Sample]
    fingerprint: str


def images_of(
    name: str,
    root: Path,
    samples: Sequence[Sample],
    pixels: Decoding,
    dealt: Sequence[Any] | None,
    cache_dir: str | Path,
    on_error: OnError,
) -> Images:
    """Some samples, decoded once into a memory map.

    Args:
        name: for people and folders.
        root: folder of the files.
        samples: in order of their splits.
        pixels: what images become.
        dealt: what the choice of the samples and of their splits depends on, besides the folder, as values
            that JSON has: each choice has a cache of its own.
        cache_dir: folder of decoded data.
        on_error: `skip` leaves out images that cannot be read.

    Raises:
        InputError: images that cannot be read, or a cache that cannot be written.
    """
    if any(dicom.is_dicom(sample.path) for sample in samples):
        dicom.require()

    highest = [0]  # a list: filled by threads

    def decode(item: int) -> Arrays:
        return {"images": pixels.read(samples[item].path, highest.append)}

    source = Source(
        root=root,
        files=[sample.path for sample in samples],
        items=[sample.below for sample in samples],
        options={"format": FORMAT, "dealt": dealt, **pixels.options},
        shapes={"images": pixels.shape},
        decode=decode,
    )
    found = cached(cache_dir, name, source, on_error)
    _mention_dark(root, max(highest), pixels.white or WHITE)
    return Images(found.arrays["images"], [samples[item] for item in found.kept], found.fingerprint)


def decoded(
    name: str,
    root: Path,
    samples: Sequence[Sample],
    names: tuple[str, ...],
    pixels: Pixels,
    dealt: Sequence[Any] | None,
    cache_dir: str | Path,
    on_error: OnError,
) -> Dataset:
    """The data set of some samples, by `images_of`.

    Args:
        names: the classes. Of two, the second is positive.

    Raises:
        InputError: as `images_of`, or a split without a class.
    """
    found = images_of(name, root, samples, pixels, dealt, cache_dir, on_error)
    check_classes(root, found.samples, names)
    targets = torch.tensor([names.index(sample.label) for sample in found.samples])
    splits = consecutive(found.pixels, targets, [sample.split for sample in found.samples])
    return Dataset(
        name=name,
        splits=splits,
        task=one_of(len(names)),
        fingerprint=fingerprint(found.fingerprint, names, splits),
        class_names=names,
    )


def _mention_dark(root: Path, highest: int, white: int) -> None:
    """12 bits in files of 16 would come out nearly black."""
    if 0 < highest < white / 4:
        print(
            f"al-run: the brightest pixel of the 16-bit images of {root} is {highest:,} of {white:,}, so "
            f"they are nearly black: dataset.white={2 ** highest.bit_length() - 1} makes that value white",
            file=sys.stderr,
        )


def fingerprint(images: str, names: Sequence[str], splits: Mapping[str, Split]) -> str:
    """Of the images, and of what they are said to show."""
    digest = hashlib.sha256(f"{images} {names}".encode())
    for split in splits.values():
        digest.update(split.targets.numpy().tobytes() + b"|")
    return f"sha256:{digest.hexdigest()}"
