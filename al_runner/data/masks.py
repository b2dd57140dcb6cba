"""The masks of a data set's images as files: how they become targets, and how targets become files."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Protocol

import numpy as np
from numpy.typing import NDArray
from torch import Tensor, from_numpy

Labels = tuple[NDArray[np.uint8], Sequence[float]]
"""Of a mask [...] on its image's own pixels, and the distance of neighboring pixels along each axis."""


class OnGrid(Protocol):
    """How masks come to the grid of a data set's images, and leave it: `layouts.grid.Grid`."""

    def mask(self, labels: NDArray[np.uint8], spacing: Sequence[float]) -> NDArray[np.uint8]:
        """Labels on an image's own pixels on the grid."""

    def crops(self, labels: NDArray[np.uint8], spacing: Sequence[float]) -> bool:
        """Whether foreground is lost there."""

    def back(
        self, labels: NDArray[np.uint8], shape: Sequence[int], spacing: Sequence[float]
    ) -> NDArray[np.uint8]:
        """Labels on the grid on the pixels of an image of some shape and spacing."""


@dataclass(frozen=True)
class Masks:
    """How the masks of images are read and written.

    Attributes:
        suffix: of a mask's file that people save, or that is written for them.
        values: what its pixels may hold → the label that it stands for, the background's first.
        labels: an image's file and a mask's → the mask's labels, as positions in `values`, checked against
            the image: an `InputError` says what does not fit.
        size: an image's file → the shape and the spacing of its pixels, from the header.
        save: an image's file, labels on its own pixels, and a file: writes the mask there.
        grid: what images and their masks come to.
        names: path of an image below the data set's root → the name that the file of its mask must have;
            empty where people are asked for none.
    """

    suffix: str
    values: Mapping[int, str]
    labels: Callable[[Path, Path], Labels]
    size: Callable[[Path], tuple[Sequence[int], Sequence[float]]]
    save: Callable[[Path, NDArray[np.uint8], Path], None]
    grid: OnGrid
    names: Mapping[str, str] = field(default_factory=dict)

    def read(self, image: Path, mask: Path) -> tuple[Tensor, bool]:
        """The target that a mask's file makes, uint8 on the grid, and whether it loses foreground there.

        Raises:
            InputError: it cannot be read, or does not fit its image.
        """
        labels = self.labels(image, mask)
        return from_numpy(self.grid.mask(*labels)), self.grid.crops(*labels)

    def write(self, image: Path, target: Tensor, mask: Path) -> NDArray[np.uint8]:
        """Write a target as the mask of an image, on the image's own pixels; its labels there [...].

        Raises:
            InputError: the image cannot be read, or the mask cannot be written.
        """
        labels = self.grid.back(target.numpy(), *self.size(image))
        self.save(image, labels, mask)
        return labels
