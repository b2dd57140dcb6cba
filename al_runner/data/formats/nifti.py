"""NIfTI files (`.nii`, `.nii.gz`, pairs of `.hdr` and `.img`), and whatever else nibabel reads."""

import math
from pathlib import Path

import nibabel
import nibabel.affines
import numpy as np
from nibabel.analyze import AnalyzeImage
from nibabel.nifti1 import Nifti1Pair
from nibabel.spatialimages import SpatialImage

from al_runner.data.formats.arrays import check_fits
from al_runner.data.formats.remarks import Remark, remark
from al_runner.data.formats.stored import Numbers, Stored, line
from al_runner.errors import InputError

SUFFIXES = (".nii", ".nii.gz")
PAIRS = (".hdr", ".img")
"""A header, and the numbers that it describes, beside each other."""

SCALED = 1e-2
"""Part by which the scale of an affine may differ from the spacing: 32 bits, and decimals."""


def stored(path: Path) -> Stored:
    """What nibabel says of a file.

    Raises:
        InputError: the file is missing, is none of this format, or has other than 3 or 4 axes.
    """
    image = _loaded(path)
    if len(image.shape) not in (3, 4):
        raise InputError(f"{path.name} has {len(image.shape)} axes; expected 3, or 4 with channels last")
    steps = image.header.get_zooms()
    _check_header(image)
    channels = image.shape[3] if len(image.shape) == 4 else 1
    return Stored(
        shape=(image.shape[0], image.shape[1], image.shape[2]),
        channels=channels,
        spacing=(float(steps[0]), float(steps[1]), float(steps[2])),
        affine=image.affine,
        values=lambda: _values(path, image, channels),
    )


def _check_header(image: SpatialImage) -> None:
    """Say what in a header contradicts itself, or is not told by it."""
    if isinstance(image, AnalyzeImage) and not isinstance(image, Nifti1Pair):
        remark(Remark.SIDE)
    scale, steps = nibabel.affines.voxel_sizes(image.affine), image.header.get_zooms()[:3]
    if isinstance(image, Nifti1Pair) and not np.allclose(scale, steps, rtol=SCALED):
        remark(Remark.SCALE)


def _loaded(path: Path) -> SpatialImage:
    try:
        image = nibabel.load(path)
    except Exception as error:  # nibabel's and the decompressor's, of many kinds: nothing else runs here
        raise InputError(f"cannot read {path.name}: {_why(path, error)}") from error
    if not isinstance(image, SpatialImage):
        raise InputError(f"cannot read {path.name}: it is no volume")
    return image


def _why(path: Path, error: Exception) -> str:
    if not path.is_file():
        return "it is not there"
    if not path.stat().st_size:
        return "it has no content: 0 bytes"
    if path.suffix.lower() in PAIRS and isinstance(error, FileNotFoundError):
        other = PAIRS[1 - PAIRS.index(path.suffix.lower())]
        return f"{path.stem}{other} is not beside it"
    return line(error)


def _values(path: Path, image: SpatialImage, channels: int) -> Numbers:
    if image.get_data_dtype().names:
        raise InputError(f"{path.name} has RGB voxels; expected gray ones")
    try:
        check_fits(math.prod(image.shape) * image.get_data_dtype().itemsize, path.name)
        content = np.asanyarray(image.dataobj)
    except Exception as error:  # the decompressor's, of many kinds: nothing else runs here
        raise InputError(f"{path.name} is damaged or was cut short: {line(error)}") from error
    return content.reshape(*content.shape[:3], channels)
