"""Images and their masks, found by patterns in which a `*` stands for the same."""

from pathlib import Path
from typing import Literal

from al_runner.data.layouts.outlined import Case
from al_runner.data.partition import patient_in
from al_runner.errors import InputError
from al_runner.files import is_clutter
from al_runner.values import Size

Missing = Literal["refuse", "unlabeled"]
"""What may be made of images without masks: bad input, or images that people are to outline."""


def may_lack(missing: Missing, test_size: Size | None = None) -> bool:
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
        images: path below it with one `*`.
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
    found, outlined = _matched(root, "images", images), _matched(root, "masks", masks, unlabeled)
    if unlabeled and (both := {*found.values()} & {*outlined.values()}):
        raise InputError(f"dataset.images={images} and dataset.masks={masks} both match {min(both).name}")
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


def _matched(root: Path, option: str, pattern: str, may_lack: bool = False) -> dict[str, Path]:
    if pattern.count("*") != 1:
        raise InputError(f"dataset.{option}={pattern} must have one *, which pairs images and masks")
    if Path(pattern).is_absolute():
        raise InputError(f"dataset.{option}={pattern} must be a path below dataset.root={root}")
    before, after = pattern.split("*")
    found = {}
    for path in sorted(root.glob(pattern.replace("[", "[[]"))):  # a bracket is one: what * is must be known
        if is_clutter(path.name):
            continue
        relative = path.relative_to(root).as_posix()
        found[relative[len(before) : len(relative) - len(after)]] = path
    if not found and not may_lack:
        raise InputError(f"dataset.{option}={pattern} matches no file below {root}")
    return found
