"""Images in folders, decoded once."""

import hashlib
from collections.abc import Mapping, Sequence
from pathlib import Path

import torch
from torch import Tensor

from al_runner.data import dicom
from al_runner.data.cache import Arrays, OnError, Source, cached
from al_runner.data.dataset import SPLITS, Dataset, Split
from al_runner.data.image_tree import Sample, check_classes, scan
from al_runner.data.pictures import read
from al_runner.errors import InputError
from al_runner.tasks import Binary, MultiClass

FORMAT = 1
"""Of what is made of an image file: another one is decoded anew."""


def load(
    root: str | Path,
    cache_dir: str | Path,
    name: str | None = None,
    image_size: int = 224,
    channels: int = 1,
    classes: Sequence[str] | None = None,
    group: str | None = None,
    split: Sequence[float] = (0.7, 0.1, 0.2),
    split_seed: int = 0,
    on_error: OnError = "fail",
) -> Dataset:
    """A data set from a tree of image files, decoded once into a memory map.

    Args:
        root: holds `train`, `val` (or `valid`, `validation`) and `test`, each with one folder for each class;
            or the classes' folders themselves. Missing splits are taken from the training images.
        cache_dir: where decoded images are kept, see `cache.cached`.
        name: the data set's name; the folder's by default.
        image_size: pixels of an image's edge, see `pictures.read`.
        channels: 1 for gray, 3 for RGB.
        classes: the classes in order; by default in the order of their names. Of two, the second is positive.
        group: a regular expression that finds the patient in a file's path below `root`: its group `patient`,
            else its first group, else all of it. Without one, each image is a patient by itself.
        split: shares of train, val and test, for those splits that are missing.
        split_seed: of the patients' order, where splits are missing; not the run's seed.
        on_error: `skip` leaves out images that cannot be read.

    Raises:
        InputError: no such folder, another layout, classes that differ between splits, images that cannot be
            read, or a cache that cannot be written.
    """
    root = Path(root).expanduser()
    if image_size < 1 or channels not in (1, 3):
        raise InputError(
            f"dataset.image_size={image_size} must be at least 1, dataset.channels={channels} 1 (gray) or 3 "
            "(RGB)"
        )
    tree = scan(root, classes, group, split, split_seed)
    if any(sample.path.suffix.lower() in dicom.SUFFIXES for sample in tree.samples):
        dicom.require()

    def decode(item: int) -> Arrays:
        return {"images": read(tree.samples[item].path, image_size, channels)}

    name = name or root.resolve().name
    source = Source(
        root=root,
        files=[sample.path for sample in tree.samples],
        items=[sample.below for sample in tree.samples],
        options={"format": FORMAT, "dealt": [group, *split, split_seed] if tree.dealt else None},
        shapes={"images": (channels, image_size, image_size)},
        decode=decode,
    )
    decoded = cached(cache_dir, name, source, on_error)
    samples = [tree.samples[item] for item in decoded.kept]
    check_classes(root, samples, tree.names)
    splits = _splits(decoded.arrays["images"], samples, tree.names)
    return Dataset(
        name=name,
        splits=splits,
        task=Binary() if len(tree.names) == 2 else MultiClass(len(tree.names)),
        fingerprint=_fingerprint(decoded.fingerprint, tree.names, splits),
        class_names=tree.names,
    )


def _splits(images: Tensor, samples: Sequence[Sample], names: Sequence[str]) -> dict[str, Split]:
    """Consecutive parts of the images, which are views of the same memory."""
    targets = torch.tensor([names.index(sample.label) for sample in samples])
    sizes = [sum(sample.split == split for sample in samples) for split in SPLITS]
    parts = zip(SPLITS, images.split(sizes), targets.split(sizes), strict=True)
    return {split: Split(*part) for split, *part in parts}


def _fingerprint(images: str, names: Sequence[str], splits: Mapping[str, Split]) -> str:
    """Of the images, and of what they are said to show."""
    digest = hashlib.sha256(f"{images} {names}".encode())
    for split in splits.values():
        digest.update(split.targets.numpy().tobytes() + b"|")
    return f"sha256:{digest.hexdigest()}"
