"""Images and their masks, found by patterns in which a `*` stands for the same."""

import re
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, Literal

from al_runner.data.layouts.outlined import Case
from al_runner.data.partition import patient_in
from al_runner.errors import InputError
from al_runner.files import is_clutter
from al_runner.values import Size

Missing = Literal["refuse", "unlabeled"]
"""What may be made of images without masks: bad input, or images that people are to outline."""
MissingOfLabels = Missing | Literal["absent"]
"""The same where each label may have a file of its own: an image without it may not have that label."""
Masks = Mapping[str, str] | str
"""A pattern; or one for each label, where labels may overlap."""
Files = tuple[Path, Path | None, tuple[Path | None, ...]]
"""Of an image, its mask, and the masks of its labels."""
ANY = "**/"
PARTS = re.compile(r"(\*\*/|\*)")
WORDS = {ANY: "(?:[^/]+/)*", "*": "(?P<key>[^/]*)"}
"""A pattern's parts as a regular expression."""
DERIVED = ("derivatives", "sourcedata", "rawdata")
"""Folders of BIDS."""


def may_lack(missing: MissingOfLabels, test_size: Size | None = None, overlapping: bool = False) -> bool:
    """Whether `dataset.missing` allows images without masks, which people are to outline.

    Raises:
        InputError: it does not go with `dataset.test_size`, or with labels that may overlap.
    """
    if overlapping and missing == "unlabeled":
        raise InputError(
            "dataset.missing=unlabeled asks people for masks of labels that exclude each other: it does not "
            "go with dataset.regions, or a file for each label"
        )
    if test_size is not None and missing != "unlabeled":
        raise InputError(
            f"dataset.test_size={test_size} leaves no validation split: it is for dataset.missing=unlabeled, "
            "and dataset.split deals out images that all have masks"
        )
    return missing == "unlabeled"


def paired(root: Path, images: str, masks: Masks, group: str | None, missing: MissingOfLabels) -> list[Case]:
    """Every image below `root` that `images` matches, with the mask for which the `*` stands for the same.

    Args:
        root: the folder.
        images: path below it with one `*`, see `matched`.
        masks: the same for masks, or for those of each label.
        group: finds the patient in an image's path, see `partition.patient_in`.
        missing: whether an image may have no mask.

    Raises:
        InputError: nothing is found, images and masks do not pair, or an image has no patient.
    """
    if isinstance(masks, Mapping):
        found = _of_labels(root, images, masks, missing)
    elif missing == "absent":
        raise InputError("dataset.missing=absent is for dataset.masks with a file for each label")
    else:
        pairs = _pairs(root, images, masks, missing)
        found = {key: (image, mask, ()) for key, (image, mask) in pairs.items()}
    find_patient = patient_in(group)
    cases = []
    for key, (image, mask, planes) in found.items():
        path = image.relative_to(root).as_posix()
        if not (patient := find_patient(path)):
            raise InputError(f"dataset.group={group} finds no patient in {path}")
        cases.append(Case(key, image, mask, patient, planes=planes))
    return cases


def patterns(masks: Masks) -> Any:
    """As a value that JSON has, in order."""
    return masks if isinstance(masks, str) else list(masks.items())


def _of_labels(
    root: Path, images: str, masks: Mapping[str, str], missing: MissingOfLabels
) -> dict[str, Files]:
    """What the `*` stands for → image, and each label's file."""
    found = _some(root, "images", images)
    of_label = {label: _some(root, f"masks.{label}", pattern) for label, pattern in masks.items()}
    every = {path for each in of_label.values() for path in each.values()}
    found = {key: path for key, path in found.items() if path not in every}
    for label, files in of_label.items():
        if alone := sorted(set(files) - set(found)):
            raise InputError(f"{root}: {files[alone[0]].name} has no image{_more(alone)}")
        if missing != "absent" and (alone := sorted(set(found) - set(files))):
            raise InputError(
                f"{root}: {found[alone[0]].name} has no mask of {label}{_more(alone)}: with "
                "dataset.missing=absent, an image without a label's file does not have that label"
            )
    return {
        key: (found[key], None, tuple(files.get(key) for files in of_label.values())) for key in sorted(found)
    }


def _more(alone: Sequence[str]) -> str:
    return f", nor have {len(alone) - 1:,} others" if len(alone) > 1 else ""


def _pairs(
    root: Path, images: str, masks: str, missing: MissingOfLabels
) -> dict[str, tuple[Path, Path | None]]:
    """What the `*` stands for → image and mask, if it has one or must have one."""
    unlabeled = missing == "unlabeled"
    found, outlined = _some(root, "images", images), matched(root, "masks", masks)
    if not (outlined or unlabeled):
        _some(root, "masks", masks)
    if unlabeled and (both := {*found.values()} & {*outlined.values()}):
        raise InputError(f"dataset.images={images} and dataset.masks={masks} both match {min(both).name}")
    found = without_masks(found, outlined)
    for one, other, what in ((found, outlined, "mask"), (outlined, found, "image")):
        if unlabeled and what == "mask":
            continue
        if alone := sorted(set(one) - set(other)):
            raise InputError(
                f"{root} has {len(found):,} images and {len(outlined):,} masks: {one[alone[0]].name} has no "
                f"{what}{_more(alone)}"
            )
    return {key: (found[key], outlined.get(key)) for key in sorted(found)}


def without_masks(images: dict[str, Path], masks: dict[str, Path]) -> dict[str, Path]:
    """The images without the masks beside them, whose pattern is narrower: `*.nii` and `*_seg.nii`."""
    outlined = {*masks.values()}
    return {key: path for key, path in images.items() if path not in outlined} or images


def _some(root: Path, option: str, pattern: str) -> dict[str, Path]:
    """The same as `matched`, where nothing is an error."""
    if not (found := matched(root, option, pattern)):
        raise InputError(f"dataset.{option}={pattern} matches no file below {root}")
    return found


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
