"""Slices as DICOM places them in space, and the volume that they make if they are whole."""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from al_runner.data.formats.remarks import Remark, remark
from al_runner.data.formats.stored import TO_RAS
from al_runner.errors import InputError

UNEVEN = 0.1
"""Parts of a gap by which another may differ; see `ROUNDED`."""
ROUNDED = 0.11
"""The same in mm: some scanners round positions to a tenth."""
TURNED = 1e-3
"""By which the directions of slices may differ: as far as decimals are rounded."""
STRAIGHT = math.cos(math.radians(0.5))
"""Of the angle between the way from slice to slice and the normal, as much as decimals are rounded."""
FEWEST = 2


@dataclass(frozen=True)
class Plane:
    """A slice, DICOM PS3.3 C.7.6.2.

    Attributes:
        name: for people.
        position: of its first pixel's center, in mm, x to the patient's left, y to the back, z to the head.
        directions: unit vectors along a row and along a column.
        spacing: from row to row, and from column to column, in mm.
        shape: rows and columns.
    """

    name: str
    position: tuple[float, float, float]
    directions: tuple[float, ...]
    spacing: tuple[float, float]
    shape: tuple[int, int]

    @property
    def normal(self) -> NDArray[np.float64]:
        """The direction across."""
        return np.cross(self.directions[:3], self.directions[3:])

    @property
    def height(self) -> float:
        """Where it lies along the normal, in mm."""
        return float(np.dot(self.normal, self.position))


def plane(name: str, header: Any, position: Any, orientation: Any, measures: Any) -> Plane | None:
    """A slice of what its header says, or of parts of it that say it; None = it does not say where it lies.

    Args:
        name: for people.
        header: has the rows and columns.
        position: has ImagePositionPatient.
        orientation: has ImageOrientationPatient.
        measures: has PixelSpacing.
    """
    place = _numbers(position, "ImagePositionPatient")
    directions = _numbers(orientation, "ImageOrientationPatient")
    spacing = _numbers(measures, "PixelSpacing")
    if len(place) != 3 or len(directions) != 6 or len(spacing) != 2 or min(spacing) <= 0:
        return None
    shape = (int(header.Rows), int(header.Columns))
    return Plane(name, (place[0], place[1], place[2]), directions, (spacing[0], spacing[1]), shape)


def _numbers(source: Any, key: str) -> tuple[float, ...]:
    """The values of a key; none, if there are none."""
    values = source.get(key) if source is not None else None
    return tuple(map(float, values or ()))


@dataclass(frozen=True)
class Block:
    """The volume of slices.

    Attributes:
        order: the positions of the slices that were given, from the first along the normal to the last.
        shape: columns, rows, slices.
        spacing: along these, in mm.
        affine: as in `Stored`.
    """

    order: Sequence[int]
    shape: tuple[int, int, int]
    spacing: tuple[float, float, float]
    affine: NDArray[np.float64]


def block(planes: Sequence[Plane], what: str) -> Block:
    """The volume that some slices make.

    Args:
        planes: in any order.
        what: they are, for people.

    Raises:
        InputError: they are too few, of several kinds, two lie in one place, or one is missing; says where.
    """
    if len(planes) < FEWEST:
        raise InputError(f"{what} has one slice, and a volume has several")
    order = sorted(range(len(planes)), key=lambda number: planes[number].height)
    first, last = planes[order[0]], planes[order[-1]]
    for number in order:
        _check_like(planes[number], first, what)
    _check_gaps([planes[number] for number in order], what)
    step = np.subtract(last.position, first.position) / (len(planes) - 1)
    if np.dot(first.normal, step) < STRAIGHT * np.linalg.norm(step):
        remark(Remark.TILT)
    rows, columns = first.spacing
    affine = np.eye(4)
    affine[:3, 0] = np.multiply(first.directions[:3], columns)
    affine[:3, 1] = np.multiply(first.directions[3:], rows)
    affine[:3, 2] = step
    affine[:3, 3] = first.position
    shape = (first.shape[1], first.shape[0], len(planes))
    spacing = (columns, rows, float(abs(np.dot(first.normal, step))))
    return Block(order, shape, spacing, TO_RAS @ affine)


def _check_like(each: Plane, first: Plane, what: str) -> None:
    """Refuse a slice of another size or direction than the first."""
    if each.shape != first.shape:
        size, other = ("×".join(map(str, one.shape)) for one in (each, first))
        raise InputError(f"{what}: {each.name} has {size} pixels, {first.name} {other}")
    if not np.allclose(each.spacing, first.spacing, rtol=TURNED):
        size, other = ("×".join(f"{value:g}" for value in one.spacing) for one in (each, first))
        raise InputError(f"{what}: pixels of {each.name} are {size} mm, those of {first.name} {other}")
    if not np.allclose(each.directions, first.directions, atol=TURNED):
        raise InputError(f"{what}: {each.name} and {first.name} lie in different directions")


def _check_gaps(planes: Sequence[Plane], what: str) -> None:
    """Refuse slices, sorted, that do not lie one gap from each other."""
    heights = np.array([each.height for each in planes])
    gaps = np.diff(heights)
    usual = float(np.percentile(gaps, 50, method="lower"))  # of two gaps, the wide one has lost a slice
    tolerance = max(UNEVEN * usual, min(ROUNDED, usual / 2))
    same = np.flatnonzero(gaps < min(tolerance, ROUNDED) if usual else gaps <= 0)
    if len(same):
        one, other = planes[same[0]], planes[same[0] + 1]
        more = f", as do {len(same) - 1:,} further pairs" if len(same) > 1 else ""
        raise InputError(
            f"{what}: {one.name} and {other.name} lie in one place, {one.height:.4g} mm along the normal"
            f"{more}: it holds several volumes, such as phases or echoes"
        )
    wide = np.flatnonzero(np.abs(gaps - usual) > tolerance)
    if len(wide):
        at = int(wide[0])
        lost = round(float(gaps[at]) / usual) - 1
        said = f"{lost:,} slice{'s are' if lost > 1 else ' is'} missing" if lost > 0 else "the gap is uneven"
        more = f", and at {len(wide) - 1:,} further places" if len(wide) > 1 else ""
        raise InputError(
            f"{what}: {said} between {planes[at].name} and {planes[at + 1].name}, at {heights[at]:.4g} to "
            f"{heights[at + 1]:.4g} mm along the normal, where slices are {usual:.4g} mm apart{more}"
        )
