"""One image file → uint8 pixels of a given size: what Pillow opens, and DICOM."""

from collections.abc import Callable
from pathlib import Path
from typing import Annotated, Any

import numpy as np
from annotated_types import Interval
from numpy.typing import NDArray
from PIL import Image, ImageOps, UnidentifiedImageError

from al_runner.data.formats import dicom, jpegs
from al_runner.errors import InputError

SUFFIXES = (
    ".bmp",
    ".jpeg",
    ".jpg",
    ".pgm",
    ".png",
    ".ppm",
    ".tif",
    ".tiff",
    ".webp",
    *dicom.SUFFIXES,
)
"""Names of image files end so; other files are none."""


WHITE = 2**16 - 1
White = Annotated[int, Interval(ge=1, le=WHITE)]
"""The highest value that a pixel of 16 bits can have."""


def is_image(path: Path) -> bool:
    """Whether a file is an image, by its name, or by how it begins."""
    return path.suffix.lower() in SUFFIXES or dicom.is_dicom(path)


def read(
    path: Path,
    image_size: int,
    channels: int,
    white: int = WHITE,
    found: Callable[[int], None] = lambda _highest: None,
    upright: bool = False,
) -> NDArray[np.uint8]:
    """An image in gray or color, resized to a square.

    Resized by Pillow, bilinear and antialiased, as torchvision's `Resize((s, s))` does; the sides' ratio is
    not kept. Gray is ITU-R 601 luma, before resizing; of a JPEG it is the luma that the file holds, so that
    its colors need not be decoded: the same numbers, except where a strong color was clipped. JPEGs are
    decoded at full size, for their reduced sizes give up to 18 other levels of 255; most are by `jpegs`, to
    the same pixels. 16-bit pixels are scaled to 8 bits, `white` to 255; transparent ones lie on black.

    Args:
        path: the file.
        image_size: pixels of an edge.
        channels: 1 for gray, 3 for RGB.
        white: the value of white in images of 16 bits; higher ones are white, too.
        found: told the highest value of an image of 16 bits.
        upright: the orientation in the file's EXIF data is followed, as torchvision does not. That of a TIFF
            file is in either case.

    Returns:
        [channels, image_size, image_size].

    Raises:
        InputError, OSError: not an image, damaged, or of a kind whose range of values is not known.
    """
    return _read(path, (image_size, image_size), channels, white, found, upright)


def whole(path: Path, channels: int, white: int = WHITE) -> NDArray[np.uint8]:
    """The same as it is stored, at its own size: [channels, height, width]."""
    return _read(path, None, channels, white, lambda _highest: None)


def shape(path: Path) -> tuple[int, int]:
    """Height and width of an image.

    Raises:
        InputError: it cannot be read.
    """
    try:
        if dicom.is_dicom(path):
            image = dicom.read(path)
            return image.height, image.width
        with Image.open(path) as image:
            return image.height, image.width
    except InputError:
        raise
    except Exception as error:  # a decoder's, of any kind: nothing else runs here
        raise InputError(f"cannot read {path.name}: {getattr(error, 'strerror', None) or error}") from error


def _read(
    path: Path,
    size: tuple[int, int] | None,
    channels: int,
    white: int,
    found: Callable[[int], None],
    upright: bool = False,
) -> NDArray[np.uint8]:
    mode = "L" if channels == 1 else "RGB"
    try:
        pixels: NDArray[Any] | None = jpegs.read(path, mode, upright)
        if pixels is None:
            image = dicom.read(path) if dicom.is_dicom(path) else _open(path, mode, white, found, upright)
            pixels = _resized(image, size)
        elif size not in (None, pixels.shape[1::-1]):
            pixels = _resized(Image.fromarray(pixels), size)
    except InputError:
        raise
    except UnidentifiedImageError as error:
        raise InputError(_empty(path) or "not an image of a known format") from error
    except Exception as error:  # a decoder's, of any kind: nothing else runs here
        raise InputError(_empty(path) or str(error) or type(error).__name__) from error
    if pixels.dtype != np.uint8:
        pixels = pixels.round().clip(0, 255).astype(np.uint8)
    if pixels.ndim == 2:
        return np.broadcast_to(pixels, (channels, *pixels.shape))
    if pixels.shape[2] != channels:
        pixels = np.asarray(Image.fromarray(pixels).convert(mode))[..., None]
    return pixels.transpose(2, 0, 1)


def _resized(image: Image.Image, size: tuple[int, int] | None) -> NDArray[Any]:
    if size not in (None, image.size):
        image = image.resize(size, Image.Resampling.BILINEAR)
    return np.asarray(image)


def _empty(path: Path) -> str:
    """What there is to say of a file without content: a copy that failed, mostly."""
    return "has no content: 0 bytes" if path.is_file() and not path.stat().st_size else ""


def _open(path: Path, mode: str, white: int, found: Callable[[int], None], upright: bool) -> Image.Image:
    """The image as Pillow has it: in `mode`, or as floats of 0..255."""
    with Image.open(path) as image:
        if image.format == "TIFF" and getattr(image, "n_frames", 1) > 1:
            raise InputError("has several pages, where one image is expected")
        if mode == "L":
            image.draft("L", image.size)
        if upright:
            ImageOps.exif_transpose(image, in_place=True)
        if image.mode == "F":
            raise InputError("has floating-point pixels, whose range is not known: store 8 or 16 bits")
        if image.mode.startswith("I"):
            return _of_16_bits(np.asarray(image), white, found)
        if image.has_transparency_data:
            black = Image.new("RGBA", image.size, "black")
            return Image.alpha_composite(black, image.convert("RGBA")).convert(mode)
        if image.mode not in ("1", "L", "RGB"):  # from CMYK or a palette there is no direct way to gray
            return image.convert("RGB").convert(mode)
        return image.convert(mode)


def _of_16_bits(pixels: NDArray[Any], white: int, found: Callable[[int], None]) -> Image.Image:
    if pixels.min() < 0 or pixels.max() > WHITE:
        raise InputError(f"has pixels of {pixels.min()} to {pixels.max()}, where 16 bits are expected")
    found(int(pixels.max()))
    return Image.fromarray(np.minimum(pixels, white).astype(np.float32) / np.float32(white / 255))
