"""Where images and masks mostly lie, for folders in which nobody has said so."""

import sys
from collections.abc import Iterator, Sequence
from itertools import product
from pathlib import Path

from al_runner.data.formats import volume
from al_runner.data.formats.pictures import SUFFIXES as PICTURES
from al_runner.data.layouts.paired import matched, without_masks
from al_runner.errors import InputError
from al_runner.files import files_below, is_clutter

IMAGES = ("images", "image", "imagestr", "imgs", "img", "scans", "scan", "volumes", "volume", "data",
          "inputs", "input", "ct", "mr", "mri", "x", "photos", "originals", "original")  # fmt: skip
MASKS = ("masks", "mask", "labels", "label", "labelstr", "segmentations", "segmentation", "segs", "seg",
         "annotations", "annotation", "groundtruth", "ground_truth", "ground truth", "gt", "targets",
         "target", "manual", "y")  # fmt: skip
"""Names of folders, in lower case."""
CHANNEL = "_0000"
"""nnU-Net's first channel, which is an image by itself if there is no other."""
OF_IMAGES = ("", CHANNEL, "_image", "-image", "_img", "_ct", "_orig", "_t1", "_t2", "_flair", "_t1w")
OF_MASKS = ("", "_mask", "-mask", "_seg", "-seg", "_segmentation", "_label", "-label", "_labels", "_gt",
            "_groundtruth", "_annotation", "_manual")  # fmt: skip
"""How the names of files go on behind what pairs them."""
VOLUMES = (*volume.SUFFIXES, ".tif", ".tiff")


def guessed(
    root: Path, images: str, masks: str, defaults: tuple[str, str], suffixes: Sequence[str]
) -> tuple[str, str]:
    """The patterns as they are given, or where defaults match no file, common ones that fit; which are said.

    Args:
        root: the folder.
        images: see `paired.paired`.
        masks: the same.
        defaults: of both: others are what somebody wants.
        suffixes: of files that may be images or masks.
    """
    if not root.is_dir():
        return images, masks
    is_open = [
        pattern == default and not matched(root, option, pattern)
        for option, pattern, default in zip(("images", "masks"), (images, masks), defaults, strict=True)
    ]
    for one, other in _candidates(root, suffixes) if any(is_open) else ():
        stays = (is_open[0] or one == images) and (is_open[1] or other == masks)
        if stays and _fit(root, one, other):
            lost = [given for given, was in zip((images, masks), is_open, strict=True) if was]
            print(
                f"al-run: dataset.images={one} and dataset.masks={other} are taken, for nothing below {root} "
                f"matches {' and '.join(lost)}",
                file=sys.stderr,
            )
            return one, other
    return images, masks


def _fit(root: Path, images: str, masks: str) -> bool:
    """Whether every image has a mask, and every mask an image."""
    try:
        found, outlined = matched(root, "images", images), matched(root, "masks", masks)
    except InputError:
        return False
    return (
        bool(outlined)
        and {*without_masks(found, outlined)} == {*outlined}
        and {*without_masks(found, outlined).values()}.isdisjoint(outlined.values())
    )


def _candidates(root: Path, suffixes: Sequence[str]) -> Iterator[tuple[str, str]]:
    """Pairs of patterns: of folders for each, of one folder for both, and of a folder for each case."""
    folders = [path for path in sorted(root.iterdir()) if path.is_dir() and not is_clutter(path.name)]
    for one, other in product(_named(folders, IMAGES), _named(folders, MASKS)):
        yield from _of_two(one, other, suffixes)
    for folder in (root, *_named(folders, IMAGES)):
        yield from _of_one(root, folder, suffixes)
    for folder in folders[:1]:
        yield from _of_cases(folder, suffixes)


def _named(folders: Sequence[Path], names: Sequence[str]) -> list[Path]:
    """The folders that have one of the names, in the order of these."""
    found = [path for path in folders if path.name.casefold() in names]
    return sorted(found, key=lambda path: names.index(path.name.casefold()))


def _of_two(images: Path, masks: Path, suffixes: Sequence[str]) -> Iterator[tuple[str, str]]:
    ends = [*_suffixes(images, suffixes), *_series(images)]
    others = [*_suffixes(masks, suffixes), *_series(masks)]
    alone = [end for end in ends if next(images.glob(f"*_0001{end}"), None) is None]
    for (of_image, of_mask), (end, other) in product(product(OF_IMAGES, OF_MASKS), product(ends, others)):
        if of_image != CHANNEL or end in alone:
            yield f"{images.name}/*{of_image}{end}", f"{masks.name}/*{of_mask}{other}"


def _of_one(root: Path, folder: Path, suffixes: Sequence[str]) -> Iterator[tuple[str, str]]:
    before = "" if folder == root else f"{folder.name}/"
    ends = _suffixes(folder, suffixes)
    for (of_image, of_mask), (end, other) in product(product(OF_IMAGES, OF_MASKS[1:]), product(ends, ends)):
        yield f"{before}*{of_image}{end}", f"{before}*{of_mask}{other}"


def _of_cases(case: Path, suffixes: Sequence[str]) -> Iterator[tuple[str, str]]:
    """Of files that are called alike in every folder, as they are in the first one."""
    names = [path.name for path in files_below(case) if path.parent == case]
    files = [(name, end) for name in names if (end := _suffix(name, suffixes))]
    images = [name for name, end in files if name.removesuffix(end).casefold() in IMAGES]
    masks = [name for name, end in files if name.removesuffix(end).casefold() in MASKS]
    yield from ((f"*/{image}", f"*/{mask}") for image, mask in product(images, masks))


def _suffixes(folder: Path, suffixes: Sequence[str]) -> list[str]:
    """How the names of files in a folder end."""
    names = [path.name for path in sorted(folder.iterdir()) if path.is_file() and not is_clutter(path.name)]
    return list(dict.fromkeys(end for name in names if (end := _suffix(name, suffixes))))


def _series(folder: Path) -> list[str]:
    """Nothing, which folders end in, if there are only folders: each may be a series of slices."""
    inside = [path for path in folder.iterdir() if not is_clutter(path.name)]
    return [""] if inside and all(path.is_dir() for path in inside) else []


def _suffix(name: str, suffixes: Sequence[str]) -> str:
    """How a name ends, as it is written."""
    ends = [len(end) for end in suffixes if name.lower().endswith(end)]
    return name[-max(ends) :] if ends else ""


__all__ = ["PICTURES", "VOLUMES", "guessed"]
