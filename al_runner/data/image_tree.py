"""A tree of image files, as `split/class/*.jpg`, or as `class/*.jpg` whose splits are made here."""

import sys
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from al_runner.data.dataset import SPLITS
from al_runner.data.partition import partition, patient_in, shared, shares_of_splits
from al_runner.data.pictures import SUFFIXES
from al_runner.errors import InputError
from al_runner.files import files_below

SPLIT_FOLDERS = {
    "train": "train",
    "training": "train",
    "val": "val",
    "valid": "val",
    "validation": "val",
    "test": "test",
    "testing": "test",
}
"""Folder, in lower case → split."""


@dataclass(frozen=True)
class Sample:
    """An image file.

    Attributes:
        path: the file.
        below: its path below the root, with `/`.
        label: the folder of its class.
        split: "" where the folders do not say.
    """

    path: Path
    below: str
    label: str
    split: str


@dataclass(frozen=True)
class Tree:
    """The images below a root.

    Attributes:
        samples: in order of their splits, then paths.
        names: the classes.
        dealt: some of the splits were made here.
    """

    samples: Sequence[Sample]
    names: tuple[str, ...]
    dealt: bool


def scan(
    root: Path, classes: Sequence[str] | None, group: str | None, shares: Sequence[float], seed: int
) -> Tree:
    """What `image_folder.load` is asked for, of which the arguments are.

    Raises:
        InputError: no such folder, another layout, a pattern that does not fit, or a class that a split
            lacks.
    """
    found = find(root)
    names = _class_names(root, found, classes)
    patients = _patients(found, group)
    samples = _with_splits(found, patients, shares, seed)
    if both := shared([sample.split for sample in samples], patients):
        print(
            f"al-run: {len(both):,} patients are in more than one split of {root} (by dataset.group; "
            f"{both[0]} is one): results flatter",
            file=sys.stderr,
        )
    check_classes(root, samples, names)
    ordered = sorted(samples, key=lambda sample: (SPLITS.index(sample.split), sample.below))
    return Tree(ordered, names, dealt=samples != found)


def find(root: Path) -> list[Sample]:
    """The image files below `root`, in order of their paths.

    Raises:
        InputError: no folder, no images, no training split, or a split twice.
    """
    if not root.is_dir():
        raise InputError(f"dataset.root={root} is not a folder")
    top_folders = sorted(path for path in root.iterdir() if path.is_dir())
    folders = {
        path: SPLIT_FOLDERS[path.name.lower()] for path in top_folders if path.name.lower() in SPLIT_FOLDERS
    }
    if folders and sorted(set(folders.values())) != sorted(folders.values()):
        raise InputError(
            f"{root} has {', '.join(path.name for path in folders)}: one folder for each split is expected"
        )
    if folders and "train" not in folders.values():
        raise InputError(f"{root} has {', '.join(path.name for path in folders)}, but no folder train")
    samples = []
    for top, split in (folders or {root: ""}).items():
        for path in files_below(top):
            parts = path.relative_to(top).parts
            if path.suffix.lower() in SUFFIXES and len(parts) > 1:
                samples.append(Sample(path, path.relative_to(root).as_posix(), parts[0], split))
        if split and not any(sample.split == split for sample in samples):
            raise InputError(f"{top} holds no images in folders: fill it, or remove it")
    if not samples:
        raise InputError(
            f"{root} holds no images in folders: expected train/<class>/…, val/<class>/… and test/<class>/…, "
            f"or <class>/…, with files that end in {', '.join(SUFFIXES)}"
        )
    return samples


def _class_names(root: Path, samples: Sequence[Sample], classes: Sequence[str] | None) -> tuple[str, ...]:
    found = sorted({sample.label for sample in samples})
    if len(found) < 2:
        raise InputError(f"{root} has images of one class only ({found[0]}): two at least are expected")
    if classes is not None and sorted(classes) != found:
        raise InputError(
            f"dataset.classes={list(classes)}, but the classes' folders in {root} are {', '.join(found)}"
        )
    return tuple(classes or found)


def _patients(samples: Sequence[Sample], group: str | None) -> list[str]:
    """The patient of each sample."""
    find_patient = patient_in(group)
    found = [find_patient(sample.below) for sample in samples]
    if lost := [sample.below for sample, patient in zip(samples, found, strict=True) if not patient]:
        raise InputError(
            f"dataset.group={group} finds no patient in {len(lost):,} of {len(samples):,} paths, such as "
            f"{lost[0]}"
        )
    return [str(patient) for patient in found]


def _with_splits(
    samples: Sequence[Sample], patients: Sequence[str], shares: Sequence[float], seed: int
) -> list[Sample]:
    """The samples with their splits; those that are missing are taken from the training images."""
    missing = [split for split in SPLITS if split not in {sample.split for sample in samples}]
    if not missing:
        return list(samples)
    named = shares_of_splits(shares)
    open_ = [i for i, sample in enumerate(samples) if sample.split in ("", "train")]
    dealt = partition(
        [samples[i].label for i in open_],
        [patients[i] for i in open_],
        {split: named[split] for split in SPLITS if split in ("train", *missing)},
        seed,
    )
    chosen = dict(zip(open_, dealt, strict=True))
    return [replace(sample, split=chosen.get(i, sample.split)) for i, sample in enumerate(samples)]


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
