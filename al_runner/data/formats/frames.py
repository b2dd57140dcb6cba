"""DICOM files of many frames that are a volume: the enhanced objects of DICOM PS3.3 C.7.6.16."""

from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from al_runner.data.formats import dicom
from al_runner.data.formats.planes import Plane, block, plane
from al_runner.data.formats.stored import Numbers, Stored, as_whole
from al_runner.errors import InputError


def is_volume(path: Path) -> bool:
    """Whether a DICOM file has many frames that say where they lie.

    Raises:
        InputError: pydicom is missing.
    """
    try:
        header = _header(path)
    except InputError:
        return False
    return _count(header) > 1 and None not in _planes(header)


def stored(path: Path) -> Stored:
    """The frames, sorted by their place along the normal.

    Raises:
        InputError: pydicom is missing, it cannot be read, is a single image, or its frames do not say where
            they lie or are not whole.
    """
    header = _header(path)
    if (count := _count(header)) < 2:
        raise InputError(f"{path.name} is one slice: name the folder of its series (dataset.images=images/*)")
    planes = [each for each in _planes(header) if each is not None]
    if len(planes) < count:
        raise InputError(
            f"{path.name} has {count} frames that do not say where they lie: it is no volume, but a film"
        )
    made = block(planes, path.name)
    return Stored(made.shape, 1, made.spacing, made.affine, lambda: _values(path, made.order))


def _header(path: Path) -> Any:
    dicom.require()
    from pydicom import dcmread

    try:
        return dcmread(path, stop_before_pixels=True)
    except Exception as error:  # pydicom's, of many kinds: nothing else runs here
        why = "it is not there"
        if path.is_file():
            why = " ".join(str(error).split()) if path.stat().st_size else "it has no content: 0 bytes"
        raise InputError(f"cannot read {path.name}: {why}") from error


def _count(header: Any) -> int:
    return int(header.get("NumberOfFrames") or 1)


def _planes(header: Any) -> list[Plane | None]:
    """Where the frames lie."""
    return [
        plane(
            f"frame {number + 1}",
            header,
            _item(groups, "PlanePositionSequence"),
            _item(groups, "PlaneOrientationSequence"),
            _item(groups, "PixelMeasuresSequence"),
        )
        for number, groups in enumerate(_groups(header))
    ]


def _groups(header: Any) -> Iterator[Sequence[Any]]:
    """The functional groups of each frame: its own first, then those of all frames."""
    shared = list(header.get("SharedFunctionalGroupsSequence") or [])
    own = list(header.get("PerFrameFunctionalGroupsSequence") or [])
    for number in range(_count(header)):
        yield [*own[number : number + 1], *shared]


def _item(groups: Sequence[Any], name: str) -> Any:
    """The item of a functional group; None = nobody has it."""
    return next((items[0] for group in groups if (items := group.get(name))), None)


def _values(path: Path, order: Sequence[int]) -> Numbers:
    """The frames in their own units: columns, rows, frames, one channel."""
    from pydicom import dcmread

    try:
        data = dcmread(path)
        dicom.check_pixels(data)
        pixels = data.pixel_array
    except InputError as error:
        raise InputError(f"{path.name} {error}") from error
    except Exception as error:  # pydicom's and its plugins', of many kinds: nothing else runs here
        raise InputError(f"{path.name} cannot be read: {' '.join(str(error).split())}") from error
    if pixels.ndim != 3:
        raise InputError(f"{path.name} is in color; expected gray frames")
    groups = list(_groups(data))
    scaled = np.stack([_rescaled(pixels[number], groups[number]) for number in order])
    return as_whole(scaled).transpose(2, 1, 0)[..., None]


def _rescaled(pixels: Numbers, groups: Sequence[Any]) -> NDArray[np.float32]:
    item = _item(groups, "PixelValueTransformationSequence")
    if item is None:
        return pixels.astype(np.float32)
    scaled = pixels.astype(np.float64) * float(item.RescaleSlope) + float(item.RescaleIntercept)
    return scaled.astype(np.float32)
