"""Volumes of any format in one orientation, and the masks that belong to them."""

import gzip
import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import nibabel
import numpy as np
from nibabel.orientations import inv_ornt_aff
from numpy.typing import NDArray

from al_runner.data.formats import dicom, frames, itk, nifti, series, stacks
from al_runner.data.formats.masks import positions
from al_runner.data.formats.stored import Stored
from al_runner.errors import InputError
from al_runner.files import files_below, replace

Spacing = tuple[float, float, float]
SUFFIXES = (*nifti.SUFFIXES, nifti.PAIRS[0], *itk.SUFFIXES)
"""Names of files that are volumes whatever is in them."""
INTEGERS = (np.uint8, np.int16, np.int32, np.int64)
"""That a mask may be written as: the first that holds its values, as atlases have some of many digits."""
MISPLACED = 0.1
"""Voxels that a mask may be from its image: far more than headers are rounded, less than any real shift."""


def is_volume(path: Path) -> bool:
    """Whether a file is a volume by its name or its pages, or a folder or a part of one a DICOM series."""
    if path.name.lower().endswith(SUFFIXES) or stacks.is_stack(path):
        return True
    return series.is_series(path) or (dicom.is_dicom(path) and frames.is_volume(path))


def found(place: Path) -> list[Path]:
    """The volumes at a place, sorted: a file, or those below a folder, DICOM series among them."""
    files = files_below(place) if place.is_dir() else [place]
    plain = [path for path in files if path.name.lower().endswith(SUFFIXES) or stacks.is_stack(path)]
    return sorted([*plain, *series.places(files)])


def files_of(path: Path) -> list[Path]:
    """The files that a volume is read from."""
    if series.is_series(path):
        return files_below(series.folder_of(path))
    if path.suffix.lower() in nifti.PAIRS:
        return [path, *_there(path, nifti.PAIRS)]
    return [path, *_there(path, itk.BESIDE)] if path.suffix.lower() in itk.DETACHED else [path]


def _there(path: Path, suffixes: Sequence[str]) -> list[Path]:
    """The files of the same name, but for their ending."""
    beside = (path.with_name(path.stem + suffix) for suffix in suffixes)
    return [each for each in beside if each != path and each.is_file()]


@dataclass(frozen=True)
class Volume:
    """A file's content, or its header's.

    Attributes:
        shape: voxels from foot to head, back to front, left to right.
        spacing: of neighboring voxels along these axes, mostly in mm.
        channels: of a voxel, such as the length of a fourth axis.
        affine: from positions along x, y, z, once the axes run as above, to mm.
        stored: the same as the file has it.
        orientation: nibabel's, of the axes of `stored`.
    """

    shape: tuple[int, int, int]
    spacing: Spacing
    channels: int
    affine: NDArray[np.float64]
    stored: Stored
    orientation: NDArray[np.float64]

    @classmethod
    def open(cls, path: Path) -> "Volume":
        """Read the header.

        Raises:
            InputError: the file is missing, is of no known format, or has other than 3 or 4 axes; a series of
                slices is not whole; or a package is missing that reads them.
        """
        stored = _reader(path)(path)
        orientation = nibabel.io_orientation(stored.affine)
        if np.isnan(orientation).any():
            raise InputError(f"cannot read {path.name}: its header does not say how the axes run")
        x, y, z = np.argsort(orientation[:, 0])  # the axes of the file that run along these
        return cls(
            shape=(stored.shape[z], stored.shape[y], stored.shape[x]),
            spacing=(stored.spacing[z], stored.spacing[y], stored.spacing[x]),
            channels=stored.channels,
            affine=stored.affine @ inv_ornt_aff(orientation, stored.shape),
            stored=stored,
            orientation=orientation,
        )

    def pixels(self) -> NDArray[Any]:
        """All numbers as they are meant, scaled by the header: [channels, depth, height, width].

        Raises:
            InputError: the file was cut short, is of colors, or is compressed in a way that nothing reads.
        """
        content = self.stored.values()
        return nibabel.apply_orientation(content, self.orientation).transpose(3, 2, 1, 0)

    def apart(self, other: "Volume") -> float:
        """How far the corners of two volumes of one shape are from each other at most, in voxels."""
        last = np.array(self.shape[::-1]) - 1
        corners = np.array([(*(last * ends), 1) for ends in np.ndindex(2, 2, 2)])
        there = corners @ np.linalg.solve(self.affine, other.affine).T
        return float(np.abs(there - corners).max())


def _reader(path: Path) -> Callable[[Path], Stored]:
    """What reads a file; nibabel what nobody else does, as it knows more formats than are named here."""
    suffix = path.suffix.lower()
    if suffix in itk.SUFFIXES:
        return itk.stored
    if suffix in stacks.SUFFIXES:
        return stacks.stored
    if series.is_series(path):
        return series.stored
    return frames.stored if dicom.is_dicom(path) else nifti.stored


def read_image(path: Path, channels: int) -> tuple[NDArray[Any], Spacing]:
    """An image [channels, depth, height, width], and its spacing.

    Raises:
        InputError: it cannot be read, has another number of channels, or voxels that are not finite.
    """
    image = Volume.open(path)
    if image.channels != channels:
        raise InputError(f"{path.name} has {image.channels} channels, {channels} expected")
    pixels = image.pixels()
    if not np.isfinite(pixels).all():
        count = int((~np.isfinite(pixels)).sum())
        raise InputError(f"{path.name} has {count:,} voxels that are not finite")
    return pixels, image.spacing


def read_channels(paths: Sequence[Path], channels: int) -> tuple[NDArray[Any], Spacing]:
    """An image of one file, or of a file for each channel.

    Raises:
        InputError: as `read_image`, or the files do not lie on each other.
    """
    if len(paths) == 1:
        return read_image(paths[0], channels)
    first = Volume.open(paths[0])
    for path in paths[1:]:
        _check_on(paths[0].name, first, path.name, Volume.open(path))
    return np.concatenate([read_image(path, 1)[0] for path in paths]), first.spacing


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
    check_same(image_path.name, image, mask)
    return mask.pixels()[0], image.spacing


def check_same(name: str, image: Volume, mask: Volume) -> None:
    """Refuse a mask that does not lie on its image.

    Args:
        name: of the image.
        image: its header.
        mask: the mask's.

    Raises:
        InputError: they differ in shape, spacing or position.
    """
    _check_on(name, image, "its mask", mask)


def _check_on(name: str, image: Volume, other: str, mask: Volume) -> None:
    """The same, of any two volumes."""
    if mask.channels != 1 or mask.shape != image.shape:
        raise InputError(
            f"{name} has {_times(image.shape)} voxels, {other} {_times(mask.shape)}"
            + (f" and {mask.channels} channels" if mask.channels != 1 else "")
        )
    if not np.allclose(image.spacing, mask.spacing, rtol=1e-3):
        raise InputError(f"voxels of {name} are {_times(image.spacing)} mm, {other}'s {_times(mask.spacing)}")
    if (apart := image.apart(mask)) > MISPLACED:
        raise InputError(
            f"{name} and {other} are up to {apart:.3g} voxels apart: their headers (affine) give other "
            "positions or directions"
        )


def write_mask(image_path: Path, labels: NDArray[Any], path: Path) -> None:
    """Write the mask [depth, height, width] of an image as NIfTI, its axes as in the image's file.

    Raises:
        InputError: the image cannot be read, or the mask cannot be written.
    """
    image = Volume.open(image_path)
    back = nibabel.orientations.ornt_transform(nibabel.orientations.axcodes2ornt("RAS"), image.orientation)
    content = nibabel.apply_orientation(labels.transpose(2, 1, 0), back)
    least, most = labels.min(), labels.max()
    kind = next(kind for kind in INTEGERS if np.iinfo(kind).min <= least and most <= np.iinfo(kind).max)
    mask = nibabel.Nifti1Image(content.astype(kind), image.stored.affine, dtype=kind)
    try:
        replace(path, gzip.compress(mask.to_bytes(), mtime=0))
    except OSError as error:
        raise InputError(f"cannot write {path}: {error.strerror or error}") from error


def _times(numbers: Sequence[float]) -> str:
    return "×".join(f"{number:g}" for number in numbers)


def largest(shapes: Sequence[Sequence[int]]) -> tuple[int, ...]:
    """The smallest shape that holds all of them."""
    return tuple(math.ceil(max(edges)) for edges in zip(*shapes, strict=True))
