"""Files that come to one grid, as their data set's images did."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from al_runner.data.formats import pictures, volume
from al_runner.data.layouts.channels import Channels
from al_runner.data.layouts.grid import Grid, Levels
from al_runner.data.layouts.pixels import Pixels, conversion, converted
from al_runner.data.reading import Recipe, files_at, filled
from al_runner.errors import InputError

Numbers = tuple[NDArray[np.float32], Sequence[float]]
"""Pixels 0..255 [channels, ...], and the distance of neighboring ones along each axis."""

ON_GRID = '''

def on_grid(pixels, spacing):
    """Floats 0..255 [channels, ...] of any size: uint8 of the network's size."""
    shape, wanted = @SHAPE@, @SPACING@
    pixels = torch.from_numpy(np.ascontiguousarray(pixels, np.float32))
    if wanted is not None:
        steps = zip(pixels.shape[1:], spacing, wanted, strict=True)
        pixels = resized(pixels, tuple(max(1, round(edge * old / new)) for edge, old, new in steps))
    if @FIT@ == "resize":
        pixels = resized(pixels, shape)
    for axis, edge in enumerate(shape, start=1):
        if (extra := pixels.shape[axis] - edge) > 0:
            pixels = pixels.narrow(axis, extra // 2, edge)
    gaps = [edge - have for edge, have in zip(shape, pixels.shape[1:], strict=True)]
    pixels = F.pad(pixels, [part for gap in reversed(gaps) for part in (gap // 2, gap - gap // 2)])
    return pixels.numpy().round().astype(np.uint8)


def resized(pixels, shape):
    if tuple(pixels.shape[1:]) == shape:
        return pixels
    fewer = all(new <= old for new, old in zip(shape, pixels.shape[1:], strict=True))
    mode = "area" if fewer else {2: "bilinear", 3: "trilinear"}[len(shape)]
    return F.interpolate(pixels[None], shape, mode=mode)[0]
'''
OF_VOLUMES = '''import nibabel
import numpy as np
import torch
import torch.nn.functional as F


def read(path):
    """A NIfTI file: uint8 [channels, foot to head, back to front, left to right]."""
    parts = [nibabel.as_closest_canonical(nibabel.load(each)) for each in @PATHS@]
    x, y, z = map(float, parts[0].header.get_zooms()[:3])
    pixels = [np.asanyarray(part.dataobj).reshape(*part.shape[:3], -1) for part in parts]
    pixels = np.concatenate(pixels, axis=3).transpose(3, 2, 1, 0)
    window = @WINDOW@
    if window is not None:
        low, high = map(np.float64, window)
    else:
        low, high = np.percentile(pixels, @PERCENTILES@, axis=(1, 2, 3), keepdims=True)
    width = np.where(high > low, high - low, np.inf)
    return on_grid(((pixels - low) / width * 255).clip(0, 255), (z, y, x))
'''
OF_RGB = '''import numpy as np
import torch
import torch.nn.functional as F
from PIL import Image


def read(path):
    """An image file in RGB: uint8 [3, height, width]."""
    return on_grid(np.array(Image.open(path)).transpose(2, 0, 1), (1, 1))
'''


def itself(path: Path) -> Sequence[Path]:
    """What most images are read from: one file."""
    return [path]


@dataclass(frozen=True)
class Gridded:
    """Files on a grid.

    Attributes:
        grid: what they come to.
        suffixes: how their names end.
        numbers: a file's pixels and spacing.
        recipe: for those who do not have al-runner.
        finds: the files, or folders, of images at a place; None = by their endings.
        sources: the files that an image is read from.
    """

    grid: Grid
    suffixes: Sequence[str]
    numbers: Callable[[Path], Numbers]
    recipe: Recipe
    finds: Callable[[Path], list[Path]] | None = None
    sources: Callable[[Path], Sequence[Path]] = itself

    def found(self, place: Path) -> list[Path]:
        """The images at a place."""
        if self.finds is not None:
            return self.finds(place)
        return [path for path in files_at(place) if path.name.lower().endswith(tuple(self.suffixes))]

    def read(self, path: Path) -> NDArray[np.uint8]:
        """A file's image: [channels, ...]."""
        return self.on_grid(*self.numbers(path))

    def on_grid(self, pixels: NDArray[np.float32], spacing: Sequence[float]) -> NDArray[np.uint8]:
        """Pixels that were read."""
        return self.grid.image(pixels, spacing).round().astype(np.uint8)


def volumes(channels: int, levels: Levels, grid: Grid, parts: Channels | None = None) -> Gridded:
    """Volumes of some channels, in one file or in parts."""
    files = parts.files if parts else itself

    def numbers(path: Path) -> Numbers:
        pixels, spacing = volume.read_channels(files(path), channels)
        return levels.scaled(pixels), spacing

    dark = "by the window" if levels.window else "by the percentiles of each channel"
    given = {"window": levels.window, "percentiles": levels.percentiles}
    words = [
        "The axes of a NIfTI file are turned to the canonical orientation, and then run from foot to head, "
        "back to front, left to right. Other formats have to be converted to NIfTI first.",
        f"Intensities become 0..255 {dark} {list(levels.window or levels.percentiles)}.",
        _words(grid),
    ]
    code = OF_VOLUMES.replace("@PATHS@", _paths(parts))
    recipe = Recipe([*words, *_apart(parts)], filled(code, **given) + _on(grid))
    if parts is not None:
        return Gridded(grid, [parts.first], numbers, recipe, parts.found, parts.files)
    return Gridded(grid, volume.SUFFIXES, numbers, recipe, volume.found, volume.files_of)


def colors(read: Callable[[Path], NDArray[np.float32]], grid: Grid) -> Gridded:
    """Image files that are in RGB; `read` gives their pixels."""
    recipe = Recipe(["An image file has to be in RGB.", _words(grid)], OF_RGB + _on(grid))
    return Gridded(grid, pictures.SUFFIXES, lambda path: (read(path), (1, 1)), recipe)


def images(channels: int, white: int, grid: Grid, parts: Channels | None = None) -> Gridded:
    """Image files of any kind, in gray or RGB, or a file for each channel; `white` as in `Pixels`."""
    files = parts.files if parts else itself

    def numbers(path: Path) -> Numbers:
        pixels = [pictures.whole(each, channels, white) for each in files(path)]
        if len({each.shape for each in pixels}) > 1:
            raise InputError(f"{path.name} and its other channels have different sizes")
        return np.concatenate(pixels).astype(np.float32), (1, 1)

    words = [*conversion(channels, white), *_apart(parts), _words(grid)]
    recipe = Recipe(words, converted(channels, white, _paths(parts) if parts else None) + _on(grid))
    if parts is not None:
        return Gridded(grid, [parts.first], numbers, recipe, parts.found, parts.files)
    return Gridded(grid, pictures.SUFFIXES, numbers, recipe, Pixels(1, 1).found)


def _apart(parts: Channels | None) -> list[str]:
    """In words, that channels are in files of their own."""
    if parts is None:
        return []
    return [f"The channels ({', '.join(parts.names)}) are in files of their own; the first is named."]


def _paths(parts: Channels | None) -> str:
    """In code, the files of an image."""
    if parts is None:
        return "[path]"
    first = f"removesuffix({parts.first!r})"
    return f'[f"{{str(path).{first}}}_{{k:04}}{parts.ending}" for k in range({len(parts.names)})]'


def _on(grid: Grid) -> str:
    return filled(ON_GRID, shape=grid.shape, spacing=grid.spacing, fit=grid.fit)


def _words(grid: Grid) -> str:
    size = "×".join(map(str, grid.shape))
    spaced = f"It is resampled to a spacing of {list(grid.spacing)}. " if grid.spacing else ""
    how = "resized" if grid.fit == "resize" else "cropped about the center, or padded with black,"
    return f"{spaced}It is {how} to {size} pixels, and rounded."
