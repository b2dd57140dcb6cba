"""The masks of a data set's images as files: how they become targets, and how targets become files."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray
from torch import Tensor, from_numpy

from al_runner.data.tasks.mask_metrics import column

Pixels = NDArray[np.integer[Any]]
"""Numbers of labels, or bit fields of labels that may overlap."""
Labels = tuple[Pixels, Sequence[float]]
"""Of a mask [...] on its image's own pixels, and the distance of neighboring pixels along each axis."""
Size = Callable[[Path], tuple[Sequence[int], Sequence[float]]]
"""An image's file → the shape and the spacing of its pixels, from the header."""
Sources = Callable[[Path], Sequence[Path]]
"""A mask's place → the files that are read there."""
Save = Callable[[Path, Pixels, Path], None]
"""An image's file, labels on its own pixels, and a file: writes the mask there."""


def itself(path: Path) -> Sequence[Path]:
    """What most masks are read from: one file."""
    return [path]


def of_one(read: Callable[[Path, Path], Labels]) -> Callable[[Path, Sequence[Path | None]], Labels]:
    """Reads the labels of an image from its mask's one file."""

    def labels(image: Path, files: Sequence[Path | None]) -> Labels:
        (path,) = files
        if path is None:
            raise ValueError("an image without a mask has no labels to be read")
        return read(image, path)

    return labels


class OnGrid(Protocol):
    """How masks come to the grid of a data set's images, and leave it: `layouts.grid.Grid`."""

    def mask(self, labels: Pixels, spacing: Sequence[float]) -> Pixels:
        """Labels on an image's own pixels on the grid."""

    def crops(self, labels: Pixels, spacing: Sequence[float]) -> bool:
        """Whether foreground is lost there."""

    def back(self, labels: Pixels, shape: Sequence[int], spacing: Sequence[float]) -> Pixels:
        """Labels on the grid on the pixels of an image of some shape and spacing."""


@dataclass(frozen=True)
class Masks:
    """How the masks of images are read and written.

    Attributes:
        suffix: of a mask's file that people save, or that is written for them.
        values: what its pixels may hold → the label that it stands for, the background's first.
        labels: an image's file, and its mask's: one, or one for each label (None: the image has none of it) →
            the mask's labels, as positions in `values` or bit fields, checked against the image: an
            `InputError` says what does not fit.
        size: of an image.
        save: writes labels; of those that may overlap, one of them, as 0 and 1.
        grid: what images and their masks come to.
        overlapping: names of the labels, if they may overlap: each is written to a file of its own.
        sources: the files that a mask is read from.
        names: path of an image below the data set's root → the name that the file of its mask must have;
            empty where people are asked for none.
    """

    suffix: str
    values: Mapping[int, str]
    labels: Callable[[Path, Sequence[Path | None]], Labels]
    size: Size
    save: Save
    grid: OnGrid
    overlapping: Sequence[str] = ()
    sources: Sources = itself
    names: Mapping[str, str] = field(default_factory=dict)

    @property
    def endings(self) -> list[str]:
        """Of the names of the files that a mask is written to, after the image's name."""
        return [f"_{column(name)}{self.suffix}" for name in self.overlapping] or [self.suffix]

    def read(self, image: Path, mask: Path) -> tuple[Tensor, bool]:
        """The target that a mask's file makes, uint8 on the grid, and whether it loses foreground there.

        Raises:
            InputError: it cannot be read, or does not fit its image.
        """
        labels = self.labels(image, [mask])
        return from_numpy(self.grid.mask(*labels)), self.grid.crops(*labels)

    def write(self, image: Path, target: Tensor, files: Sequence[Path]) -> list[float]:
        """Write a target as the mask of an image, on the image's own pixels.

        Args:
            image: its file.
            target: on the grid.
            files: one for each of `endings`.

        Returns:
            The share of the pixels that each label has.

        Raises:
            InputError: the image cannot be read, or the mask cannot be written.
        """
        labels = self.grid.back(target.numpy(), *self.size(image))
        if not self.overlapping:
            self.save(image, labels, files[0])
            return [float(np.mean(labels == position)) for position in range(len(self.values))]
        planes = [labels >> bit & 1 for bit in range(len(self.overlapping))]
        for plane, path in zip(planes, files, strict=True):
            self.save(image, plane, path)
        return [float(plane.mean()) for plane in planes]
