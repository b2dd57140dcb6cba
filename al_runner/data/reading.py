"""How a data set's files become its images, for files of others."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray

from al_runner.data.formats import arrays
from al_runner.errors import InputError
from al_runner.files import files_below


@dataclass(frozen=True)
class Recipe:
    """The same for those who do not have al-runner.

    Attributes:
        words: what is done, a sentence each.
        code: Python that defines `read(path)` → uint8 [channels, ...], with its imports; needs no al-runner.
    """

    words: Sequence[str]
    code: str


class Reading(Protocol):
    """Reads a file as the data set's own ones were read."""

    @property
    def suffixes(self) -> Sequence[str]:
        """How the names of such files end, in lower case."""

    @property
    def recipe(self) -> Recipe:
        """How it is done."""

    def found(self, place: Path) -> list[Path]:
        """The images at a place, sorted: a file itself, or those below a folder; perhaps none."""

    def read(self, path: Path) -> NDArray[np.uint8]:
        """A file's image: [channels, ...].

        Raises:
            InputError, OSError: it cannot be read, or is of another kind.
        """


CODE = '''import numpy as np


def read(path):
    """An .npy file with one image: uint8, [channels, ...] or [..., channels], or without channels."""
    pixels = np.load(path)
    if pixels.ndim < len(@SHAPE@):
        pixels = pixels[None]
    return pixels if pixels.shape == @SHAPE@ else np.moveaxis(pixels, -1, 0)
'''


@dataclass(frozen=True)
class Arrays:
    """Files of NumPy's (`.npy`), one for each image, as it would be in an array of images.

    Attributes:
        shape: channels, ..., of an image.
    """

    shape: tuple[int, ...]

    @property
    def suffixes(self) -> Sequence[str]:
        """Of NumPy's files."""
        return (".npy",)

    @property
    def recipe(self) -> Recipe:
        """As they are."""
        words = ["The pixels are taken as they are: 0 to 255, of the right size already."]
        return Recipe(words, filled(CODE, shape=self.shape))

    def found(self, place: Path) -> list[Path]:
        """NumPy's files."""
        return [path for path in files_at(place) if path.suffix.lower() in self.suffixes]

    def read(self, path: Path) -> NDArray[np.uint8]:
        """[channels, ...]; in the file channels may come last, and a single one may be left out.

        Raises:
            InputError: it is no such array.
        """
        pixels = arrays.read(path)
        given = pixels if pixels.ndim == len(self.shape) else pixels[None]
        if given.shape != self.shape and given.ndim:
            given = np.moveaxis(given, -1, 0)
        if given.shape != self.shape or pixels.dtype != np.uint8:
            expected = "×".join(map(str, self.shape))
            raise InputError(
                f"has {pixels.dtype} {list(pixels.shape)}; expected uint8 {expected} (channels first)"
            )
        return given


def files_at(place: Path) -> list[Path]:
    """A file, or all below a folder."""
    return files_below(place) if place.is_dir() else [place]


def recipe(reading: Reading | None, shape: tuple[int, ...]) -> Recipe:
    """How images of a shape are read; those that were made by code are arrays."""
    return (reading or Arrays(shape)).recipe


def filled(template: str, **values: Any) -> str:
    """Code with values in the place of their names in capitals, `@NAME@`."""
    for name, value in values.items():
        template = template.replace(f"@{name.upper()}@", repr(value))
    return template
