"""A data set: three splits of index-addressed images, and a task."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path

import torch
from torch import Tensor

from al_runner.data.masks import Masks
from al_runner.data.overlay import Overlay
from al_runner.data.reading import Reading
from al_runner.data.tasks import Task
from al_runner.errors import InputError

SPLITS = ("train", "val", "test")
BLACK, WHITE = -1.0, 1.0
"""What 0 and 255 become by `normalize`."""


@dataclass(frozen=True)
class Split:
    """Samples that are addressed by index.

    Attributes:
        images: uint8 [N, channels, (depth,) height, width], or features of them, float32 [N, D]; may be a
            tensor over a memory map.
        targets: [N, ...] as the task defines them; below 0 where a label is not known (`data.words`).
        names: of the samples, where data sets are to be told to have the same ones, or people are to find
            them; empty = not known.
        patients: whose they are; empty = not known.
        answers: index → the target that people gave in place of that of `targets`.
    """

    images: Tensor
    targets: Tensor
    names: tuple[str, ...] = ()
    patients: tuple[str, ...] = ()
    answers: Mapping[int, Tensor] = field(default_factory=dict)

    def __len__(self) -> int:
        return len(self.images)

    @property
    def labels(self) -> Overlay:
        """The targets, with what people answered."""
        return Overlay(self.targets, self.answers)

    @cached_property
    def told(self) -> Tensor:
        """The samples whose label is known, which can be measured on: int64 [n], ascending."""
        return self.labels.told().nonzero().flatten()


@dataclass(frozen=True)
class Dataset:
    """Three splits, what their labels mean, and where they come from.

    Attributes:
        name: for people and folders.
        splits: `train` (the pool), `val` and `test`.
        task: what the targets mean.
        fingerprint: identifies the content; a run refuses to go on with other data.
        class_names: one name for each class or label.
        root: where `Split.names` are files below; None = the samples are no files.
        unlabeled: some labels are not known yet, and there may be no validation split.
        masks: how those of its images are read from files and written; None = there are none.
        reading: reads files as the images were read; None = they were no files.

    Raises:
        InputError: an empty split, images of another type or shape, or targets that the task refuses.
    """

    name: str
    splits: Mapping[str, Split]
    task: Task
    fingerprint: str
    class_names: tuple[str, ...] = ()
    root: Path | None = None
    unlabeled: bool = False
    masks: Masks | None = None
    reading: Reading | None = None

    def __post_init__(self) -> None:
        if missing := [name for name in SPLITS if name not in self.splits]:
            raise InputError(f"dataset {self.name} lacks the split {' and '.join(missing)}")
        if not self.task.dense and len(self.class_names) not in (0, self.task.n_classes):
            raise InputError(
                f"dataset {self.name}: {len(self.class_names)} class names for {self.task.n_classes} classes"
            )
        for name in SPLITS:
            split = self.splits[name]
            if not (isinstance(split.images, Tensor) and isinstance(split.targets, Tensor)):
                raise InputError(f"dataset {self.name}: {name} images and targets must be PyTorch tensors")
            if not len(split) and not (self.unlabeled and name == "val"):
                raise InputError(f"dataset {self.name}: the {name} split is empty")
            if len(split.targets) != len(split):
                raise InputError(
                    f"dataset {self.name}: {len(split)} {name} images, but {len(split.targets)} targets"
                )
            if not _are_images(split.images) and not _are_features(split.images):
                raise InputError(
                    f"dataset {self.name}: {name} images are {split.images.dtype} with {split.images.ndim} "
                    "axes; expected uint8 [N, channels, (depth,) height, width]"
                )
            if split.images.shape[1:] != self.train.images.shape[1:]:
                raise InputError(
                    f"dataset {self.name}: {name} images are {shape_of(split.images)}, "
                    f"train images {shape_of(self.train.images)}"
                )
            targets = split.labels[split.told] if self.unlabeled else split.targets
            if len(targets) and (fault := self.task.check(targets)):
                raise InputError(f"dataset {self.name}: in the {name} split, {fault}")

    @property
    def train(self) -> Split:
        """The training split: the pool."""
        return self.splits["train"]

    def sampled(self, split: str) -> tuple[str, ...]:
        """The patients of a split that was drawn at random to measure on; empty: it is another one."""
        return self.splits[split].patients if self.unlabeled and split == "test" else ()

    @property
    def channels(self) -> int:
        """Channels of an image."""
        return self.train.images.shape[1]

    @property
    def image_size(self) -> tuple[int, ...]:
        """(height, width) or (depth, height, width)."""
        return tuple(self.train.images.shape[2:])

    @property
    def nbytes(self) -> int:
        """Bytes of all images."""
        return sum(split.images.nbytes for split in self.splits.values())


def consecutive(images: Tensor, targets: Tensor, splits: Sequence[str]) -> dict[str, Split]:
    """The splits of samples that come in the order of `SPLITS`: views of the same memory.

    Args:
        images, targets: of all samples.
        splits: of each sample.
    """
    sizes = [sum(each == split for each in splits) for split in SPLITS]
    parts = zip(SPLITS, images.split(sizes), targets.split(sizes), strict=True)
    return {split: Split(*part) for split, *part in parts}


def shape_of(images: Tensor) -> str:
    """The shape of one of some images in words: channels×height×width."""
    return "×".join(map(str, images.shape[1:]))


def _are_images(images: Tensor) -> bool:
    return images.dtype == torch.uint8 and images.ndim in (4, 5)


def _are_features(images: Tensor) -> bool:
    return images.dtype == torch.float32 and images.ndim == 2


def normalize(images: Tensor) -> Tensor:
    """uint8 0..255 → float32 −1..1, the (0.5, 0.5) normalization of MedMNIST and of the technion system.

    Features are left as they are.
    """
    if images.is_floating_point():
        return images
    return images.to(torch.float32).mul_(2 / 255).sub_(1)
