"""Pictures with masks on one common grid: what `mask_folder` and `nnunet` share."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

from numpy.typing import NDArray

from al_runner.data.cache import OnError
from al_runner.data.dataset import Dataset
from al_runner.data.formats import masks as mask_files
from al_runner.data.formats import pictures
from al_runner.data.formats.volume import largest
from al_runner.data.layouts import gridded
from al_runner.data.layouts.channels import Channels
from al_runner.data.layouts.grid import Fit, Grid
from al_runner.data.layouts.meaning import Meaning
from al_runner.data.layouts.outlined import Case, decoded, with_splits
from al_runner.data.masks import Masks, Pixels
from al_runner.errors import InputError
from al_runner.values import Size

SUFFIX = ".png"
"""Of masks that people save."""
WHITE = 255
"""Of pixels that have the label of a file with one label."""


def load_pictures(
    name: str,
    root: Path,
    cases: Sequence[Case],
    channels: int | Channels,
    meaning: Meaning,
    white: int | None,
    shape: Sequence[int] | None,
    fit: Fit,
    hausdorff: bool,
    split: Sequence[float],
    split_seed: int,
    found_by: Sequence[Any],
    cache_dir: str | Path,
    on_error: OnError,
    test_size: Size | None = None,
    unlabeled: bool = False,
) -> Dataset:
    """Image files and masks.

    Args:
        name: for people and folders.
        root: folder of the files.
        cases: with or without splits.
        channels: of an image: 1 for gray, 3 for RGB; or a file of gray for each.
        meaning: of the masks.
        white: the value of white in images of 16 bits, such as 4095; None = 65535.
        shape: height and width; None = the smallest that holds every image.
        fit: to the shape, as in `Grid`.
        hausdorff: also measure the Hausdorff distance, in pixels.
        split: shares of train, val and test.
        split_seed: of who goes where.
        found_by: the options that chose the cases, as values that JSON has.
        cache_dir: folder of decoded data.
        on_error: `skip` leaves out cases that cannot be read.
        test_size: images of a random sample that is the test split, all others are the pool; None = `split`
            says it.
        unlabeled: people may be asked for masks that are missing.

    Raises:
        InputError: a value out of its range, or files that cannot be read.
    """
    cases, how = with_splits(cases, split, test_size, split_seed)
    count = channels if isinstance(channels, int) else len(channels.names)
    if shape is None:
        shape, fit = largest([pictures.shape(case.image) for case in cases]), "pad"
    grid = Grid(tuple(shape), fit)
    return decoded(
        name=name,
        root=root,
        cases=cases,
        channels=count,
        reading=_reading(channels, white or pictures.WHITE, grid),
        options={"dealt": [*found_by, *how], **meaning.options, "white": white},
        masks=_masks(meaning, grid),
        task=meaning.task(hausdorff),
        cache_dir=cache_dir,
        on_error=on_error,
        unlabeled=unlabeled,
    )


def _reading(channels: int | Channels, white: int, grid: Grid) -> gridded.Gridded:
    if isinstance(channels, int):
        return gridded.images(channels, white, grid)
    if not channels.apart:
        return gridded.images(len(channels.names), white, grid)
    return gridded.images(1, white, grid, channels)


def _masks(meaning: Meaning, grid: Grid) -> Masks:
    """How masks are read and written."""
    written = meaning.written(WHITE)

    def read(image: Path, path: Path) -> tuple[NDArray[Any], Sequence[float]]:
        content, size = mask_files.read(path), pictures.shape(image)
        if content.shape != size:
            raise InputError(
                f"{image.name} is {size[0]}×{size[1]}, its mask {content.shape[0]}×{content.shape[1]}"
            )
        return content, (1, 1)

    def write(_image: Path, labels: Pixels, path: Path) -> None:
        mask_files.write(path, written[labels])

    return meaning.masks(SUFFIX, read, lambda image: (pictures.shape(image), (1, 1)), write, grid)
