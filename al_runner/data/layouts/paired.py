"""Images and their masks, found by patterns in which a `*` stands for the same."""

import re
from pathlib import Path
from typing import Literal

from al_runner.data.layouts.outlined import Case
from al_runner.data.partition import patient_in
from al_runner.errors import InputError
from al_runner.files import is_clutter

Missing = Literal["refuse", "unlabeled"]
"""What may be made of images without masks: bad input, or images that people are to outline."""
ANY = "**/"
PARTS = re.compile(r"(\*\*/|\*)")
WORDS = {ANY: "(?:[^/]+/)*", "*": "(?P<key>[^/]*)"}
"""A pattern's parts as a regular expression."""
DERIVED = ("derivatives", "sourcedata", "rawdata")
"""Folders of BIDS."""


def may_lack(missing: Missing, test_size: int | None = None) -> bool:
    """Whether `dataset.missing` allows images without masks.

    Raises:
        InputError: it does not go with `dataset.test_size`.
    """
    if test_size is not None and missing == "refuse":
        raise InputError(
            f"dataset.test_size={test_size} leaves no validation split: it is for dataset.missing=unlabeled, "
            "and dataset.split deals out images that all have masks"
        )
    return missing == "unlabeled"


def paired(root: Path, images: str, masks: str, group: str | None, unlabeled: bool) -> list[Case]:
    """Every image below `root` that `images` matches, with the mask for which the `*` stands for the same.

    Args:
        root: the folder.
        images: path below it with one `*`, see `matched`.
        masks: the same for masks.
        group: finds the patient in an image's path, see `partition.patient_in`.
        unlabeled: an image may have no mask.

    Raises:
        InputError: nothing is found, images and masks do not pair, or an image has no patient.
    """
    pairs = _pairs(root, images, masks, unlabeled)
    find_patient = patient_in(group)
    cases = []
    for key, (image, mask) in pairs.items():
        path = image.relative_to(root).as_posix()
        if not (patient := find_patient(path)):
            raise InputError(f"dataset.group={group} finds no patient in {path}")
        cases.append(Case(key, image, mask, patient))
    return cases


def _pairs(root: Path, images: str, masks: str, unlabeled: bool) -> dict[str, tuple[Path, Path | None]]:
    """What the `*` stands for → image and mask, if it has one or must have one."""
    found, outlined = matched(root, "images", images), matched(root, "masks", masks)
    if not found or not (outlined or unlabeled):
        option, pattern = ("masks", masks) if found else ("images", images)
        raise InputError(f"dataset.{option}={pattern} matches no file below {root}")
    if unlabeled and (both := {*found.values()} & {*outlined.values()}):
        raise InputError(f"dataset.images={images} and dataset.masks={masks} both match {min(both).name}")
    found = without_masks(found, outlined)
    for one, other, what in ((found, outlined, "mask"), (outlined, found, "image")):
        if unlabeled and what == "mask":
            continue
        if alone := sorted(set(one) - set(other)):
            more = f", nor have {len(alone) - 1:,} others" if len(alone) > 1 else ""
            raise InputError(
                f"{root} has {len(found):,} images and {len(outlined):,} masks: {one[alone[0]].name} has no "
                f"{what}{more}"
            )
    return {key: (found[key], outlined.get(key)) for key in sorted(found)}


def without_masks(images: dict[str, Path], masks: dict[str, Path]) -> dict[str, Path]:
    """The images without the masks beside them, whose pattern is narrower: `*.nii` and `*_seg.nii`."""
    outlined = {*masks.values()}
    return {key: path for key, path in images.items() if path not in outlined} or images


def matched(root: Path, option: str, pattern: str) -> dict[str, Path]:
    """The paths below a folder that a pattern matches: what its `*` stands for → path.

    A `**/` stands for any folders, and pairs nothing; those in which BIDS keeps what is made of images are
    entered where the pattern names them.

    Raises:
        InputError: it has none or several `*`, leads elsewhere, or two files differ in their folders alone.
    """
    if pattern.replace(ANY, "").count("*") != 1:
        raise InputError(f"dataset.{option}={pattern} must have one *, which pairs images and masks")
    if Path(pattern).is_absolute():
        raise InputError(f"dataset.{option}={pattern} must be a path below dataset.root={root}")
    keys = re.compile("".join(WORDS.get(part, re.escape(part)) for part in PARTS.split(pattern)))
    left_out = {name for name in DERIVED if name not in Path(pattern).parts}
    found: dict[str, Path] = {}
    for path in sorted(root.glob(pattern.replace("[", "[[]"))):  # a bracket is one: what * is must be known
        relative = path.relative_to(root)
        match = keys.fullmatch(relative.as_posix())
        if match is None or any(map(is_clutter, relative.parts)) or left_out & {*relative.parts}:
            continue
        if (other := found.setdefault(match["key"], path)) != path:
            both = f"{other.relative_to(root)} and {relative}"
            raise InputError(f"dataset.{option}={pattern} matches {both}, whose * is the same")
    return found
