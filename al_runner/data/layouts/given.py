"""Files of images that somebody names: one by one, by their folder, or in a table."""

import sys
from collections.abc import Iterator, Sequence
from contextlib import nullcontext
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Protocol

import numpy as np

from al_runner.data.formats import dicom, pictures, volume
from al_runner.data.layouts import sheet
from al_runner.data.parallel import in_order
from al_runner.data.progress import counted
from al_runner.data.reading import Reading, files_at
from al_runner.errors import InputError

if TYPE_CHECKING:
    from torch import Tensor  # whether files are there is asked before it is imported

TABLES = (".csv", ".tsv", ".txt")
PATH = ("file", "path", "sample", "image", "filename", "file name", "image path")
"""Names that a table's column of files may have."""
KINDS = {pictures.SUFFIXES: "an image", volume.SUFFIXES: "a volume", (".npy",): "an array"}
BLOCK_BYTES = 2**26
"""Of images that are read at a time."""
MANY = 200
"""Files that take so long that one wants to see how far it is."""
SHOWN = 3
"""Files that an error names."""


class Files(Protocol):
    """Kinds of files, such as what a `Reading` reads."""

    @property
    def suffixes(self) -> Sequence[str]:
        """How their names end, in lower case."""

    def found(self, place: Path) -> list[Path]:
        """Those at a place."""


@dataclass(frozen=True)
class Named:
    """Files that may be of a kind by their names, or are DICOM.

    Attributes:
        suffixes: how their names end.
    """

    suffixes: Sequence[str]

    def found(self, place: Path) -> list[Path]:
        """Those at a place."""
        return [path for path in files_at(place) if _ends(path, self.suffixes) or dicom.is_dicom(path)]


@dataclass(frozen=True)
class Given:
    """Files that are there.

    Attributes:
        paths: of them, each once.
    """

    paths: Sequence[Path]

    @classmethod
    def found(cls, places: Sequence[Path], files: Files, shape: str) -> "Given":
        """The files that some places hold.

        Args:
            places: files, folders, or tables with a column `file`, whose paths start where the table lies.
            files: which may be among them.
            shape: of an image, for people.

        Raises:
            InputError: a place that is not there, holds nothing, or is of another kind.
        """
        paths = dict.fromkeys(path for place in places for path in _at(place, files, shape))
        if any(path.suffix.lower() in dicom.SUFFIXES for path in paths):
            dicom.require()
        return cls(list(paths))

    def blocks(self, reading: Reading, skip: bool = False) -> "Iterator[tuple[list[str], Tensor]]":
        """The names of some files, and their images, uint8 [n, channels, ...], block by block in order.

        Args:
            reading: reads them.
            skip: leave out files that cannot be read, and say so at the end.

        Raises:
            InputError: files that cannot be read, or none that can.
        """

        import torch

        def work(place: int) -> "Tensor":
            return torch.from_numpy(np.ascontiguousarray(reading.read(self.paths[place])))

        lost: list[str] = []
        names: list[str] = []
        images: list[Tensor] = []
        done = False
        n = len(self.paths)
        with counted(f"reading {n:,} files", n) if n >= MANY else nullcontext(lambda: None) as advance:
            for path, image in zip(self.paths, in_order(work, n), strict=True):
                advance()
                if isinstance(image, Exception):
                    lost.append(f"{path} ({' '.join(str(image).split())})")
                    continue
                names.append(str(path))
                images.append(image)
                if image.nbytes * len(images) >= BLOCK_BYTES:
                    yield names, torch.stack(images)
                    names, images, done = [], [], True
        said = f"{len(lost):,} of {len(self.paths):,} files cannot be read: {', '.join(lost[:SHOWN])}"
        said += f", and {len(lost) - SHOWN:,} more" if len(lost) > SHOWN else ""
        if lost and not skip:
            raise InputError(f"{said}; repair or remove them, or leave them out by --skip")
        if not images and not done:
            raise InputError(said)
        if lost:
            print(f"al-predict: left out: {said}", file=sys.stderr)
        if images:
            yield names, torch.stack(images)


def _at(place: Path, files: Files, shape: str) -> list[Path]:
    """The files of one place."""
    if place.is_dir():
        if not (paths := files.found(place)):
            raise InputError(f"{place} holds no file that ends in {', '.join(files.suffixes)}")
        return paths
    if not place.is_file():
        raise InputError(f"there is no file or folder {place}")
    if place.suffix.lower() in TABLES:
        return _in_table(place, files, shape)
    return [_fitting(place, files, shape)]


def _in_table(table: Path, files: Files, shape: str) -> list[Path]:
    """The files that a table lists."""
    rows = sheet.read(table)
    paths = []
    for number, (file,) in rows.cells(rows.needed(PATH)):
        path = table.parent / file.replace("\\", "/")
        if not file or not path.exists():
            raise InputError(f"{table}: row {number}: there is no file {path if file else 'in it'}")
        paths.append(_fitting(path, files, shape))
    if not paths:
        raise InputError(f"{table} lists no file")
    return paths


def _fitting(path: Path, files: Files, shape: str) -> Path:
    """A file that may be read.

    Raises:
        InputError: it is of another kind; says which.
    """
    if files.found(path) == [path]:
        return path
    kind = next((kind for those, kind in KINDS.items() if _ends(path, those)), "of another format")
    raise InputError(
        f"{path} is {kind}, and this run's network takes images of {shape} (channels first): expected a file "
        f"that ends in {', '.join(files.suffixes)}"
    )


def _ends(path: Path, suffixes: Sequence[str]) -> bool:
    return path.name.lower().endswith(tuple(suffixes))
