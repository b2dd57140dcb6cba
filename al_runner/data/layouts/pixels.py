"""What image files are decoded to."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from al_runner.data.formats.pictures import SUFFIXES, WHITE, read
from al_runner.data.reading import Recipe, filled
from al_runner.errors import InputError

CODE = '''import numpy as np
from PIL import Image


def read(path):
    """An image file, such as a PNG: uint8 [channels, edge, edge]."""
    image = Image.open(path)
    if image.mode.startswith("I"):  # 16 bits
        pixels = np.minimum(np.asarray(image), @WHITE@).astype(np.float32)
        image = Image.fromarray(pixels / np.float32(@WHITE@ / 255))
    elif image.has_transparency_data:
        black = Image.new("RGBA", image.size, "black")
        image = Image.alpha_composite(black, image.convert("RGBA")).convert(@MODE@)
    elif image.mode in ("1", "L", "RGB"):
        image = image.convert(@MODE@)
    else:
        image = image.convert("RGB").convert(@MODE@)
    image = image.resize((@EDGE@, @EDGE@), Image.Resampling.BILINEAR)
    if image.mode == "F":
        image = Image.fromarray(np.asarray(image).round().clip(0, 255).astype(np.uint8)).convert(@MODE@)
    return np.asarray(image).reshape(@EDGE@, @EDGE@, @CHANNELS@).transpose(2, 0, 1)
'''
"""What `pictures.read` does, for those who do not have it."""


@dataclass(frozen=True)
class Pixels:
    """What images are decoded to.

    Args:
        image_size: pixels of an edge, see `pictures.read`.
        channels: 1 for gray, 3 for RGB.
        white: the value of white in images of 16 bits; None = the highest that they can have.

    Raises:
        InputError: a value out of its range.
    """

    image_size: int
    channels: int
    white: int | None = None

    def __post_init__(self) -> None:
        if self.image_size < 1:
            raise InputError(f"dataset.image_size={self.image_size} must be at least 1")
        if self.channels not in (1, 3):
            raise InputError(f"dataset.channels={self.channels} must be 1 (gray) or 3 (RGB)")
        if self.white is not None and not 1 <= self.white <= WHITE:
            raise InputError(f"dataset.white={self.white} must be between 1 and {WHITE}")

    @property
    def suffixes(self) -> Sequence[str]:
        """Of image files."""
        return SUFFIXES

    def read(self, path: Path, found: Callable[[int], None] = lambda _highest: None) -> NDArray[np.uint8]:
        """A file's image: [channels, edge, edge]; `found` as in `pictures.read`."""
        return read(path, self.image_size, self.channels, self.white or WHITE, found)

    @property
    def recipe(self) -> Recipe:
        """How it is done."""
        edge, mode, white = self.image_size, "L" if self.channels == 1 else "RGB", self.white or WHITE
        words = [
            f"An image file is converted to {'gray (ITU-R 601 luma)' if mode == 'L' else 'RGB'}, without "
            "following an orientation in its EXIF data; transparent pixels lie on black.",
            f"It is then resized to {edge}×{edge} pixels by Pillow, bilinear, whatever its sides' ratio.",
            f"Pixels of 16 bits are scaled to 0..255 first, so that {white:,} is 255; they are rounded last.",
            "Of a DICOM file: the modality's rescaling, then the first table or window of values of "
            "interest, or else minimum to maximum, as 0..255; inverted where it is MONOCHROME1. The code "
            "leaves that to you.",
        ]
        values = {"white": white, "mode": mode, "edge": edge, "channels": self.channels}
        return Recipe(words, filled(CODE, **values))
