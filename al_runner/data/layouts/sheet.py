"""A table as programs save it: CSV with commas, semicolons or tabs in whatever encoding, Excel, Parquet."""

import csv
import io
import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from al_runner.data.layouts import workbooks
from al_runner.errors import InputError
from al_runner.files import plain_name

SEPARATORS = ",;\t|"
ENCODINGS = ("utf-8-sig", "cp1252")
UTF16 = (b"\xff\xfe", b"\xfe\xff")
"""How files in UTF-16 begin: Excel's "Unicode text"."""
HEADER = 10_000
"""Characters in which the header ends: separators are counted there."""
TEXT = (".csv", ".tsv", ".txt")
SUFFIXES = (*TEXT, *workbooks.READERS)
"""Names of tables end so."""


@dataclass(frozen=True)
class Sheet:
    """A header and rows of cells, without spaces around them.

    Attributes:
        path: of the file.
        header: the names of its columns.
        rows: the number of each row as a spreadsheet shows it, and its cells; empty ones are left out.
    """

    path: Path
    header: tuple[str, ...]
    rows: tuple[tuple[int, tuple[str, ...]], ...]

    def place(self, names: Sequence[str]) -> int | None:
        """Where a column is that has one of some names, the first of them that is there; None = nowhere.

        Case does not matter, and `_` stands for a space.
        """
        there = [plain_name(name) for name in self.header]
        return next((there.index(name) for name in map(plain_name, names) if name in there), None)

    def needed(self, names: Sequence[str]) -> int:
        """The same.

        Raises:
            InputError: no column has such a name.
        """
        if (place := self.place(names)) is None:
            raise InputError(
                f"{self.path} has no column {' or '.join(names)}; it has {', '.join(self.header) or 'none'}"
            )
        return place

    def cells(self, *places: int | None) -> Iterator[tuple[int, tuple[str, ...]]]:
        """The number of each row and its cells in some places; "" where a row ends before, or for None."""
        for number, row in self.rows:
            yield number, tuple(row[at] if at is not None and at < len(row) else "" for at in places)


def read(path: Path) -> Sheet:
    """Read a table.

    Raises:
        InputError: it cannot be read, or is empty.
    """
    try:
        rows = workbooks.rows(path) if path.suffix.lower() in workbooks.READERS else _rows(path.read_bytes())
    except (OSError, UnicodeDecodeError, csv.Error) as error:
        why = getattr(error, "strerror", None) or " ".join(str(error).split())
        raise InputError(f"cannot read {path}: {why}") from error
    rows = [(number, row) for number, row in rows if any(row)]
    if not rows:
        raise InputError(f"{path} is empty: a header and rows are expected")
    return Sheet(path, rows[0][1], tuple(rows[1:]))


def _rows(content: bytes) -> list[tuple[int, tuple[str, ...]]]:
    """The number and the cells of each row of a text."""
    text = _decoded(content)
    first = re.split(r"[\r\n]", re.sub(r'"[^"]*"', "", text[:HEADER]).lstrip(), maxsplit=1)[0]
    if said := re.fullmatch("sep=(.)", text.splitlines()[0] if text else ""):  # Excel's own line
        reader = csv.reader(io.StringIO(text, newline=""), delimiter=said[1])
        next(reader)
    else:
        reader = csv.reader(io.StringIO(text, newline=""), delimiter=max(SEPARATORS, key=first.count))
    return [(reader.line_num, tuple(cell.strip() for cell in row)) for row in reader]


def _decoded(content: bytes) -> str:
    """As UTF-8, or else as what Excel writes in western Europe."""
    if content.startswith(UTF16):
        return content.decode("utf-16")
    if content[1:2] == b"\0" or content[:1] == b"\0":  # UTF-16 that does not say so: a header is mostly ASCII
        return content.decode("utf-16-le" if content[1:2] == b"\0" else "utf-16-be")
    try:
        return content.decode(ENCODINGS[0])
    except UnicodeDecodeError:
        return content.decode(ENCODINGS[1])
