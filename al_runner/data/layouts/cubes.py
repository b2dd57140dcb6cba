"""Volumes as cubes: what a classification of whole volumes sees of them."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from al_runner.data.formats import volume
from al_runner.data.layouts.grid import Grid, Levels
from al_runner.data.layouts.gridded import Gridded, volumes
from al_runner.data.reading import Recipe
from al_runner.values import Count


@dataclass(frozen=True)
class Cubes:
    """What volumes are decoded to: cubes, from foot to head, back to front, left to right.

    Args:
        image_size: voxels of an edge; the edges' ratio is not kept.
        window: the intensities of black and white, as for CT; None = by `Levels.percentiles`.
    """

    image_size: Count
    window: Sequence[float] | None = None
    white: None = None

    def __post_init__(self) -> None:
        self.levels  # noqa: B018  checks the window

    @property
    def levels(self) -> Levels:
        """The intensities."""
        return Levels() if self.window is None else Levels((float(self.window[0]), float(self.window[1])))

    @property
    def shape(self) -> tuple[int, ...]:
        """Of a volume."""
        return (1, self.image_size, self.image_size, self.image_size)

    @property
    def options(self) -> Mapping[str, Any]:
        """What the result depends on besides the shape."""
        return {"levels": [self.levels.window, self.levels.percentiles]}

    @property
    def suffixes(self) -> Sequence[str]:
        """Of volumes."""
        return self._reading.suffixes

    def found(self, place: Path) -> list[Path]:
        """Volumes, DICOM series among them."""
        return self._reading.found(place)

    def sources(self, path: Path) -> Sequence[Path]:
        """The files of a volume."""
        return volume.files_of(path)

    @property
    def recipe(self) -> Recipe:
        """How it is done."""
        return self._reading.recipe

    @property
    def _reading(self) -> Gridded:
        return volumes(1, self.levels, Grid(self.shape[1:], "resize"))

    def read(
        self,
        path: Path,
        found: Callable[[int], None] = lambda _highest: None,  # noqa: ARG002
    ) -> NDArray[np.uint8]:
        """A volume of one channel."""
        return self._reading.read(path)
