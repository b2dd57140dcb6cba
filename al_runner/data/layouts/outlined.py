"""Images with masks, from files to a data set."""

import sys
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from torch import Tensor, from_numpy

from al_runner.data.cache import Arrays, OnError, Source, cached
from al_runner.data.dataset import SPLITS, Dataset, Split, consecutive
from al_runner.data.formats.remarks import listening
from al_runner.data.layouts.grid import Grid
from al_runner.data.layouts.gridded import Gridded, itself
from al_runner.data.layouts.leaks import copies, mention_copies
from al_runner.data.layouts.noticed import KEYS, mention, noticed, shapes
from al_runner.data.outlining import Drawing, Outlining
from al_runner.data.partition import partition, random_sample, shares_of_splits
from al_runner.data.tasks import Segmentation
from al_runner.data.words import UNKNOWN_MASK
from al_runner.errors import InputError

FORMAT = 1
"""Of what is made of an image and its mask: another one is decoded anew."""

Labels = tuple[NDArray[np.uint8], Sequence[float]]
"""Of a mask [...], and the distance of neighboring pixels along each axis."""


@dataclass(frozen=True)
class Case:
    """An image and its mask.

    Attributes:
        name: for people, such as the file's name.
        image: its file.
        mask: the mask's; None = nobody has outlined it yet.
        patient: whose it is.
        split: `train`, `val` or `test`; empty = not said yet.
    """

    name: str
    image: Path
    mask: Path | None
    patient: str
    split: str = ""


@dataclass(frozen=True)
class Masks:
    """How the masks of cases are read, and what people's look like.

    Attributes:
        read: the labels of a case, as a mask's file has them, checked against its image.
        suffix: of a mask's file that people save.
        values: what its pixels may hold → label.
        write: an image's file, a mask on its own pixels, and where to write it.
        sources: the files that a mask is read from.
    """

    read: Callable[[Case, Path], Labels]
    suffix: str
    values: Mapping[int, str]
    write: Callable[[Path, NDArray[np.uint8], Path], None]
    sources: Callable[[Path], Sequence[Path]] = itself

    def files_of(self, mask: Path | None) -> Sequence[Path]:
        """Those of a mask, if there is one."""
        return [] if mask is None else self.sources(mask)


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
    cases: Sequence[Case], split: Sequence[float], test_size: int | None, seed: int
) -> tuple[list[Case], list[Any]]:
    """The cases with a split each, and what that depends on.

    Args:
        cases: those that have a split keep it; the others are dealt out among the splits that are left.
        split: shares of train, val and test.
        test_size: in place of them, the size of a random sample, see `drawn`.
        seed: of who goes where.
    """
    if test_size is None:
        given, others = [case for case in cases if case.split], [case for case in cases if not case.split]
        taken = {case.split for case in given}
        shares = {name: share for name, share in shares_of_splits(split).items() if name not in taken}
        return [*given, *dealt(others, shares, seed)], [*split, seed]
    return drawn(cases, test_size, seed), ["drawn", test_size, seed]


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
    task: Segmentation,
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
        masks: how they are read.
        task: what the masks mean.
        cache_dir: folder of decoded data.
        on_error: `skip` leaves out cases that cannot be read.
        unlabeled: people may be asked for masks that are missing.

    Raises:
        InputError: files that cannot be read, or a split without any.
    """
    grid = reading.grid
    ordered = sorted(cases, key=lambda case: SPLITS.index(case.split))  # so that a split is a slice

    def decode(item: int) -> Arrays:
        case = ordered[item]
        with listening() as remarks:
            pixels, spacing = reading.numbers(case.image)
            labels = None if case.mask is None else masks.read(case, case.mask)
        cropped = labels is not None and grid.crops(*labels)
        return {
            "image": reading.on_grid(pixels, spacing),
            "mask": np.full(grid.shape, UNKNOWN_MASK, np.uint8) if labels is None else grid.mask(*labels),
            **noticed(cropped, remarks, pixels.shape[1:]),
        }

    source = Source(
        root=root,
        files=[
            path for case in ordered for path in (*reading.sources(case.image), *masks.files_of(case.mask))
        ],
        items=[case.name for case in ordered],
        options={"format": FORMAT, "grid": [grid.shape, grid.fit, grid.spacing], **options},
        shapes={"image": (channels, *grid.shape), "mask": grid.shape, **shapes(grid)},
        decode=decode,
        remarks=KEYS,
    )
    found = cached(cache_dir, name, source, on_error)
    images, targets = found.arrays["image"], found.arrays["mask"]
    kept, drawing = [ordered[item] for item in found.kept], _drawing(reading, masks)
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
        outlining=_outlining(root, kept, reading.grid, masks, drawing) if unlabeled else None,
        drawing=drawing,
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


def _drawing(reading: Gridded, masks: Masks) -> Drawing:
    """How masks leave the grid."""

    def write(image: Path, target: Tensor, mask: Path) -> NDArray[np.uint8]:
        pixels, spacing = reading.numbers(image)
        labels = reading.grid.back(target.numpy(), pixels.shape[1:], spacing)
        masks.write(image, labels, mask)
        return labels

    return Drawing(masks.suffix, masks.values, write)


def _outlining(root: Path, cases: Sequence[Case], grid: Grid, masks: Masks, drawing: Drawing) -> Outlining:
    """What people need to know of the cases, and how their masks come to the grid."""
    of_path = {_below(case, root): case for case in cases}

    def read(path: str, mask: Path, tell: bool) -> Tensor:
        labels = masks.read(of_path[path], mask)
        if tell and grid.crops(*labels):
            print(
                f"al-run: {mask.name} reaches beyond dataset.shape={list(grid.shape)} and loses foreground",
                file=sys.stderr,
            )
        return from_numpy(grid.mask(*labels))

    def write(path: str, target: Tensor, mask: Path) -> None:
        drawing.write(of_path[path].image, target, mask)

    names = {path: f"{case.name}{masks.suffix}" for path, case in of_path.items()}
    return Outlining(names, masks.values, read, write)


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
