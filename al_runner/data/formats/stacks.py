"""TIFF files of several pages, each a slice of a volume."""

import json
import re
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from PIL import Image, UnidentifiedImageError

from al_runner.data.formats.stored import TO_RAS, Numbers, Stored
from al_runner.errors import InputError

SUFFIXES = (".tif", ".tiff")
DESCRIPTION, RESOLUTIONS = 270, (283, 282)
"""Tags of TIFF: what ImageJ says of a stack, and the pixels in its unit, along columns and along rows."""
MM = {"mm": 1.0, "millimeter": 1.0, "cm": 10.0, "micron": 1e-3, "um": 1e-3, "µm": 1e-3, "\\u00b5m": 1e-3,
      "nm": 1e-6, "nanometer": 1e-6}  # fmt: skip
"""ImageJ's units."""
CHANNEL = re.compile(r"_\d{4}$")
"""How nnU-Net ends the name of a channel."""

Spacing = tuple[float, float, float]


@dataclass(frozen=True)
class Pages:
    """What a file says of its pages.

    Attributes:
        count: of them.
        shape: height and width of the first.
        described: what ImageJ says: key → value.
        resolution: pixels in a unit, along columns and along rows, if they are given.
    """

    count: int
    shape: tuple[int, int]
    described: Mapping[str, str]
    resolution: tuple[float, float] | None

    @classmethod
    def of(cls, path: Path) -> "Pages":
        """Of a file.

        Raises:
            InputError: it cannot be read.
        """
        try:
            with Image.open(path) as image:
                tags: Any = image.tag_v2 if image.format == "TIFF" else {}  # type: ignore[attr-defined]
                given = [float(tags[key]) for key in RESOLUTIONS if tags.get(key)]
                return cls(
                    getattr(image, "n_frames", 1),
                    (image.height, image.width),
                    _described(str(tags.get(DESCRIPTION, ""))),
                    (given[0], given[1]) if len(given) == len(RESOLUTIONS) and min(given) > 0 else None,
                )
        except UnidentifiedImageError as error:
            why = "it is no TIFF file" if path.stat().st_size else "it has no content: 0 bytes"
            raise InputError(f"cannot read {path.name}: {why}") from error
        except Exception as error:  # Pillow's, of many kinds: nothing else runs here
            why = str(error) if path.is_file() else "it is not there"
            raise InputError(f"cannot read {path.name}: {why}") from error

    def number(self, key: str) -> int:
        """How many there are of something, by ImageJ."""
        return int(self.described.get(key, "1"))


def is_stack(path: Path) -> bool:
    """Whether a file is TIFF and has several pages; not, if it cannot be read."""
    try:
        return path.suffix.lower() in SUFFIXES and Pages.of(path).count > 1
    except InputError:
        return False


def stored(path: Path) -> Stored:
    """The pages as slices from foot to head, their rows from front to back, their columns from right to left.

    A TIFF file knows no patient: this is what ITK takes for one that says nothing else. The spacing is that
    of a file `<name>.json` beside it, as for nnU-Net (`{"spacing": [z, y, x]}`), or what ImageJ wrote, or 1.

    Raises:
        InputError: it cannot be read, or has several times, or pages that ImageJ did not write.
    """
    pages = Pages.of(path)
    if (times := pages.number("frames")) > 1:
        raise InputError(f"{path.name} has {times} frames of time; expected one")
    if (said := pages.number("images")) > pages.count:
        raise InputError(
            f"{path.name} has {pages.count} of {said} pages as TIFF, the others in ImageJ's own way: save it "
            "as BigTIFF or NIfTI"
        )
    channels = pages.number("channels")
    if pages.count % channels:
        raise InputError(f"{path.name} has {pages.count} pages of {channels} channels")
    height, width = pages.shape
    z, y, x = _spacing(path, pages)
    return Stored(
        shape=(width, height, pages.count // channels),
        channels=channels,
        spacing=(x, y, z),
        affine=TO_RAS @ np.diag([x, y, z, 1.0]),
        values=lambda: _values(path, channels),
    )


def _values(path: Path, channels: int) -> Numbers:
    with Image.open(path) as image:
        content = np.stack([_page(path, image, number) for number in range(image.n_frames)])  # type: ignore[attr-defined]
    by_channel = content.reshape(-1, channels, *content.shape[1:])
    return by_channel.transpose(3, 2, 0, 1)


def _page(path: Path, image: Image.Image, number: int) -> Numbers:
    size = image.size
    try:
        image.seek(number)
        pixels = np.array(image)
    except Exception as error:  # a decoder's, of any kind: nothing else runs here
        raise InputError(f"{path.name} is damaged or was cut short at page {number + 1}: {error}") from error
    if image.size != size:
        raise InputError(
            f"{path.name} is no volume: its page {number + 1} is {image.height}×{image.width}, those before "
            f"are {size[1]}×{size[0]}"
        )
    if pixels.ndim != 2:
        raise InputError(f"{path.name} has pages in color ({image.mode}); expected gray ones")
    return pixels


def _described(text: str) -> dict[str, str]:
    """What ImageJ says, line by line; nothing, if somebody else does."""
    if not text.startswith("ImageJ="):
        return {}
    lines = [line.partition("=") for line in text.splitlines()]
    return {key.strip(): value.strip() for key, _, value in lines}


def _spacing(path: Path, pages: Pages) -> Spacing:
    """From slice to slice, row to row, column to column."""
    for beside in {path.with_suffix(".json"), path.with_name(CHANNEL.sub("", path.stem) + ".json")}:
        if beside.is_file():
            return _beside(beside)
    unit = MM.get(pages.described.get("unit", "").casefold())
    if unit is None:
        return 1.0, 1.0, 1.0
    rows, columns = (unit / each for each in pages.resolution or (1.0, 1.0))
    return float(pages.described.get("spacing", "1")) * unit, rows, columns


def _beside(path: Path) -> Spacing:
    try:
        z, y, x = (float(each) for each in json.loads(path.read_text(encoding="utf-8"))["spacing"])
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise InputError(f'{path.name} has no "spacing": [1.0, 1.0, 1.0]') from error
    return z, y, x
