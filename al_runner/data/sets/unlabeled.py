"""Images whose labels nobody knows yet, or only of some."""

import hashlib
import sys
from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Annotated, Literal

import torch
from annotated_types import Len
from torch import Tensor

from al_runner.data.cache import OnError
from al_runner.data.dataset import Dataset, Split
from al_runner.data.formats.pictures import White
from al_runner.data.layouts import cubes, sheet
from al_runner.data.layouts.collected import Slices, collected
from al_runner.data.layouts.decoding import Decoding, Images, images_of
from al_runner.data.layouts.given import PATH
from al_runner.data.layouts.pixels import Pixels
from al_runner.data.layouts.samples import Sample, in_order, with_patients
from al_runner.data.partition import random_sample
from al_runner.data.tasks import MultiLabel, one_of
from al_runner.data.words import UNKNOWN, Words
from al_runner.errors import InputError
from al_runner.loop.share import samples as samples_of
from al_runner.values import Count, Named, Seed, Size

LABEL = ("label", "class", "labels", "diagnosis")
PATIENT = ("patient", "patient id", "subject")
"""Names that a table's columns may have."""


def load(
    root: Named | Path,
    classes: Annotated[Sequence[Named], Len(1)],
    cache_dir: Named | Path,
    name: Named | None = None,
    several: bool = False,
    image_size: Count = 224,
    channels: Literal[1, 3] = 1,
    labels: Named | Path | None = None,
    group: Named | None = None,
    test_size: Size = 50,
    split_seed: Seed = 0,
    on_error: OnError = "fail",
    white: White | None = None,
    upright: bool = True,
    window: Annotated[Sequence[float], Len(2, 2)] | None = None,
    slices: Slices = "volumes",
) -> Dataset:
    """A data set of images that people are to label, decoded once into a memory map.

    A random sample of whole patients is its test split: what models are measured on. All other images are the
    pool. There is no validation split.

    Args:
        root: folder of the images, at any depth; or of volumes.
        classes: the labels that there are, in order. Of two, the second is positive.
        cache_dir: where decoded images are kept, see `cache.cached`.
        name: the data set's name; the folder's by default.
        several: whether an image may have several of the labels, or none.
        image_size: pixels of an image's edge, see `pictures.read`; of a volume, see `cubes.Cubes`.
        channels: 1 for gray, 3 for RGB.
        labels: a table of labels that are known: its columns `file`, `label` and, if need be, `patient`.
        group: a regular expression that finds the patient in a file's path below `root`, as for
            `dataset=image_folder`. Without one, and without a column, each image is a patient by itself.
        test_size: images of the random sample, at least, or a share of all images; with whole patients it may
            be some more.
        split_seed: of the random sample; not the run's seed.
        on_error: `skip` leaves out images that cannot be read.
        white: the value of white in images of 16 bits, such as 4095; None = 65535.
        upright: photographs are turned as their EXIF data say.
        window: the intensities of black and white in volumes, such as [-160, 240]; None = by percentiles.
        slices: what DICOM files of one series are that lie above each other: `volumes`, or an image each.

    Raises:
        InputError: no such folder, no images, fewer than are needed, a table that does not fit, images that
            cannot be read, or a cache that cannot be written.
    """
    root, words = Path(root).expanduser(), Words(tuple(classes), several)
    there = collected(root, slices)
    samples = _samples(root, there.paths, group)
    known = _table(Path(labels).expanduser(), root, words, samples) if labels is not None else {}
    patients = {below: patient for below, (_, patient) in known.items() if patient}
    samples = [replace(each, patient=patients.get(each.below, each.patient)) for each in samples]
    measured = samples_of(test_size, len(samples), "dataset.test_size", str(root))
    split = in_order(_with_test(root, samples, measured, split_seed))
    dealt = ["unlabeled", group, measured, split_seed, sorted(patients.items())]
    if there.are_volumes:
        pixels: Decoding = cubes.Cubes(image_size, window)
    else:
        pixels = Pixels(image_size, channels, white, upright)
    if window is not None and not there.are_volumes:
        raise InputError(f"dataset.window={list(window)} is for volumes, and {root} has images")
    found = images_of(name or root.resolve().name, root, split, pixels, dealt, cache_dir, on_error)
    targets = _targets([known.get(each.below, ("", ""))[0] for each in found.samples], words)
    return Dataset(
        name=name or root.resolve().name,
        splits=_splits(found, targets),
        task=MultiLabel(len(words.classes)) if words.several else one_of(len(words.classes)),
        fingerprint=_fingerprint(found.fingerprint, words, targets),
        class_names=words.classes,
        root=root.resolve(),
        unlabeled=True,
        reading=pixels,
    )


def _samples(root: Path, paths: Sequence[Path], group: str | None) -> list[Sample]:
    """The images of a folder, each with its patient."""
    belows = [path.relative_to(root).as_posix() for path in paths]
    samples = [Sample(path, below, "", below) for path, below in zip(paths, belows, strict=True)]
    return with_patients(samples, group)


def _table(path: Path, root: Path, words: Words, samples: Sequence[Sample]) -> Mapping[str, tuple[str, str]]:
    """Path below the root → the label that is known, if it is, and the patient, if that is said."""
    table, there = sheet.read(path), {each.below for each in samples}
    places = (table.needed(PATH), table.needed(LABEL), table.place(PATIENT))
    found: dict[str, tuple[str, str]] = {}
    lost = []
    for number, (file, label, patient) in table.cells(*places):
        below = file.replace("\\", "/").removeprefix("./")
        if below not in there:
            lost.append(file)
            continue
        try:
            told = (words.label(label) if label else "", patient)
        except ValueError as error:
            raise InputError(f"{path}: row {number}: {error}") from error
        if found.setdefault(below, told) != told:
            raise InputError(f"{path}: row {number}: {file} is there twice, and its rows differ")
    if lost and not found:
        raise InputError(f"{path} names no image of {root}, but {lost[0]}: paths below that folder are meant")
    if lost:
        said = f"{len(lost):,} rows of {path} name no image of {root} ({lost[0]} is one)"
        print(f"al-run: {said}", file=sys.stderr)
    return found


def _with_test(root: Path, samples: Sequence[Sample], size: int, seed: int) -> list[Sample]:
    """The samples with their splits: patients are drawn until there are enough images to measure on."""
    chosen = random_sample([each.patient for each in samples], size, seed)
    if chosen is None:
        few = len(samples) // 4
        hint = f": take fewer, such as {few}" if 0 < few < size else ""
        none_left = f"dataset.test_size={size} leaves none to learn from"
        raise InputError(f"{root} has {len(samples):,} images, and {none_left}{hint}")
    splits = ["test" if is_drawn else "train" for is_drawn in chosen]
    return [replace(each, split=split) for each, split in zip(samples, splits, strict=True)]


def _targets(labels: Sequence[str], words: Words) -> Tensor:
    """The labels that are known, as the task's targets; `UNKNOWN` elsewhere."""
    unknown = [UNKNOWN] * len(words.classes) if words.several else UNKNOWN
    return torch.tensor([words.target(label) if label else unknown for label in labels], dtype=torch.int64)


def _splits(found: Images, targets: Tensor) -> dict[str, Split]:
    """The pool and the random sample, and no validation split."""
    n_train = sum(each.split == "train" for each in found.samples)
    parts = {"train": slice(0, n_train), "val": slice(0, 0), "test": slice(n_train, None)}
    return {
        split: Split(
            found.pixels[part],
            targets[part],
            tuple(each.below for each in found.samples[part]),
            tuple(each.patient for each in found.samples[part]),
        )
        for split, part in parts.items()
    }


def _fingerprint(images: str, words: Words, targets: Tensor) -> str:
    """Of the images, of the classes, and of what was known before anybody was asked."""
    digest = hashlib.sha256(f"{images} {words}".encode() + targets.numpy().tobytes())
    return f"sha256:{digest.hexdigest()}"
