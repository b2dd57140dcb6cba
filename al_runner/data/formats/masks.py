"""Masks: the values of their pixels, and image files that hold them."""

import io
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from PIL import Image, UnidentifiedImageError

from al_runner.data.formats.remarks import Remark, remark
from al_runner.errors import InputError
from al_runner.files import replace

NEAR = 1e-3
"""How far a mask's value may be from the whole number that it stands for: some programs save floats."""
MOST_HELD = 20
"""Values of a mask that an error shows."""
SINGLE = ("1", "L", "P", "F", "I", "I;16", "I;16B", "I;16L")
"""Kinds of pixels that are one number."""


def read(path: Path) -> NDArray[Any]:
    """The values of an image file's pixels [height, width]; of a palette, its positions.

    Raises:
        InputError: it cannot be read, or its pixels are colors.
    """
    try:
        with Image.open(path) as image:
            if image.mode not in SINGLE:
                raise InputError(
                    f"{path.name} has pixels of the kind {image.mode}; a mask has one number for each"
                )
            return np.array(image)
    except InputError:
        raise
    except UnidentifiedImageError as error:
        raise InputError(f"{path.name} is not an image of a known format") from error
    except Exception as error:  # a decoder's, of any kind: nothing else runs here
        raise InputError(f"cannot read {path.name}: {getattr(error, 'strerror', None) or error}") from error


def write(path: Path, values: NDArray[Any]) -> None:
    """Write values of 0 to 65535 as a PNG file, all or nothing.

    Raises:
        InputError: it cannot be written.
    """
    content = io.BytesIO()
    Image.fromarray(values.astype(np.uint8 if values.max() < 2**8 else np.uint16)).save(content, "PNG")
    try:
        replace(path, content.getvalue())
    except OSError as error:
        raise InputError(f"cannot write {path}: {error.strerror or error}") from error


def _held(found: NDArray[Any]) -> str:
    """What a mask holds, if it is few whole numbers, which may be what is meant."""
    if len(found) > MOST_HELD or not (found == np.rint(found)).all():
        return ""
    held = [f"{value:g}" for value in found.tolist()]
    named = ", ".join(f"{value}: …" for value in held)
    return f", and it holds {', '.join(held)}: labels like {{{named}}} would name them"


def positions(values: NDArray[Any], labels: Sequence[int], path: Path) -> NDArray[np.uint8]:
    """The positions of a mask's values among the declared ones.

    Raises:
        InputError: a value is not declared.
    """
    values = _whole(values)
    found = np.unique(values)
    if wrong := [value for value in found.tolist() if value not in labels]:
        shown = ", ".join(f"{value:g}" for value in wrong[:4]) + (", …" if len(wrong) > 4 else "")
        declared = ", ".join(map(str, labels))
        raise InputError(f"{path.name} has the label {shown}; declared are {declared}{_held(found)}")
    return np.searchsorted(np.array(labels), values).astype(np.uint8)


def presence(values: NDArray[Any], path: Path) -> NDArray[np.bool_]:
    """Where a mask of one label alone has it: where it is not 0.

    Raises:
        InputError: it has several values besides 0, so it is a mask of several labels.
    """
    values = _whole(values)
    found = [value for value in np.unique(values).tolist() if value != 0]
    if len(found) > 1:
        shown = ", ".join(f"{value:g}" for value in found[:4]) + (", …" if len(found) > 4 else "")
        raise InputError(
            f"{path.name} has the values {shown}; a mask of one label has one besides 0: "
            "dataset.regions makes labels of several values"
        )
    return values != 0


def _whole(values: NDArray[Any]) -> NDArray[Any]:
    """Whole numbers where they are meant."""
    if values.dtype.kind != "f":
        return values
    whole = np.rint(values)
    near = np.where(np.abs(values - whole) <= NEAR, whole, values)
    if not np.array_equal(near, values, equal_nan=True):
        remark(Remark.NEAR)
    return near
