"""What image files are decoded to."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

from al_runner.data.formats.pictures import SUFFIXES, WHITE, White, is_image, read
from al_runner.data.reading import Recipe, files_at, filled
from al_runner.values import Count

OPENED = '''import numpy as np
@IMPORTS@from PIL import Image


def read(path):
    """An image file, such as a PNG: uint8 [channels, height, width]."""
    image = Image.open(path)@TURNED@
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
'''
RESIZED = """    image = image.resize((@EDGE@, @EDGE@), Image.Resampling.BILINEAR)
"""
ROUNDED = """    if image.mode == "F":
        image = Image.fromarray(np.asarray(image).round().clip(0, 255).astype(np.uint8)).convert(@MODE@)
    pixels = np.asarray(image).reshape(image.height, image.width, @CHANNELS@).transpose(2, 0, 1)
"""
AS_IT_IS = "    return pixels\n"
ON_GRID = "    return on_grid(pixels, (1, 1))\n"
OF_SEVERAL = '''

def read(path):
    """The first file of an image: uint8 [channels, height, width]."""
    pixels = np.concatenate([channel(each) for each in @PATHS@])
    return on_grid(pixels, (1, 1))
'''
"""Together, what `pictures.read` and `pictures.whole` do, for those who do not have them."""


@dataclass(frozen=True)
class Pixels:
    """What images are decoded to.

    Args:
        image_size: pixels of an edge, see `pictures.read`.
        channels: 1 for gray, 3 for RGB.
        white: the value of white in images of 16 bits; None = the highest that they can have.
        upright: photographs are turned as their EXIF data say.
    """

    image_size: Count
    channels: Literal[1, 3]
    white: White | None = None
    upright: bool = False

    @property
    def suffixes(self) -> Sequence[str]:
        """Of image files."""
        return SUFFIXES

    def found(self, place: Path) -> list[Path]:
        """Image files, and DICOM without an ending."""
        return [path for path in files_at(place) if is_image(path)]

    def sources(self, path: Path) -> Sequence[Path]:
        """The file itself."""
        return [path]

    def read(self, path: Path, found: Callable[[int], None] = lambda _highest: None) -> NDArray[np.uint8]:
        """A file's image: [channels, edge, edge]; `found` as in `pictures.read`."""
        return read(path, self.image_size, self.channels, self.white or WHITE, found, self.upright)

    @property
    def shape(self) -> tuple[int, ...]:
        """Of an image."""
        return (self.channels, self.image_size, self.image_size)

    @property
    def options(self) -> Mapping[str, Any]:
        """What the result depends on besides the shape."""
        white = {"white": self.white} if self.white not in (None, WHITE) else {}
        return {**white, "upright": True} if self.upright else white  # so that earlier caches stay

    @property
    def recipe(self) -> Recipe:
        """How it is done."""
        edge, white = self.image_size, self.white or WHITE
        resized = f"It is resized to {edge}×{edge} pixels by Pillow, bilinear, whatever its sides' ratio."
        code = _opened("", self.upright) + RESIZED + ROUNDED + AS_IT_IS
        given = {"white": white, "mode": _mode(self.channels), "edge": edge, "channels": self.channels}
        return Recipe([*conversion(self.channels, white, self.upright), resized], filled(code, **given))


def conversion(channels: int, white: int, upright: bool = False) -> list[str]:
    """What becomes of the kinds of pixels, in words."""
    return [
        f"An image file is converted to {'gray (ITU-R 601 luma)' if channels == 1 else 'RGB'}; transparent "
        "pixels lie on black.",
        f"An orientation in its EXIF data is {'followed' if upright else 'not followed'}.",
        f"Pixels of 16 bits are scaled to 0..255 first, so that {white:,} is 255; they are rounded last.",
        "Of a DICOM file: the modality's rescaling, then the first table or window of values of "
        "interest, or else minimum to maximum, as 0..255; inverted where it is MONOCHROME1. The code "
        "leaves that to you.",
    ]


def converted(channels: int, white: int, paths: str | None = None) -> str:
    """The same in code, at an image's own size; it calls `on_grid`, which is not in it.

    Args:
        channels: of a file.
        white: as in `Pixels`.
        paths: the files of an image in code, of `path`; None = it is one file.
    """
    code = _opened("import torch\nimport torch.nn.functional as F\n") + ROUNDED
    if paths is None:
        code += ON_GRID
    else:
        code = (
            code.replace("def read(path)", "def channel(path)")
            + AS_IT_IS
            + OF_SEVERAL.replace("@PATHS@", paths)
        )
    return filled(code, white=white, mode=_mode(channels), channels=channels)


def _opened(imports: str, upright: bool = False) -> str:
    """The beginning of the code."""
    pillow, turned = "from PIL import Image\n", ""
    if upright:
        pillow = "from PIL import Image, ImageOps\n"
        turned = "\n    image = ImageOps.exif_transpose(image)"
    return OPENED.replace("@IMPORTS@from PIL import Image\n", imports + pillow).replace("@TURNED@", turned)


def _mode(channels: int) -> str:
    """Of Pillow's images."""
    return "L" if channels == 1 else "RGB"
