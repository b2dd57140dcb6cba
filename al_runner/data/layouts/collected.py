"""A folder of images or volumes without labels: which of them it holds."""

import sys
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from al_runner.data.formats import dicom, series, stacks, volume
from al_runner.data.formats.pictures import SUFFIXES, is_image
from al_runner.errors import InputError
from al_runner.files import files_below

Slices = Literal["volumes", "images"]
"""What the DICOM files of one series are that lie above each other."""


@dataclass(frozen=True)
class Collected:
    """What a folder holds.

    Attributes:
        paths: of images or volumes, sorted.
        are_volumes: which of the two.
    """

    paths: Sequence[Path]
    are_volumes: bool


def collected(root: Path, slices: Slices) -> Collected:
    """The images below a folder, or if there are none, the volumes. What is left out is said.

    Args:
        root: the folder.
        slices: what DICOM slices of one series are. Where they are volumes, single DICOM images beside them,
            such as surveys and captures of a screen, are none.

    Raises:
        InputError: there are neither.
    """
    if not root.is_dir():
        raise InputError(f"dataset.root={root} is not a folder")
    files = files_below(root)
    scans = series.places(files) if slices == "volumes" else {}
    taken = {path for paths in scans.values() for path in paths}
    stacked = {path for path in files if stacks.is_stack(path)}
    whole = [path for path in files if path.name.lower().endswith(volume.SUFFIXES)]
    volumes = sorted([*whole, *stacked, *scans])
    images = [path for path in files if path not in taken | stacked and is_image(path)]
    if scans:
        _mention_scans(root, len(scans), len(taken))
        single = [path for path in images if dicom.is_dicom(path)]
        _mention_left_out(root, single, "DICOM images that are part of no volume", "volumes", list(scans))
        images = [path for path in images if not dicom.is_dicom(path)]
    if images:
        _mention_left_out(root, volumes, "volumes", "images", images)
        return Collected(images, are_volumes=False)
    if not volumes:
        known = ", ".join((*SUFFIXES, *volume.SUFFIXES))
        raise InputError(f"{root} holds no images: expected files that end in {known}, or DICOM")
    return Collected(volumes, are_volumes=True)


def _mention_scans(root: Path, count: int, files: int) -> None:
    print(
        f"al-run: {files:,} DICOM files of {root} are {count:,} volumes (dataset.slices=images takes each as "
        "an image)",
        file=sys.stderr,
    )


def _mention_left_out(root: Path, lost: Sequence[Path], what: str, kept: str, others: Sequence[Path]) -> None:
    if lost:
        said = f"{len(lost):,} {what} of {root} are left out, for it has {len(others):,} {kept}"
        print(f"al-run: {said}, such as {others[0].name}", file=sys.stderr)
