"""Images with masks, from files to a data set."""

import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import Tensor

from al_runner.data.cache import Arrays, OnError, Source, cached
from al_runner.data.dataset import SPLITS, Dataset, Split, consecutive
from al_runner.data.formats.remarks import listening
from al_runner.data.layouts.gridded import Gridded
from al_runner.data.layouts.leaks import copies, mention_copies
from al_runner.data.layouts.noticed import KEYS, mention, noticed, shapes
from al_runner.data.masks import Masks
from al_runner.data.partition import partition, random_sample, shares_of_splits
from al_runner.data.tasks import Overlapping, Segmentation
from al_runner.data.tasks.bit_fields import kind
from al_runner.data.words import UNKNOWN_MASK
from al_runner.errors import InputError
from al_runner.loop.share import samples
from al_runner.values import Size

FORMAT = 1
"""Of what is made of an image and its mask: another one is decoded anew."""


@dataclass(frozen=True)
class Case:
    """An image and its mask.

    Attributes:
        name: for people, such as the file's name.
        image: its file.
        mask: the mask's; None = nobody has outlined it yet.
        patient: whose it is.
        split: `train`, `val` or `test`; empty = not said yet.
        planes: where each label has a file of its own, these; None = the image does not have that label.
    """

    name: str
    image: Path
    mask: Path | None
    patient: str
    split: str = ""
    planes: tuple[Path | None, ...] = ()

    @property
    def outlines(self) -> list[Path]:
        """The files of its mask, if there are any."""
        return [path for path in (self.mask, *self.planes) if path is not None]

    @property
    def blank(self) -> int | None:
        """The bytes of its mask where no file tells them: unknown, or without any label; None = files do."""
        return None if self.outlines else 0 if self.planes else UNKNOWN_MASK


def by_value(labels: Mapping[int, str] | Sequence[str]) -> dict[int, str]:
    """Value in the masks → name, of values that are named, or of the names of 0, 1, …: the smallest first.

    Raises:
        InputError: another value is named first, which is the background's place.
    """
    named = dict(labels) if isinstance(labels, Mapping) else dict(enumerate(labels))
    values = sorted(named)
    if values and (first := next(iter(named))) != values[0]:
        raise InputError(
            f"dataset.labels names {first} ({named[first]}) first, which is the background's place, but "
            f"{values[0]} ({named[values[0]]}) is smaller: the background's value must be the smallest"
        )
    return {value: named[value] for value in values}


def drawn(cases: Sequence[Case], size: int, seed: int) -> list[Case]:
    """The cases with a split each: a random sample of whole patients for `test`, all others for `train`.

    Raises:
        InputError: the sample would be empty, or everything.
    """
    chosen = random_sample([case.patient for case in cases], size, seed) if size > 0 else None
    if chosen is None:
        raise InputError(
            f"dataset.test_size={size}: of {len(cases):,} images, some must be measured on, and some must be "
            "left to learn from"
        )
    splits = ["test" if is_drawn else "train" for is_drawn in chosen]
    return [replace(case, split=split) for case, split in zip(cases, splits, strict=True)]


def with_splits(
    cases: Sequence[Case], split: Sequence[float], test_size: Size | None, seed: int
) -> tuple[list[Case], list[Any]]:
    """The cases with a split each, and what that depends on.

    Args:
        cases: those that have a split keep it; the others are dealt out among the splits that are left.
        split: shares of train, val and test.
        test_size: in place of them, the size of a random sample, see `drawn`, or a share of the cases.
        seed: of who goes where.
    """
    if test_size is None:
        given, others = [case for case in cases if case.split], [case for case in cases if not case.split]
        taken = {case.split for case in given}
        shares = {name: share for name, share in shares_of_splits(split).items() if name not in taken}
        return [*given, *dealt(others, shares, seed)], [*split, seed]
    size = samples(test_size, len(cases), "dataset.test_size", "the folder")
    return drawn(cases, size, seed), ["drawn", size, seed]


def dealt(cases: Sequence[Case], shares: Mapping[str, float], seed: int) -> list[Case]:
    """The cases with a split each, whole patients together, in the given shares."""
    splits = partition([""] * len(cases), [case.patient for case in cases], shares, seed)
    return [replace(case, split=split) for case, split in zip(cases, splits, strict=True)]


def decoded(
    name: str,
    root: Path,
    cases: Sequence[Case],
    channels: int,
    reading: Gridded,
    options: Mapping[str, Any],
    masks: Masks,
    task: Segmentation | Overlapping,
    cache_dir: str | Path,
    on_error: OnError,
    unlabeled: bool = False,
) -> Dataset:
    """The data set of all cases, decoded once.

    Args:
        name: for people and folders.
        root: folder of the files.
        cases: each with its split.
        channels: of an image.
        reading: of images, and the grid that they and their masks are brought to.
        options: what the files and the splits depend on, as values that JSON has. Each split has a cache of
            its own, since its images must lie side by side to be a part of a memory map.
        masks: how they are read and written.
        task: what the masks mean.
        cache_dir: folder of decoded data.
        on_error: `skip` leaves out cases that cannot be read.
        unlabeled: people may be asked for masks that are missing.

    Raises:
        InputError: files that cannot be read, or a split without any.
    """
    grid = reading.grid
    pixel = kind(task.n_classes) if task.several else torch.uint8
    stored = (*grid.shape[:-1], grid.shape[-1] * pixel.itemsize)
    ordered = sorted(cases, key=lambda case: SPLITS.index(case.split))  # so that a split is a slice

    def decode(item: int) -> Arrays:
        case = ordered[item]
        with listening() as remarks:
            pixels, spacing = reading.numbers(case.image)
            labels = None if case.blank is not None else masks.labels(case.image, case.planes or [case.mask])
        cropped = labels is not None and grid.crops(*labels)
        mask = grid.mask(*labels).view(np.uint8) if labels else np.full(stored, case.blank, np.uint8)
        image = reading.on_grid(pixels, spacing)
        return {"image": image, "mask": mask, **noticed(cropped, remarks, pixels.shape[1:])}

    def files(case: Case) -> list[Path]:
        outlines = [path for mask in case.outlines for path in masks.sources(mask)]
        return [*reading.sources(case.image), *outlines]

    source = Source(
        root=root,
        files=[path for case in ordered for path in files(case)],
        items=[case.name for case in ordered],
        options={"format": FORMAT, "grid": [grid.shape, grid.fit, grid.spacing], **options},
        shapes={"image": (channels, *grid.shape), "mask": stored, **shapes(grid)},
        decode=decode,
        remarks=KEYS,
    )
    found = cached(cache_dir, name, source, on_error)
    images, targets = found.arrays["image"], found.arrays["mask"].view(pixel)
    kept = [ordered[item] for item in found.kept]
    names, of = [case.name for case in kept], [case.split for case in kept]
    mention_copies(root, names, of, [""] * len(kept), copies(found.digests))
    splits = in_splits(images, targets, kept)
    dataset = Dataset(
        name,
        _findable(splits, root, kept) if unlabeled else splits,
        task,
        found.fingerprint,
        task.names,
        root=root.resolve() if unlabeled else None,
        unlabeled=unlabeled,
        masks=_asked_for(root, kept, masks) if unlabeled else masks,
        reading=reading,
    )
    _mention_empty(dataset)
    mention(found.arrays, grid)
    return dataset


def _below(case: Case, root: Path) -> str:
    """The path of a case's image below the root, by which people find it."""
    return case.image.relative_to(root).as_posix()


def _findable(splits: Mapping[str, Split], root: Path, cases: Sequence[Case]) -> dict[str, Split]:
    """The splits with the paths of their images for names, and the patients."""
    of_split = {name: [case for case in cases if case.split == name] for name in splits}
    return {
        name: replace(
            split,
            names=tuple(_below(case, root) for case in of_split[name]),
            patients=tuple(case.patient for case in of_split[name]),
        )
        for name, split in splits.items()
    }


def _asked_for(root: Path, cases: Sequence[Case], masks: Masks) -> Masks:
    """Masks that people may be asked for: those of cases have the cases' names."""
    return replace(masks, names={_below(case, root): f"{case.name}{masks.suffix}" for case in cases})


def in_splits(images: Tensor, targets: Tensor, cases: Sequence[Case]) -> dict[str, Split]:
    """What was made of the cases, which come in the order of their splits, with their names."""
    parts = consecutive(images, targets, [case.split for case in cases])
    return {
        split: replace(part, names=tuple(case.name for case in cases if case.split == split))
        for split, part in parts.items()
    }


def _mention_empty(dataset: Dataset) -> None:
    """Masks without any foreground are fine, but should not come as a surprise."""
    for name, split in dataset.splits.items():
        empty = sum(not mask.any() for mask in split.targets)
        if empty:
            print(f"al-run: {empty:,} of {len(split):,} {name} masks are empty", file=sys.stderr)
