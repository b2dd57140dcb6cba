"""A tree of image files, as `split/class/*.jpg`, or as `class/*.jpg` whose splits are made here."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from al_runner.data.partition import patient_in
from al_runner.data.pictures import SUFFIXES
from al_runner.data.samples import Sample, check_classes, in_order, mention_shared, with_splits
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
    found = _with_patients(found, group)
    samples = with_splits(found, shares, seed)
    mention_shared(root, samples, "dataset.group")
    check_classes(root, samples, names)
    return Tree(in_order(samples), names, dealt=samples != found)


def find(root: Path) -> list[Sample]:
    """The image files below `root`, in order of their paths, each of a patient of its own.

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
                below = path.relative_to(root).as_posix()
                samples.append(Sample(path, below, parts[0], below, split))
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


def _with_patients(samples: Sequence[Sample], group: str | None) -> list[Sample]:
    """The samples with the patient that a pattern finds in each path."""
    find_patient = patient_in(group)
    found = [find_patient(sample.below) for sample in samples]
    if lost := [sample.below for sample, patient in zip(samples, found, strict=True) if not patient]:
        raise InputError(
            f"dataset.group={group} finds no patient in {len(lost):,} of {len(samples):,} paths, such as "
            f"{lost[0]}"
        )
    return [replace(sample, patient=str(patient)) for sample, patient in zip(samples, found, strict=True)]
