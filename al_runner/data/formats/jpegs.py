"""JPEG files that only need to be decoded, by simplejpeg: Pillow's pixels in about half its time."""

from io import BytesIO
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from PIL import ExifTags, Image

try:
    import simplejpeg
except ImportError:  # no build for this machine: Pillow reads the same pixels
    simplejpeg = None

SUFFIXES = (".jpeg", ".jpg")
MOST_BYTES = 2**28
"""Of a file that is read whole; Pillow looks at larger ones bit by bit."""
MARKS_OF_ORIENTATION = (b"Exif\0\0", b"tiff:Orientation")
"""One of these is in a file that says how it is turned."""


def read(path: Path, mode: str, upright: bool) -> NDArray[np.uint8] | None:
    """The pixels of a gray or YCbCr JPEG: [height, width] of mode `L`, [height, width, 3] of `RGB`.

    Both libraries have libjpeg-turbo decode with its exact transform and smooth chroma, so the pixels are the
    same to the bit. None where only Pillow knows what to do: other files and colors, the slightest damage,
    an orientation to be followed, and sizes that Pillow warns of.

    Raises:
        OSError: the file cannot be read.
    """
    if simplejpeg is None or path.suffix.lower() not in SUFFIXES or path.stat().st_size > MOST_BYTES:
        return None
    content = path.read_bytes()
    try:
        height, width, space, _ = simplejpeg.decode_jpeg_header(content)
        too_many = Image.MAX_IMAGE_PIXELS is not None and height * width > Image.MAX_IMAGE_PIXELS
        if space not in ("Gray", "YCbCr") or too_many or (upright and _turned(content)):
            return None
        if mode == "L":
            return np.asarray(simplejpeg.decode_jpeg(content, "GRAY")).reshape(height, width)
        return np.asarray(simplejpeg.decode_jpeg(content, "RGB"))
    except ValueError:
        return None


def _turned(content: bytes) -> bool:
    if not any(mark in content for mark in MARKS_OF_ORIENTATION):
        return False
    with Image.open(BytesIO(content)) as image:
        return bool(image.getexif().get(ExifTags.Base.Orientation, 1) != 1)
