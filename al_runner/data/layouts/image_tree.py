"""A tree of image files, as `split/class/*.jpg`, or as `class/*.jpg` whose splits are made here."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Annotated, Any, Literal

from annotated_types import Len

from al_runner.data.formats.pictures import SUFFIXES, is_image
from al_runner.data.layouts.leaks import mention_shared
from al_runner.data.layouts.samples import (
    SPLIT_WORDS,
    Sample,
    check_classes,
    in_order,
    with_patients,
    with_splits,
)
from al_runner.data.partition import Shares, drawn
from al_runner.errors import InputError
from al_runner.files import names_below
from al_runner.loop.share import samples as samples_of
from al_runner.values import Size

SPLIT_FOLDERS = {word: split for word, split in SPLIT_WORDS.items() if word != "dev"}
"""Folder, in lower case → split; a folder `dev` may hold anything."""


PerClass = Size | Literal["all"] | Annotated[Mapping[str, Size], Len(1)]
"""Images of each class: as many of each, a share of each, all, or a size for each class by its name."""


@dataclass(frozen=True)
class Choice:
    """Which images of a tree are taken, and which go into which split.

    Args:
        classes: in order; None = by their names.
        group: finds the patient in a path, see `partition.patient_in`.
        shares: of train, val and test, for splits that are made here.
        seed: of the draw and of the patients' order.
        per_class: images of each class in all splits together, the first in the order of
            SHA-256("seed:path").
        resplit: the folders' splits do not count: all are made here.
    """

    classes: Sequence[str] | None = None
    group: str | None = None
    shares: Shares = (0.7, 0.1, 0.2)
    seed: int = 0
    per_class: PerClass = "all"
    resplit: bool = False

    @property
    def options(self) -> list[Any]:
        """What it depends on, as values that JSON has."""
        counts = dict(self.per_class) if isinstance(self.per_class, Mapping) else self.per_class
        asked = [] if counts == "all" and not self.resplit else [counts, self.resplit]
        return [self.group, *self.shares, self.seed, *asked]


@dataclass(frozen=True)
class Tree:
    """The images below a root.

    Attributes:
        samples: in order of their splits, then paths.
        names: the classes.
        dealt: some of the splits were made here, or some images were left out.
        chosen: the samples before splits were made.
    """

    samples: Sequence[Sample]
    names: tuple[str, ...]
    dealt: bool
    chosen: Sequence[Sample]


def scan(root: Path, choice: Choice) -> Tree:
    """The images that are chosen.

    Raises:
        InputError: no such folder, another layout, a pattern that does not fit, fewer images of a class than
            are asked for, or a class that a split lacks.
    """
    found = find(root)
    names = _class_names(root, found, choice.classes)
    chosen = _drawn(root, with_patients(found, choice.group), names, choice)
    if choice.resplit:
        chosen = [replace(sample, split="") for sample in chosen]
    samples = with_splits(chosen, choice.shares, choice.seed)
    mention_shared(root, samples, "dataset.group")
    check_classes(root, samples, names)
    given = {sample.below: sample.split for sample in found}
    dealt = {each.below: each.split for each in samples} != given
    return Tree(in_order(samples), names, dealt, chosen)


def _drawn(root: Path, samples: Sequence[Sample], names: Sequence[str], choice: Choice) -> list[Sample]:
    """The samples that are drawn, in the order of their paths."""
    key, asked = "dataset.per_class", choice.per_class
    if asked == "all":
        return list(samples)
    counts = dict(asked) if isinstance(asked, Mapping) else dict.fromkeys(names, asked)
    if set(counts) != set(names):
        raise InputError(f"{key}={counts} needs a number for each of {', '.join(names)}")
    kept: set[str] = set()
    for name, count in counts.items():
        there = [sample.below for sample in samples if sample.label == name]
        wanted = samples_of(count, len(there), key, f"the class {name}")
        if len(there) < wanted:
            raise InputError(f"{key}: {wanted:,} images of {name} are asked for, {root} has {len(there):,}")
        kept.update(drawn(there, wanted, choice.seed))
    return [sample for sample in samples if sample.below in kept]


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
        start = "" if top == root else f"{top.name}/"
        for name in names_below(top):
            label, _, rest = name.partition("/")
            if rest and is_image(path := Path(top, name)):
                below = start + name
                samples.append(Sample(path, below, label, below, split))
        if split and not any(sample.split == split for sample in samples):
            raise InputError(f"{top} holds no images in folders: fill it, or remove it")
    if not samples:
        raise InputError(
            f"{root} holds no images in folders: expected train/<class>/…, val/<class>/… and test/<class>/…, "
            f"or <class>/…, with files that end in {', '.join(SUFFIXES)}, "
            "or DICOM; of images in one folder, a table may tell the classes: dataset=table"
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
