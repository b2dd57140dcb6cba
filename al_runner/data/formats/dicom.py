"""DICOM images as they are meant to be shown, by pydicom (extra `dicom`)."""

from importlib.util import find_spec
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from al_runner.errors import InputError

SUFFIXES = (".dcm", ".dicom", ".ima")
PREAMBLE = 128
"""Bytes before the letters by which a file says that it is DICOM."""
INDEX = "DICOMDIR"
"""The index of a medium, which is DICOM, and no image."""

Floats = NDArray[np.float64]


def require() -> None:
    """Refuse to begin where pydicom is missing."""
    if find_spec("pydicom") is None:
        raise InputError("DICOM files need pydicom: pip install 'al-runner[dicom]'")


def is_dicom(path: Path) -> bool:
    """Whether a file is DICOM: by its ending, or if it has none, as a PACS exports it, by how it begins.

    A number behind a dot is no ending: it is the last part of an identifier.
    """
    suffix = path.suffix.lower()
    if suffix in SUFFIXES:
        return True
    if (suffix and not suffix[1:].isdigit()) or path.name.upper() == INDEX:
        return False
    try:
        with path.open("rb") as file:
            file.seek(PREAMBLE)
            return file.read(4) == b"DICM"
    except OSError:
        return False


def read(path: Path) -> Image.Image:
    """A single image, after DICOM PS3.3 C.11 and C.7.6.3.1.2.

    Gray: stored values → rescale slope and intercept, or the modality's table → the first table of values of
    interest, or the first window, or the image's own minimum and maximum where it has neither → inverted
    where the photometric interpretation is MONOCHROME1. Color: RGB of 8 bits.

    Compressed files need one of pydicom's plugins for their transfer syntax, such as pylibjpeg (extra
    `dicom-compressed`).

    Returns:
        Floats of 0..255, or RGB.

    Raises:
        InputError: several frames. pydicom raises errors of many kinds.
    """
    values, data = decoded(path)
    if values.ndim == 3:
        return Image.fromarray(values)
    shown = _shown(values, data)
    return Image.fromarray((255 * (1 - shown if is_inverted(data) else shown)).astype(np.float32))


def decoded(path: Path) -> tuple[NDArray[Any], Any]:
    """A single image before anybody chose a window, and its header.

    Returns:
        Gray: [height, width], such as Hounsfield units; color: uint8 [height, width, 3].
        And the header: pydicom's data set.

    Raises:
        InputError: several frames. pydicom raises errors of many kinds.
    """
    from pydicom import dcmread
    from pydicom.pixels.processing import apply_color_lut, apply_modality_lut

    data = dcmread(path)
    if int(data.get("NumberOfFrames") or 1) > 1:
        raise InputError(f"has {data.NumberOfFrames} frames, where one image is expected")
    check_pixels(data)
    pixels, kind = data.pixel_array, str(data.PhotometricInterpretation)
    if kind == "PALETTE COLOR":
        pixels = apply_color_lut(pixels, data)
        return (pixels >> 8 if pixels.dtype == np.uint16 else pixels).astype(np.uint8), data
    if pixels.ndim == 3:
        return (pixels >> max(0, int(data.BitsStored) - 8)).astype(np.uint8), data
    return apply_modality_lut(pixels, data), data


def check_pixels(data: Any) -> None:
    """Say what a file is that has no pixels, or what reads them.

    Raises:
        InputError: it has none, or they are compressed in a way that nothing here reads.
    """
    from pydicom.pixels.decoders.base import get_decoder

    if not any(key in data for key in ("PixelData", "FloatPixelData", "DoubleFloatPixelData")):
        raise InputError(f"has no pixels (modality {data.get('Modality') or 'unknown'}): it is no image")
    syntax = getattr(data.file_meta, "TransferSyntaxUID", None)
    if syntax is None or not syntax.is_encapsulated:
        return
    try:
        is_read = get_decoder(syntax).is_available
    except NotImplementedError as error:
        raise InputError(f"is compressed as {syntax.name}, which pydicom does not read") from error
    if not is_read:
        raise InputError(
            f"is compressed as {syntax.name}, which pylibjpeg reads: pip install "
            "'al-runner[dicom-compressed]'"
        )


def is_inverted(data: Any) -> bool:
    """Whether the lowest value is white."""
    return str(data.PhotometricInterpretation) == "MONOCHROME1"


def first_window(data: Any) -> tuple[float, float, str] | None:
    """Center, width and function of the first window that a header gives; None = it gives none."""
    if data.get("WindowWidth") is None or data.get("WindowCenter") is None:
        return None
    center, width = (np.atleast_1d(data[key].value)[0] for key in ("WindowCenter", "WindowWidth"))
    return float(center), float(width), str(data.get("VOILUTFunction") or "LINEAR")


def _shown(values: NDArray[Any], data: Any) -> Floats:
    """The modality's values as gray of 0..1, as the file says that they be shown."""
    if data.get("VOILUTSequence"):
        return looked_up(values, data.VOILUTSequence[0])
    if (given := first_window(data)) is not None:
        return window(np.asarray(values, np.float64), *given)
    low, high = float(values.min()), float(values.max())
    return (values - low) / ((high - low) or 1.0)


def window(values: Floats, center: float, width: float, function: str = "LINEAR") -> Floats:
    """The window of DICOM PS3.3 C.11.2.1.2 and C.11.2.1.3, with gray of 0..1."""
    if function == "SIGMOID":
        return 1 / (1 + np.exp(-4 * (values - center) / width))
    if function == "LINEAR":
        center, width = center - 0.5, width - 1
    if width <= 0:
        return (values > center).astype(np.float64)
    return ((values - center) / width + 0.5).clip(0, 1)


def looked_up(values: NDArray[Any], item: Any) -> Floats:
    """A table of values of interest, DICOM PS3.3 C.11.2.1.1, with gray of 0..1.

    Not pydicom's: that of version 3.0 takes the values modulo 256 where the table's entries have 8 bits.
    """
    entries, first, bits = item.LUTDescriptor
    data = item.LUTData
    if isinstance(data, bytes):
        data = np.frombuffer(data, "<u2" if len(data) >= 2 * (entries or 2**16) else np.uint8)
    table = np.asarray(data, np.float64) / (2**bits - 1)
    return table[(values.astype(np.int64) - first).clip(0, len(table) - 1)]
