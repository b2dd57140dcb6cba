"""A volume as its file has it, whatever the format."""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

Numbers = NDArray[np.generic]
TO_RAS = np.diag([-1.0, -1.0, 1.0, 1.0])
"""From DICOM's and ITK's millimeters, x to the patient's left and y to the back, to nibabel's."""

LARGEST_EXACT = 2**24
"""Up to here, 32-bit floats tell whole numbers apart."""


@dataclass(frozen=True)
class Stored:
    """What a header says, and how the numbers are had.

    Attributes:
        shape: voxels along the file's own three axes.
        channels: of a voxel.
        spacing: of neighboring voxels along these axes, mostly in mm.
        affine: from a voxel's position along these axes to mm: x from left to right, y from back to front, z
            from foot to head, as nibabel has it.
        values: reads all numbers, scaled as the header says: [*shape, channels]. Raises an `InputError`.
    """

    shape: tuple[int, int, int]
    channels: int
    spacing: tuple[float, float, float]
    affine: NDArray[np.float64]
    values: Callable[[], Numbers]


def as_whole(values: NDArray[np.float32]) -> Numbers:
    """Whole numbers as such, as Hounsfield units are, which nothing rounds later; others as they are."""
    is_exact = np.array_equal(np.rint(values), values) and np.abs(values).max() < LARGEST_EXACT
    return values.astype(np.int32) if is_exact else values


def line(error: Exception) -> str:
    """An error of a library's in one line."""
    return " ".join(str(error).split()) or type(error).__name__
