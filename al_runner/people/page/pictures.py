"""A file → the pixels that the page draws: the original ones, so that any window can be chosen."""

from dataclasses import dataclass
from pathlib import Path, PurePosixPath, PureWindowsPath
from typing import Any

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageOps

from al_runner.data.formats import dicom
from al_runner.errors import InputError

LEVELS = 2**16 - 1
"""Steps between the lowest and the highest value of an image of more than 16 bits, or of floats."""
MOST_PIXELS = 2**25
"""Pixels up to which an image is sent whole. Browsers draw no canvas that is much larger."""


@dataclass(frozen=True)
class Picture:
    """What the page draws.

    Attributes:
        pixels: uint8 or uint16 [height, width], or uint8 [height, width, 3].
        low: the image's own value where a pixel is 0.
        step: by which its value grows from one pixel value to the next.
        window: its values that are shown black and white at first.
        inverted: the lowest value is white.
        aspect: height of a pixel, in widths.
        reduced: so many of the file's pixels are one, along each edge.
    """

    pixels: NDArray[Any]
    low: float = 0.0
    step: float = 1.0
    window: tuple[float, float] = (0.0, 255.0)
    inverted: bool = False
    aspect: float = 1.0
    reduced: int = 1

    def told(self) -> dict[str, object]:
        """What the page has to know beside the pixels' bytes."""
        kind = "rgb8" if self.pixels.ndim == 3 else "gray8" if self.pixels.itemsize == 1 else "gray16"
        return {
            "kind": kind,
            "height": self.pixels.shape[0],
            "width": self.pixels.shape[1],
            "low": self.low,
            "step": self.step,
            "window": self.window,
            "inverted": self.inverted,
            "aspect": self.aspect,
            "reduced": self.reduced,
        }

    def body(self) -> bytes:
        """The pixels, row by row; 16 bits with the lower byte first."""
        return self.pixels.astype(self.pixels.dtype.newbyteorder("<"), copy=False).tobytes()


def place_of(root: Path, sample: str) -> Path:
    """The file of a sample, which lies below the root. Links that lie there may lead elsewhere.

    Raises:
        InputError: the path leads out of the root.
    """
    windows = PureWindowsPath(sample)
    if ".." in windows.parts or windows.is_absolute() or windows.drive or PurePosixPath(sample).is_absolute():
        raise InputError("lies outside the folder of the images")
    return root / sample


def read(path: Path) -> Picture:
    """What Pillow or pydicom opens, upright.

    Raises:
        InputError: it is not there, not an image, damaged, or has several frames.
    """
    try:
        return _dicom(path) if dicom.is_dicom(path) else _picture(path)
    except InputError:
        raise
    except FileNotFoundError as error:
        raise InputError("the file is not there") from error
    except Exception as error:  # a decoder's, of any kind: nothing else runs here
        raise InputError("the file cannot be read as an image") from error


def _picture(path: Path) -> Picture:
    with Image.open(path) as image:
        if image.format == "TIFF" and getattr(image, "n_frames", 1) > 1:
            raise InputError("the file has several pages, where one image is expected")
        turned = ImageOps.exif_transpose(image)
        reduced = _excess(turned.width, turned.height)
        if turned.mode == "F" or turned.mode.startswith("I"):
            return gray(np.asarray(turned)[::reduced, ::reduced], reduced=reduced)
        shown = _opaque(turned)
        return Picture(np.asarray(shown.reduce(reduced) if reduced > 1 else shown), reduced=reduced)


def _opaque(image: Image.Image) -> Image.Image:
    """Gray or RGB of 8 bits; what is transparent lies on black."""
    if image.has_transparency_data:
        black = Image.new("RGBA", image.size, "black")
        image = Image.alpha_composite(black, image.convert("RGBA"))
    gray_ones = image.mode in ("1", "L", "LA")
    return image.convert("L" if gray_ones else "RGB")


def _dicom(path: Path) -> Picture:
    dicom.require()
    values, data = dicom.decoded(path)
    reduced = _excess(values.shape[1], values.shape[0])
    values = values[::reduced, ::reduced]
    if values.ndim == 3:
        return Picture(values, reduced=reduced)
    aspect = _aspect(data)
    inverted = dicom.is_inverted(data)
    if data.get("VOILUTSequence"):  # the table is what shows the image: the window lies on its gray
        values = np.round(dicom.looked_up(values, data.VOILUTSequence[0]) * LEVELS).astype(np.uint16)
        return gray(values, (0, LEVELS), inverted, aspect, reduced)
    given = dicom.first_window(data)
    window = given and (given[0] - given[1] / 2, given[0] + given[1] / 2)
    return gray(values, window, inverted, aspect, reduced)


def _aspect(data: Any) -> float:
    for key in ("PixelSpacing", "ImagerPixelSpacing", "PixelAspectRatio"):
        if (given := data.get(key)) is not None and len(given) == 2 and float(given[1]) > 0 < float(given[0]):
            return float(given[0]) / float(given[1])
    return 1.0


def gray(
    values: NDArray[Any],
    window: tuple[float, float] | None = None,
    inverted: bool = False,
    aspect: float = 1.0,
    reduced: int = 1,
) -> Picture:
    """Values of any kind as a picture, exact where their range has 16 bits.

    Args:
        values: [height, width].
        window: that is shown at first; None = all values.
        inverted: as in `Picture`, like the rest.
        aspect: height of a pixel, in widths.
        reduced: what was left out.
    """
    pixels, low, step = quantized(values)
    whole = (low, low + step * max(1, int(pixels.max(initial=0))))
    if pixels.dtype == np.uint8:
        whole = (0.0, 255.0)
    return Picture(pixels, low, step, window or whole, inverted, aspect, reduced)


def quantized(values: NDArray[Any]) -> tuple[NDArray[Any], float, float]:
    """Values as uint8 or uint16, the value at 0, and the step. What is not finite is the lowest."""
    if values.dtype == np.uint8:
        return values, 0.0, 1.0
    finite = values if values.dtype.kind in "iub" else values[np.isfinite(values)]
    low, high = (float(finite.min()), float(finite.max())) if finite.size else (0.0, 0.0)
    if values.dtype.kind in "iub" and high - low <= LEVELS:
        return (values.astype(np.int64) - int(low)).astype(np.uint16), low, 1.0
    step = (high - low) / LEVELS or 1.0
    scaled = np.nan_to_num((values - low) / step, nan=0.0, posinf=LEVELS, neginf=0.0)
    return scaled.round().clip(0, LEVELS).astype(np.uint16), low, step


def _excess(width: int, height: int) -> int:
    """By how much each edge is reduced, so that no more than `MOST_PIXELS` are left."""
    factor = 1
    while (width // factor) * (height // factor) > MOST_PIXELS:
        factor += 1
    return factor
