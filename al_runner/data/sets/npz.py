"""Files in MedMNIST's layout: an npz with `{train,val,test}_{images,labels}`."""

import hashlib
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Literal

import numpy as np
import torch
from medmnist.info import INFO
from torch import Tensor

from al_runner.data.dataset import SPLITS, Dataset, Split
from al_runner.data.formats.arrays import Array, read_all
from al_runner.data.reading import Arrays
from al_runner.data.tasks import Binary, MultiClass, MultiLabel, Task
from al_runner.errors import InputError
from al_runner.values import Count, Named

TaskName = Literal["auto", "binary", "multiclass", "multilabel"]

OFFICIAL_MD5 = {
    f"{flag}{key.removeprefix('MD5')}.npz": md5
    for flag, info in INFO.items()
    for key, md5 in info.items()
    if key.startswith("MD5")
}
"""File name → checksum of every MedMNIST file."""


def load(
    path: Named | Path,
    name: Named | None = None,
    task: TaskName = "auto",
    n_classes: Count | None = None,
    md5: Named | None = None,
) -> Dataset:
    """A data set from one file in MedMNIST's layout.

    Args:
        path: the file. Images are uint8 [N, H, W], [N, H, W, channels], [N, D, H, W] or
            [N, D, H, W, channels] (a last axis of at most 4 counts as channels); labels are integers
            [N], [N, 1], or [N, L] of 0/1 for multi-label.
        name: the data set's name; the file's name by default.
        task: `auto` takes [N, L > 1] for multi-label, two classes for binary, more for multi-class.
        n_classes: classes or labels; by default as many as the labels show.
        md5: the checksum that the file must have; by default the official one for a file that bears the
            name of an official MedMNIST file.

    Raises:
        InputError: the file is missing, unreadable, lacks a key, has lengths that differ or labels out of
            range, or has another checksum than it should.
    """
    path = Path(path).expanduser()
    found = file_md5(path)
    expected = md5 or OFFICIAL_MD5.get(path.name)
    if expected not in (None, found):
        raise InputError(
            f"{path} bears the name of an official MedMNIST file, but its MD5 is {found}, not {expected}: "
            "delete it if it is damaged, rename it if it is another"
        )
    arrays = read_arrays(path)
    splits = {split: _split(path, split, arrays) for split in SPLITS}
    return Dataset(
        name=name or path.stem,
        splits=splits,
        task=_task(path, task, n_classes, splits),
        fingerprint=f"md5:{found}",
        reading=Arrays(tuple(splits["train"].images.shape[1:])),
    )


def file_md5(path: Path) -> str:
    """MD5 of a file's content.

    Raises:
        InputError: it cannot be read.
    """
    try:
        with path.open("rb") as file:
            return hashlib.file_digest(file, "md5").hexdigest()
    except OSError as error:
        raise InputError(f"cannot read the data file {path}: {error.strerror or error}") from error


def read_arrays(path: Path) -> Mapping[str, Array]:
    """The six arrays of the layout.

    Raises:
        InputError: not an npz file, truncated, or without one of the keys.
    """
    keys = [f"{split}_{part}" for split in SPLITS for part in ("images", "labels")]
    return read_all(path, keys)


def _split(path: Path, split: str, arrays: Mapping[str, Array]) -> Split:
    images, labels = arrays[f"{split}_images"], arrays[f"{split}_labels"]
    if len(images) != len(labels):
        raise InputError(f"{path}: {len(images)} {split}_images, but {len(labels)} {split}_labels")
    if images.dtype != np.uint8 or images.ndim not in (3, 4, 5):
        raise InputError(
            f"{path}: {split}_images are {images.dtype} with {images.ndim} axes; expected uint8 "
            "[N, H, W], [N, H, W, channels], [N, D, H, W] or [N, D, H, W, channels]"
        )
    if labels.dtype.kind not in "uib" or labels.ndim not in (1, 2):
        raise InputError(
            f"{path}: {split}_labels are {labels.dtype} with {labels.ndim} axes; expected integers [N], "
            "[N, 1] or [N, L]"
        )
    targets = torch.from_numpy(labels.astype(np.int64))
    return Split(_channels_first(images), targets.squeeze(1) if targets.shape[1:] == (1,) else targets)


def _channels_first(images: Array) -> Tensor:
    """[N, (D,) H, W(, channels)] → [N, channels, (D,) H, W]."""
    tensor = torch.from_numpy(images)
    has_channels = images.ndim > 3 and images.shape[-1] <= 4
    return tensor.movedim(-1, 1).contiguous() if has_channels else tensor.unsqueeze(1)


def _mention_gaps(path: Path, labels: Tensor, count: int) -> None:
    """A stray label makes classes that nobody meant."""
    if gaps := [str(label) for label in range(count) if not (labels == label).any()]:
        there = f"{', '.join(gaps[:5])}{' …' if len(gaps) > 5 else ''}"
        print(
            f"al-run: {path}: the largest label makes {count} classes, but no training image is of class "
            f"{there}; dataset.n_classes says how many there are",
            file=sys.stderr,
        )


def _task(path: Path, name: TaskName, n_classes: int | None, splits: Mapping[str, Split]) -> Task:
    targets = [split.targets for split in splits.values() if len(split)]
    if len({t.shape[1:] for t in targets}) > 1:
        raise InputError(f"{path}: the splits' labels differ in shape")
    if not targets:
        raise InputError(f"{path} holds no images")
    labels = targets[0].shape[1] if targets[0].ndim == 2 else None
    if (name == "multilabel") != (labels is not None) and name != "auto":
        raise InputError(f"dataset.task={name}, but the labels of {path} are {'[N, L]' if labels else '[N]'}")
    if labels is not None:
        return MultiLabel(n_classes or labels)
    count = n_classes or max(int(t.max()) for t in targets) + 1
    if n_classes is None:
        _mention_gaps(path, splits["train"].targets, count)
    if name == "binary" or (name == "auto" and count <= 2):
        return Binary()
    return MultiClass(count)
