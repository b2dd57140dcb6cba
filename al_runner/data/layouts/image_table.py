"""Tables of images: rows of CSV files, and the image files that they name."""

import csv
import itertools
import sys
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from al_runner.data.cache import OnError
from al_runner.errors import InputError

NO_FINDING = "No Finding"
"""What tables say of images that show no finding, those of NIH and CheXpert."""
SHOWN = 3
"""Rows or files that a message names."""


@dataclass(frozen=True)
class Row:
    """What a table says about an image.

    Attributes:
        name: of the image, no two are alike.
        patient: whose it is.
        findings: what it shows; `NO_FINDING` where the table says that it shows none.
        split: "" where the table does not say.
    """

    name: str
    patient: str
    findings: Collection[str]
    split: str = ""


@dataclass(frozen=True)
class Table:
    """A table and the images that it names.

    Attributes:
        root: folder of the files.
        source: the table's name, for people.
        rows: one for each image.
        files: the images that there are: the name that rows have for one → its path below the root. Text, for
            a hundred thousand `Path`s take longer to make than all the rest.
        place: where they are looked for, in words.
    """

    root: Path
    source: str
    rows: Sequence[Row]
    files: Mapping[str, str]
    place: str

    def complete(self, on_error: OnError) -> "Table":
        """The same without rows whose image is missing, and images that have no row.

        Args:
            on_error: `skip` leaves them out, and says so; `fail` refuses.

        Raises:
            InputError: there are such rows or images; names some.
        """
        named = {row.name for row in self.rows}
        if len(named) < len(self.rows):
            names = sorted(row.name for row in self.rows)
            twice = next(name for name, after in itertools.pairwise(names) if name == after)
            raise InputError(f"{self.root / self.source} has {twice} in several rows")
        lost = [row.name for row in self.rows if row.name not in self.files]
        strange = [name for name in self.files if name not in named]
        if not lost and not strange:
            return self
        faults = [
            f"{len(lost):,} of {len(self.rows):,} rows have no image file in {self.place} ({_some(lost)})",
            f"{len(strange):,} of {len(self.files):,} image files have no row ({_some(strange)})",
        ]
        fault = " and ".join(text for text, items in zip(faults, (lost, strange), strict=True) if items)
        if on_error != "skip":
            raise InputError(
                f"{self.root / self.source}: {fault}; complete the folder, or leave them out by "
                "dataset.on_error=skip"
            )
        print(f"al-run: left out: {self.root / self.source}: {fault}", file=sys.stderr)
        return replace(self, rows=[row for row in self.rows if row.name in self.files])


def read_all(root: Path, tables: Sequence[str], columns: Sequence[str]) -> list[tuple[Path, dict[str, str]]]:
    """The rows of several CSV files in a folder, each with its file; see `read`.

    Raises:
        InputError: a file as for `read`.
    """
    return [(root / name, row) for name in tables for row in read(root / name, columns)]


def read(path: Path, columns: Sequence[str]) -> list[dict[str, str]]:
    """The rows of a CSV file, column → cell without spaces around it.

    Raises:
        InputError: it cannot be read, lacks a column or has no rows, or a row is too short.
    """
    try:
        with path.open(encoding="utf-8-sig", newline="") as file:
            reader = csv.DictReader(file)
            found = [{key: row[key] for key in columns if key in row} for row in reader]
            header = reader.fieldnames or []
    except (OSError, UnicodeDecodeError, csv.Error) as error:
        raise InputError(f"cannot read {path}: {getattr(error, 'strerror', None) or error}") from error
    if missing := [key for key in columns if key not in header]:
        raise InputError(
            f"{path} lacks the column {' and '.join(missing)}; it has {', '.join(header) or 'none'}"
        )
    if not found:
        raise InputError(f"{path} has no rows")
    for number, row in enumerate(found, start=1):
        if None in row.values():
            raise InputError(f"{path}: row {number} is too short")
    return [{key: cell.strip() for key, cell in row.items()} for row in found]


def _some(names: Sequence[str]) -> str:
    more = f", and {len(names) - SHOWN:,} more" if len(names) > SHOWN else ""
    return f"{', '.join(names[:SHOWN])}{more}"
