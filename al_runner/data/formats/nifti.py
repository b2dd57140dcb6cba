"""NIfTI files (`.nii`, `.nii.gz`): images and masks in one orientation."""

import gzip
import math
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import nibabel
import numpy as np
from nibabel.orientations import inv_ornt_aff
from nibabel.spatialimages import SpatialImage
from numpy.typing import NDArray

from al_runner.data.formats.arrays import check_fits
from al_runner.data.formats.masks import positions
from al_runner.errors import InputError
from al_runner.files import replace

Spacing = tuple[float, float, float]
SUFFIXES = (".nii", ".nii.gz")
INTEGERS = (np.uint8, np.int16, np.int32, np.int64)
"""That a mask may be written as: the first that holds its values, as atlases have some of many digits."""
MISPLACED = 0.1
"""Voxels that a mask may be from its image: far more than headers are rounded, less than any real shift."""


@dataclass(frozen=True)
class Volume:
    """A file's content, or its header's.

    Attributes:
        shape: voxels from foot to head, back to front, left to right.
        spacing: of neighboring voxels along these axes, mostly in mm.
        channels: 1, or the length of a fourth axis.
        affine: from positions along x, y, z, once the axes run as above, to mm.
        source: what the numbers are read from.
        orientation: nibabel's, of the axes of `source`.
    """

    shape: tuple[int, int, int]
    spacing: tuple[float, float, float]
    channels: int
    affine: NDArray[np.float64]
    source: SpatialImage
    orientation: NDArray[np.float64]

    @classmethod
    def open(cls, path: Path) -> "Volume":
        """Read the header.

        Raises:
            InputError: the file is missing, is none of this format, or has other than 3 or 4 axes.
        """
        try:
            image = nibabel.load(path)
        except Exception as error:  # nibabel's and the decompressor's, of many kinds: nothing else runs here
            why = "it is not there" if not path.is_file() else _line(error)
            raise InputError(f"cannot read {path.name}: {why}") from error
        if not isinstance(image, SpatialImage):
            raise InputError(f"cannot read {path.name}: it is no volume")
        if len(image.shape) not in (3, 4):
            raise InputError(f"{path.name} has {len(image.shape)} axes; expected 3, or 4 with channels last")
        orientation = nibabel.io_orientation(image.affine)
        if np.isnan(orientation).any():
            raise InputError(f"cannot read {path.name}: its header does not say how the axes run")
        x, y, z = np.argsort(orientation[:, 0])  # the axes of the file that run along these
        shape = (image.shape[z], image.shape[y], image.shape[x])
        steps = image.header.get_zooms()
        spacing = (float(steps[z]), float(steps[y]), float(steps[x]))
        channels = image.shape[3] if len(image.shape) == 4 else 1
        affine = image.affine @ inv_ornt_aff(orientation, image.shape[:3])
        return cls(shape, spacing, channels, affine, image, orientation)

    def pixels(self, path: Path) -> NDArray[Any]:
        """All numbers as they are meant, scaled by the header: [channels, depth, height, width].

        Raises:
            InputError: the file was cut short, or is of colors.
        """
        if self.source.get_data_dtype().names:
            raise InputError(f"{path.name} has RGB voxels; expected gray ones")
        check_fits(math.prod(self.source.shape) * self.source.get_data_dtype().itemsize, path.name)
        try:
            content = np.asanyarray(self.source.dataobj)
        except Exception as error:  # the decompressor's, of many kinds: nothing else runs here
            raise InputError(f"{path.name} is damaged or was cut short: {_line(error)}") from error
        content = content.reshape(*content.shape[:3], self.channels)
        return nibabel.apply_orientation(content, self.orientation).transpose(3, 2, 1, 0)

    def apart(self, other: "Volume") -> float:
        """How far the corners of two volumes of one shape are from each other at most, in voxels."""
        last = np.array(self.shape[::-1]) - 1
        corners = np.array([(*(last * ends), 1) for ends in np.ndindex(2, 2, 2)])
        there = corners @ np.linalg.solve(self.affine, other.affine).T
        return float(np.abs(there - corners).max())


def read_image(path: Path, channels: int) -> tuple[NDArray[Any], Spacing]:
    """An image [channels, depth, height, width], and its spacing.

    Raises:
        InputError: it cannot be read, has another number of channels, or voxels that are not finite.
    """
    image = Volume.open(path)
    if image.channels != channels:
        raise InputError(f"{path.name} has {image.channels} channels, {channels} expected")
    pixels = image.pixels(path)
    if not np.isfinite(pixels).all():
        count = int((~np.isfinite(pixels)).sum())
        raise InputError(f"{path.name} has {count:,} voxels that are not finite")
    return pixels, image.spacing


def read_mask(image_path: Path, mask_path: Path, labels: Sequence[int]) -> tuple[NDArray[np.uint8], Spacing]:
    """The mask of an image, of which only the header is read.

    Args:
        image_path: the image's file.
        mask_path: the mask's file.
        labels: the values that a mask may have.

    Returns:
        Positions in `labels` [depth, height, width]; spacing.

    Raises:
        InputError: they differ in shape, spacing or position, or a label is not declared.
    """
    values, spacing = read_values(image_path, mask_path)
    return positions(values, labels, mask_path), spacing


def read_values(image_path: Path, mask_path: Path) -> tuple[NDArray[Any], Spacing]:
    """The same with the mask's values as they are.

    Raises:
        InputError: they differ in shape, spacing or position.
    """
    image, mask = Volume.open(image_path), Volume.open(mask_path)
    if mask.channels != 1 or mask.shape != image.shape:
        raise InputError(
            f"{image_path.name} has {_times(image.shape)} voxels, its mask {_times(mask.shape)}"
            + (f" and {mask.channels} channels" if mask.channels != 1 else "")
        )
    if not np.allclose(image.spacing, mask.spacing, rtol=1e-3):
        raise InputError(
            f"voxels of {image_path.name} are {_times(image.spacing)} mm, its mask's {_times(mask.spacing)}"
        )
    if (apart := image.apart(mask)) > MISPLACED:
        raise InputError(
            f"{image_path.name} and its mask are up to {apart:.3g} voxels apart: their headers (affine) give "
            "other positions or directions"
        )
    return mask.pixels(mask_path)[0], image.spacing


def write_mask(image_path: Path, labels: NDArray[Any], path: Path) -> None:
    """Write the mask [depth, height, width] of an image, its axes as in the image's file.

    Raises:
        InputError: the image cannot be read, or the mask cannot be written.
    """
    image = Volume.open(image_path)
    back = nibabel.orientations.ornt_transform(nibabel.orientations.axcodes2ornt("RAS"), image.orientation)
    content = nibabel.apply_orientation(labels.transpose(2, 1, 0), back)
    least, most = labels.min(), labels.max()
    kind = next(kind for kind in INTEGERS if np.iinfo(kind).min <= least and most <= np.iinfo(kind).max)
    mask = nibabel.Nifti1Image(content.astype(kind), image.source.affine, dtype=kind)
    try:
        replace(path, gzip.compress(mask.to_bytes(), mtime=0))
    except OSError as error:
        raise InputError(f"cannot write {path}: {error.strerror or error}") from error


def _times(numbers: Sequence[float]) -> str:
    return "×".join(f"{number:g}" for number in numbers)


def _line(error: Exception) -> str:
    return " ".join(str(error).split()) or type(error).__name__


def largest(shapes: Sequence[Sequence[int]]) -> tuple[int, ...]:
    """The smallest shape that holds all of them."""
    return tuple(math.ceil(max(edges)) for edges in zip(*shapes, strict=True))
