"""The masks that the last model of a run draws of images without one, as files."""

import shutil
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import torch
from torch import Tensor

from al_runner.data.dataset import shape_of
from al_runner.data.layouts.given import Given
from al_runner.data.masks import Masks
from al_runner.data.tasks.bit_fields import joined
from al_runner.data.words import BETWEEN
from al_runner.errors import InputError
from al_runner.files import csv_text, replace
from al_runner.runs.last_model import LastModel

FOLDER, TABLE = "predicted_masks", "predictions.csv"
PARTIAL = ".partial"
"""In the folder of the masks, those that are being drawn."""
AT_ONCE = 32
"""Images of the pool whose masks are held in memory."""


@dataclass(frozen=True)
class Mask:
    """A mask that was drawn.

    Attributes:
        image: its image's file.
        index: of the image in the training split; None where it is none of the run's.
        names: of the mask's files: one, or one for each label where they may overlap.
        sure: the mean probability of what is said of the pixels.
        shares: of the image's own pixels that have each label.
    """

    image: Path
    index: int | None
    names: Sequence[str]
    sure: float
    shares: Sequence[float]


Names = Mapping[Path, Sequence[str]]
"""An image → the files of its mask."""
Drawn = tuple[Path, int | None, Tensor, float]
"""An image, its index, its mask on the grid, and how sure the model is."""


def write_masks(model: LastModel, places: Sequence[Path], folder: Path, skip: bool = False) -> str:
    """Draw masks into a folder, and beside them a table of them, the least sure ones first.

    Nothing of the folder changes before all of them are drawn.

    Args:
        model: of a run on masks.
        places: files, folders of them, or tables that list them; none: the run's images without a label.
        folder: is made; what it has from an earlier call is written over.
        skip: leave out files that cannot be read.

    Returns:
        What was done, in a line.

    Raises:
        InputError: there are no images, they cannot be read, the folder is somebody else's, or masks would
            take the place of images.
    """
    drawing = model.dataset.masks
    if drawing is None:
        raise InputError(
            f"the images of dataset {model.dataset.name} are no files, so masks have no place; --export "
            "writes the network"
        )
    _check_ours(folder)
    given = _given(model, places) if places else None
    names = _names(given.paths, drawing.endings) if given else _names_of_pool(model)
    _check_apart(names, folder)
    drawn = _of_files(model, given, skip) if given else _of_pool(model)
    with _partial(folder) as partial:
        masks = [_write(drawing, each, partial, names[each[0]]) for each in drawn]
        masks.sort(key=lambda mask: mask.sure)
        if not (folder / TABLE).is_file():  # a kill from here on leaves a folder that is known to be ours
            _replace(folder / TABLE, csv_text(_columns(model), []))
        for name in (name for mask in masks for name in mask.names):
            (partial / name).replace(folder / name)
        _replace(folder / TABLE, csv_text(_columns(model), [_row(model, mask) for mask in masks]))
    return f"{len(masks):,} masks by {model.words}"


def _check_ours(folder: Path) -> None:
    """Masks that people drew are not written over."""
    visible = folder.is_dir() and any(not path.name.startswith(".") for path in folder.iterdir())
    if visible and not (folder / TABLE).is_file():
        raise InputError(f"{folder} has other files: give an empty folder by --out")


def _check_apart(names: Names, folder: Path) -> None:
    """Nor are images."""
    images = {image.resolve() for image in names}
    every = (name for of_image in names.values() for name in of_image)
    if lost := next((name for name in every if (folder / name).resolve() in images), None):
        raise InputError(
            f"the mask {folder / lost} would take the place of an image: give an empty folder by --out"
        )


@contextmanager
def _partial(folder: Path) -> Iterator[Path]:
    """A folder for masks until all are drawn; what a kill left there is removed."""
    partial = folder / PARTIAL
    try:
        shutil.rmtree(partial, ignore_errors=True)
        partial.mkdir(parents=True)
    except OSError as error:
        raise InputError(f"cannot write {folder}: {error.strerror or error}") from error
    try:
        yield partial
    finally:
        shutil.rmtree(partial, ignore_errors=True)


def _given(model: LastModel, places: Sequence[Path]) -> Given:
    """The files that are asked for."""
    dataset = model.dataset
    if dataset.reading is None:
        raise InputError(f"the images of dataset {dataset.name} are no files of any kind")
    return Given.found(places, dataset.reading, shape_of(dataset.train.images))


def _names(images: Sequence[Path], endings: Sequence[str]) -> Names:
    """The names of the masks of files; images of one name in several folders would have one mask."""
    name, count = Counter(map(_stem, images)).most_common(1)[0]
    if count > 1:
        raise InputError(f"{count} images have the name {name}, and so would their masks: ask for one by one")
    found = {image: [f"{_stem(image)}{ending}" for ending in endings] for image in images}
    name, count = Counter(name for names in found.values() for name in names).most_common(1)[0]
    if count > 1:  # scan with a label a_b, and scan_a with a label b
        raise InputError(f"{count} masks would have the name {name}: ask for the images one by one")
    return found


def _names_of_pool(model: LastModel) -> Names:
    """Those of the run's images, as people who outline them are asked for."""
    root, masks = model.dataset.root, model.dataset.masks
    if root is None or masks is None:
        raise InputError("this run does not know its files: name images, in files, folders or a table")
    return {root / sample: [name] for sample, name in masks.names.items()}


def _of_pool(model: LastModel) -> Iterator[Drawn]:
    """Of the training samples without a label."""
    indices, dataset = model.pool.unlabeled, model.dataset
    if not len(indices):
        raise InputError("every image of the run is labeled: name others, in files, folders or a table")
    root = dataset.root or Path()
    for block in indices.split(AT_ONCE):
        found = model.learner.predict(block, _labels_and_sure).cpu()
        targets = found[:, :-1].byte().unflatten(1, dataset.image_size)  # people outline no overlaps
        for index, target, sure in zip(block.tolist(), targets, found[:, -1].tolist(), strict=True):
            yield root / dataset.train.names[index], index, target, sure


def _labels_and_sure(probs: Tensor) -> Tensor:
    """[n, pixels, C] → [n, pixels + 1]: the labels, and the mean of their probabilities."""
    largest = probs.float().max(-1)
    return torch.cat([largest.indices.float(), largest.values.mean(-1, keepdim=True)], 1)


def _of_files(model: LastModel, given: Given, skip: bool) -> Iterator[Drawn]:
    """Of files, read as the run's images were."""
    reading, whole = model.dataset.reading, model.whole()
    if reading is None:
        raise TypeError("files that are given are read")
    for names, images in given.blocks(reading, skip):
        paths = map(Path, names)
        for probs in whole.predictions(images, model.machine):
            for target, sure in zip(*_decided(probs, model.dataset.task.several), strict=True):
                yield next(paths), None, target, float(sure)


def _decided(probs: Tensor, several: bool) -> tuple[Tensor, Tensor]:
    """[n, C, ...] → masks [n, ...], and how sure they are in the mean [n].

    Args:
        probs: of each class and pixel.
        several: they are labels that may overlap: the masks are bit fields.
    """
    if several:
        return joined((probs > 0.5).unbind(1)), torch.maximum(probs, 1 - probs).flatten(1).mean(1)
    largest = probs.max(1)
    return largest.indices.byte(), largest.values.flatten(1).mean(1)


def _write(masks: Masks, drawn: Drawn, folder: Path, names: Sequence[str]) -> Mask:
    image, index, target, sure = drawn
    shares = masks.write(image, target, [folder / name for name in names])
    return Mask(image, index, names, sure, shares)


def _stem(image: Path) -> str:
    """The name of a file without what says its format, which may be in two parts."""
    return image.name if image.is_dir() else image.name.removesuffix(".gz").rpartition(".")[0] or image.name


def _columns(model: LastModel) -> list[str]:
    return ["file", "index", "mask", "sure", *(f"share({name})" for name in model.classes)]


def _row(model: LastModel, mask: Mask) -> dict[str, object]:
    shares = [f"{share:.4f}" for share in mask.shares]
    cells = [mask.image, mask.index, BETWEEN.join(mask.names), f"{mask.sure:.4f}", *shares]
    return dict(zip(_columns(model), cells, strict=True))


def _replace(path: Path, text: str) -> None:
    try:
        replace(path, text.encode())
    except OSError as error:
        raise InputError(f"cannot write {path}: {error.strerror or error}") from error
