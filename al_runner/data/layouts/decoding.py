"""Samples as they are decoded, once, into a memory map, and the data set they make."""

import hashlib
import sys
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Protocol

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from al_runner.data.cache import Arrays, OnError, Source, cached
from al_runner.data.dataset import Dataset, Split, consecutive
from al_runner.data.formats import dicom
from al_runner.data.formats.pictures import WHITE
from al_runner.data.layouts.leaks import Apart, Copies, across, copies, mention_copies
from al_runner.data.layouts.pixels import Pixels
from al_runner.data.layouts.samples import Sample, check_classes
from al_runner.data.reading import Reading
from al_runner.data.tasks import one_of

FORMAT = 1
"""Of what is made of an image file: another one is decoded anew."""


class Decoding(Reading, Protocol):
    """What files are decoded to: `Pixels`, or volumes."""

    @property
    def shape(self) -> tuple[int, ...]:
        """Of an image, its channels first."""

    @property
    def options(self) -> Mapping[str, Any]:
        """What the result depends on besides the shape, as values that JSON has."""

    @property
    def white(self) -> int | None:
        """The value of white in images of 16 bits; None = the highest that they can have, or it has none."""

    def sources(self, path: Path) -> Sequence[Path]:
        """The files that an image is read from."""

    def read(self, path: Path, found: Callable[[int], None] = ...) -> NDArray[np.uint8]:
        """An image; `found` is told the highest value if it has 16 bits."""


@dataclass(frozen=True)
class Images:
    """Samples as they were decoded.

    Attributes:
        pixels: uint8 [N, channels, edge, edge], or of volumes [N, 1, edge, edge, edge], over a memory map.
        samples: those that could be read, in the same order.
        fingerprint: of the pixels.
    """

    pixels: Tensor
    samples: Sequence[Sample]
    fingerprint: str


def images_of(
    name: str,
    root: Path,
    samples: Sequence[Sample],
    pixels: Decoding,
    dealt: Sequence[Any] | None,
    cache_dir: str | Path,
    on_error: OnError,
    apart: Apart | None = None,
) -> Images:
    """Some samples, decoded once into a memory map. Images that are there more than once are counted.

    Args:
        name: for people and folders.
        root: folder of the files.
        samples: in order of their splits.
        pixels: what images become.
        dealt: what the choice of the samples and of their splits depends on, besides the folder, as values
            that JSON has: each choice has a cache of its own.
        cache_dir: folder of decoded data.
        on_error: `skip` leaves out images that cannot be read.
        apart: what is done about such images, if anything can be: then all others are decoded once more.

    Raises:
        InputError: images that cannot be read, or a cache that cannot be written.
    """
    images, same = _images(name, root, samples, pixels, dealt, cache_dir, on_error)
    _mention(root, images, same, apart.done if apart else "")
    if apart is None or apart.duplicates == "keep" or not same:
        return images
    samples = apart.dealt([[images.samples[at] for at in group] for group in same])
    options = [dealt, "duplicates", apart.duplicates]
    images, same = _images(name, root, samples, pixels, options, cache_dir, on_error)
    if across(same, [each.split for each in images.samples]):
        _mention(root, images, same, "their splits are given, so they stay there")
    return images


def _mention(root: Path, images: Images, same: Copies, done: str) -> None:
    samples = images.samples
    splits, labels = [each.split for each in samples], [each.label for each in samples]
    mention_copies(root, [each.below for each in samples], splits, labels, same, done)


def _images(
    name: str,
    root: Path,
    samples: Sequence[Sample],
    pixels: Decoding,
    dealt: Sequence[Any] | None,
    cache_dir: str | Path,
    on_error: OnError,
) -> tuple[Images, Copies]:
    """The samples as they are, and which of them are the same."""
    if any(dicom.is_dicom(sample.path) for sample in samples):
        dicom.require()

    highest = [0]  # a list: filled by threads

    def decode(item: int) -> Arrays:
        return {"images": pixels.read(samples[item].path, highest.append)}

    source = Source(
        root=root,
        files=[path for sample in samples for path in pixels.sources(sample.path)],
        items=[sample.below for sample in samples],
        options={"format": FORMAT, "dealt": dealt, **pixels.options},
        shapes={"images": pixels.shape},
        decode=decode,
    )
    found = cached(cache_dir, name, source, on_error)
    _mention_dark(root, max(highest), pixels.white or WHITE)
    images = Images(found.arrays["images"], [samples[item] for item in found.kept], found.fingerprint)
    return images, copies(found.digests)


def decoded(
    name: str,
    root: Path,
    samples: Sequence[Sample],
    names: tuple[str, ...],
    pixels: Pixels,
    dealt: Sequence[Any] | None,
    cache_dir: str | Path,
    on_error: OnError,
    apart: Apart | None = None,
) -> Dataset:
    """The data set of some samples, by `images_of`.

    Args:
        names: the classes. Of two, the second is positive.

    Raises:
        InputError: as `images_of`, or a split without a class.
    """
    found = images_of(name, root, samples, pixels, dealt, cache_dir, on_error, apart)
    check_classes(root, found.samples, names)
    targets = torch.tensor([names.index(sample.label) for sample in found.samples])
    splits = consecutive(found.pixels, targets, [sample.split for sample in found.samples])
    return Dataset(
        name=name,
        splits=splits,
        task=one_of(len(names)),
        fingerprint=fingerprint(found.fingerprint, names, splits),
        class_names=names,
        reading=pixels,
    )


def _mention_dark(root: Path, highest: int, white: int) -> None:
    """12 bits in files of 16 would come out nearly black."""
    if 0 < highest < white / 4:
        print(
            f"al-run: the brightest pixel of the 16-bit images of {root} is {highest:,} of {white:,}, so "
            f"they are nearly black: dataset.white={2 ** highest.bit_length() - 1} makes that value white",
            file=sys.stderr,
        )


def fingerprint(images: str, names: Sequence[str], splits: Mapping[str, Split]) -> str:
    """Of the images, and of what they are said to show."""
    digest = hashlib.sha256(f"{images} {names}".encode())
    for split in splits.values():
        digest.update(split.targets.numpy().tobytes() + b"|")
    return f"sha256:{digest.hexdigest()}"
