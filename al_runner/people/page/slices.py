"""Slices of volumes as radiologists look at them."""

from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import Any, Literal, get_args

import numpy as np
from numpy.typing import NDArray

from al_runner.data.formats.volume import Volume, files_of
from al_runner.errors import InputError
from al_runner.people.page.pictures import Picture, quantized

Plane = Literal["axial", "coronal", "sagittal"]
PLANES: tuple[Plane, ...] = get_args(Plane)
CUT = (0.5, 99.5)
"""Percentiles of the volume's values that are shown black and white at first."""
LOOKED_AT = 2**20
"""Voxels from which these are taken."""


@dataclass(frozen=True)
class Stack:
    """A volume, its axes from foot to head, back to front, left to right.

    Attributes:
        voxels: uint8 or uint16.
        low, step, window: as in `Picture`.
        spacing: of the voxels, along the axes.
    """

    voxels: NDArray[Any]
    low: float
    step: float
    window: tuple[float, float]
    spacing: tuple[float, float, float]

    def counts(self) -> dict[str, int]:
        """How many slices each plane has."""
        depth, height, width = self.voxels.shape
        return {"axial": depth, "coronal": height, "sagittal": width}

    def slice(self, plane: Plane, number: int) -> Picture:
        """As seen from the feet, from the front, and from the patient's left; the head is up.

        Args:
            plane: which one.
            number: from foot to head, back to front, left to right; one beyond the last is the last.
        """
        z, y, x = self.spacing
        number = max(0, min(number, self.counts()[plane] - 1))
        if plane == "axial":
            cut, aspect = self.voxels[number, ::-1, ::-1], y / x
        elif plane == "coronal":
            cut, aspect = self.voxels[::-1, number, ::-1], z / x
        else:
            cut, aspect = self.voxels[::-1, ::-1, number], z / y
        pixels = np.ascontiguousarray(cut)
        return Picture(pixels, self.low, self.step, self.window, aspect=aspect)


def read(path: Path) -> Stack:
    """The volume of a file; of several channels, the first. The last ones that were read are kept.

    Raises:
        InputError: it is not there or cannot be read; file names are not told.
    """
    try:
        return _read(path, max((each.stat().st_mtime_ns for each in files_of(path)), default=0))
    except FileNotFoundError as error:
        raise InputError("the file is not there") from error
    except (InputError, OSError, MemoryError) as error:
        raise InputError("the file cannot be read as a volume") from error


@lru_cache(maxsize=3)
def _read(path: Path, _time: int) -> Stack:
    volume = Volume.open(path)
    values = volume.pixels()[0]
    voxels, low, step = quantized(values)
    some = voxels.reshape(-1)[:: max(1, voxels.size // LOOKED_AT)]
    dark, bright = (float(value) for value in np.percentile(some, CUT))
    window = (low + step * dark, low + step * max(bright, dark + 1))
    return Stack(voxels, low, step, window, volume.spacing)
