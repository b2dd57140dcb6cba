"""DICOM series: the slices below a folder that are a volume."""

import re
from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from al_runner.data.formats import dicom, frames
from al_runner.data.formats.planes import Plane, block, plane
from al_runner.data.formats.stored import Numbers, Stored, as_whole
from al_runner.errors import InputError
from al_runner.files import files_below

PART = re.compile(r"(.+)#(\S+)")
"""A folder, and the number of a series in it, where it holds several."""
TAGS = ["SeriesInstanceUID", "SeriesNumber", "SeriesDescription", "Modality", "ImageType", "Rows", "Columns",
        "NumberOfFrames", "ImagePositionPatient", "ImageOrientationPatient", "PixelSpacing"]  # fmt: skip
"""That tell to which volume a file belongs, and where in it it lies."""
NO_IMAGES = ("SEG", "RTDOSE", "RTIMAGE", "PR", "SR", "KO", "REG")
"""Modalities of what lies beside images and is drawn over them: not part of a series."""
ASKED = 50
"""Files that tell whether there may be slices at all."""
SHOWN = 3
"""Series that an error names."""


@dataclass(frozen=True)
class Slice:
    """A file of a series.

    Attributes:
        path: the file.
        plane: where it lies; None = it does not say.
        frames: that it has.
    """

    path: Path
    plane: Plane | None
    frames: int


@dataclass(frozen=True)
class Series:
    """Files that a scanner made in one go.

    Attributes:
        uid: by which DICOM knows it.
        number: by which people know it; empty = it has none.
        title: how people call it.
        slices: its files, by their paths.
        is_localizer: it is a survey of where others lie.
    """

    uid: str
    number: str
    title: str
    slices: Sequence[Slice]
    is_localizer: bool

    @property
    def is_volume(self) -> bool:
        """Whether it is meant as one: several slices that say where they lie, or one file of many frames."""
        if self.is_localizer:
            return False
        if len(self.slices) == 1:
            return self.slices[0].frames > 1
        placed = {each.plane.position for each in self.slices if each.plane is not None}
        return len(placed) > 1 and all(each.frames == 1 for each in self.slices)

    def __str__(self) -> str:
        size = f"{len(self.slices):,} file{'s' if len(self.slices) > 1 else ''}"
        return f"{self.number or self.uid} ({', '.join(filter(None, (self.title, size)))})"


def series_of(files: Sequence[Path], skip: bool = False) -> list[Series]:
    """The series of those among some files that are DICOM images; the others are left out.

    Args:
        files: of any kind.
        skip: leave out what cannot be read, too.

    Raises:
        InputError: a file cannot be read.
    """
    found: defaultdict[str, list[Slice]] = defaultdict(list)
    headers: dict[str, Any] = {}
    for path in files:
        if not dicom.is_dicom(path):
            continue
        try:
            header = _header(path)
        except InputError:
            if not skip:
                raise
            continue
        if header.get("Rows") is None or header.get("Modality") in NO_IMAGES:
            continue
        uid = str(header.get("SeriesInstanceUID") or path)
        headers.setdefault(uid, header)
        count = int(header.get("NumberOfFrames") or 1)
        found[uid].append(Slice(path, plane(path.name, header, header, header, header), count))
    return [_series(uid, headers[uid], slices) for uid, slices in found.items()]


def _series(uid: str, header: Any, slices: Sequence[Slice]) -> Series:
    number, kinds = header.get("SeriesNumber"), header.get("ImageType") or ()
    return Series(
        uid=uid,
        number="" if number is None else str(number),
        title=str(header.get("SeriesDescription") or ""),
        slices=slices,
        is_localizer="LOCALIZER" in kinds,
    )


def _header(path: Path) -> Any:
    dicom.require()
    from pydicom import dcmread

    try:
        return dcmread(path, stop_before_pixels=True, specific_tags=TAGS)
    except Exception as error:  # pydicom's, of many kinds: nothing else runs here
        why = " ".join(str(error).split()) if path.stat().st_size else "it has no content: 0 bytes"
        raise InputError(f"cannot read {path.name}: {why}") from error


def is_series(path: Path) -> bool:
    """Whether a path is that of a folder, or of a series in it, `<folder>#<number>`."""
    return path.is_dir() or (not path.exists() and PART.fullmatch(path.name) is not None)


def folder_of(path: Path) -> Path:
    """The folder of a series."""
    part = None if path.is_dir() else PART.fullmatch(path.name)
    return path if part is None else path.with_name(part[1])


def places(files: Sequence[Path]) -> dict[Path, list[Path]]:
    """The volumes among some files: path of each, as `stored` takes it → its files.

    What cannot be read is none.
    A series that has a folder for itself is known by it; one that shares its folder with others, by
    `<folder>#<number>`; a file of many frames by itself.

    Raises:
        InputError: pydicom is missing, or slices of several series are spread over the same folders.
    """
    if not _may_be_slices([path for path in files if dicom.is_dicom(path)]):
        return {}
    volumes = [each for each in series_of(files, skip=True) if each.is_volume]
    found = {}
    for each in volumes:
        paths = [one.path for one in each.slices]
        found[_place(each, paths, volumes)] = paths
    return found


def _may_be_slices(files: Sequence[Path]) -> bool:
    """Whether some of the files say where they lie, or have frames: X-rays do not, and they are many."""
    asked = series_of(files[:: max(1, len(files) // ASKED)], skip=True)
    return any(each.frames > 1 or each.plane is not None for one in asked for each in one.slices)


def _place(series: Series, paths: Sequence[Path], volumes: Sequence[Series]) -> Path:
    if len(paths) == 1:
        return paths[0]
    folder = _common(paths)
    others = [
        each
        for each in volumes
        if each is not series and any(one.path.is_relative_to(folder) for one in each.slices)
    ]
    if not others:
        return folder
    if any(path.parent != folder for path in paths):
        raise InputError(
            f"{folder}: the slices of series {series} are spread over folders that hold those of "
            f"{others[0]}: sort them into a folder for each series"
        )
    return folder.with_name(f"{folder.name}#{_part(series, volumes, folder)}")


def _part(series: Series, every: Sequence[Series], folder: Path) -> str:
    """The number of a series, or where that does not tell it from others there, its identifier."""
    there = [each for each in every if any(one.path.parent == folder for one in each.slices)]
    numbers = [each.number for each in there]
    return series.number if series.number and numbers.count(series.number) == 1 else series.uid


def _common(paths: Sequence[Path]) -> Path:
    """The lowest folder that holds all of them."""
    folder = paths[0].parent
    while not all(path.is_relative_to(folder) for path in paths):
        folder = folder.parent
    return folder


def stored(path: Path) -> Stored:
    """The series of a folder, `<folder>`, or one of several in it, `<folder>#<number>`.

    Its slices are sorted by their place along the normal, whatever their names or numbers say.

    Raises:
        InputError: there is none, or several; or it is not whole.
    """
    series = _the_series(path)
    if len(series.slices) == 1 and series.slices[0].frames > 1:
        return frames.stored(series.slices[0].path)
    planes = []
    for each in series.slices:
        if each.plane is None:
            raise InputError(f"{path.name}: {each.path.name} does not say where its slice lies")
        planes.append(each.plane)
    made = block(planes, path.name)
    paths = [series.slices[number].path for number in made.order]
    return Stored(made.shape, 1, made.spacing, made.affine, lambda: _values(path.name, paths))


def _the_series(path: Path) -> Series:
    folder = folder_of(path)
    if not folder.is_dir():
        raise InputError(f"cannot read {path.name}: it is not there")
    every = series_of(files_below(folder) if path == folder else _directly_in(folder))
    if path != folder:
        wanted = path.name.rpartition("#")[2]
        if not (chosen := [each for each in every if wanted in (each.number, each.uid)]):
            raise InputError(f"{folder.name} has no series {wanted}, but {_listed(every)}")
        every = chosen
    whole = [each for each in every if not each.is_localizer] or every
    volumes = [each for each in whole if each.is_volume] or whole
    if not volumes:
        raise InputError(f"cannot read {path.name}: the folder holds no DICOM images")
    if len(volumes) > 1:
        raise InputError(
            f"{path.name} holds {len(volumes)} series: {_listed(volumes)}; name one as "
            f"{folder.name}#{volumes[0].number or volumes[0].uid}, or move each to a folder"
        )
    return volumes[0]


def _directly_in(folder: Path) -> list[Path]:
    return [path for path in files_below(folder) if path.parent == folder]


def _listed(every: Sequence[Series]) -> str:
    more = f" and {len(every) - SHOWN:,} more" if len(every) > SHOWN else ""
    return ", ".join(map(str, every[:SHOWN])) + more or "none"


def _values(name: str, paths: Sequence[Path]) -> Numbers:
    """The slices' own units: columns, rows, slices, one channel."""
    slices = np.stack([_pixels(name, path) for path in paths])
    return as_whole(slices).transpose(2, 1, 0)[..., None]


def _pixels(name: str, path: Path) -> NDArray[np.float32]:
    try:
        values, _ = dicom.decoded(path)
    except Exception as error:  # pydicom's and its plugins', of many kinds: nothing else runs here
        raise InputError(f"{name}: {path.name} {_said(error)}") from error
    if values.ndim == 3:
        raise InputError(f"{name}: {path.name} is in color; expected gray slices")
    return values.astype(np.float32)


def _said(error: Exception) -> str:
    return str(error) if isinstance(error, InputError) else f"cannot be read: {' '.join(str(error).split())}"
