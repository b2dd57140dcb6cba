"""Images with masks, from files to a data set."""

import sys
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from al_runner.data.cache import Arrays, Source, cached
from al_runner.data.dataset import SPLITS, Dataset, Split
from al_runner.data.partition import partition
from al_runner.errors import InputError
from al_runner.tasks import Segmentation


@dataclass(frozen=True)
class Case:
    """An image and its mask.

    Attributes:
        name: for people, such as the file's name.
        image: its file.
        mask: the mask's.
        patient: whose it is.
        split: `train`, `val` or `test`; empty = not said yet.
    """

    name: str
    image: Path
    mask: Path
    patient: str
    split: str = ""


def dealt(cases: Sequence[Case], shares: Sequence[float], seed: int) -> list[str]:
    """A split for each case, whole patients together, in the given shares.

    Raises:
        InputError: other than three shares above 0.
    """
    if len(shares) != len(SPLITS) or min(shares) <= 0:
        raise InputError(f"dataset.split={list(shares)}: the shares of {', '.join(SPLITS)}, each above 0")
    patients = [case.patient for case in cases]
    return partition([""] * len(cases), patients, dict(zip(SPLITS, shares, strict=True)), seed)


def decoded(
    name: str,
    root: Path,
    cases: Sequence[Case],
    channels: int,
    shape: tuple[int, ...],
    options: Mapping[str, Any],
    decode: Callable[[Case], Arrays],
    task: Segmentation,
    cache_dir: str | Path,
) -> Dataset:
    """The data set of all cases, decoded once.

    Args:
        name: for people and folders.
        root: folder of the files.
        cases: each with its split.
        channels: of an image.
        shape: of an image on the grid.
        options: all else that `decode` depends on, as values that JSON has.
        decode: makes `image`, uint8 [channels, *shape], and `mask`, uint8 [*shape].
        task: what the masks mean.
        cache_dir: folder of decoded data.

    Raises:
        InputError: files that cannot be read, or a split without any.
    """
    ordered = sorted(cases, key=lambda case: SPLITS.index(case.split))  # so that a split is a slice
    source = Source(
        root=root,
        files=[path for case in ordered for path in (case.image, case.mask)],
        items=[case.name for case in ordered],
        options=dict(options),
        shapes={"image": (channels, *shape), "mask": shape},
        decode=lambda item: decode(ordered[item]),
    )
    found = cached(cache_dir, name, source)
    splits = {}
    for split in SPLITS:
        members = [k for k, case in enumerate(ordered) if case.split == split]
        part = slice(members[0], members[-1] + 1) if members else slice(0)
        splits[split] = Split(found.arrays["image"][part], found.arrays["mask"][part])
    dataset = Dataset(name, splits, task, found.fingerprint, task.names)
    _mention_empty(dataset)
    return dataset


def _mention_empty(dataset: Dataset) -> None:
    """Masks without any foreground are fine, but should not come as a surprise."""
    for name, split in dataset.splits.items():
        empty = int((split.targets.flatten(1).amax(1) == 0).sum())
        if empty:
            print(f"al-run: {empty:,} of {len(split):,} {name} masks are empty", file=sys.stderr)
