"""Tables that are no text: Excel by openpyxl, Parquet by pyarrow (extra `table`); every cell as text."""

import datetime
import sys
from collections.abc import Callable, Iterable, Iterator, Sequence
from pathlib import Path
from typing import Any

from al_runner.errors import InputError

MOST_ROWS = 10**7
"""Of a table: compressed, a small file can have more than memory holds."""
Rows = list[tuple[int, tuple[str, ...]]]


def rows(path: Path) -> Rows:
    """The rows of a workbook's first sheet that has any, or of a Parquet file; its header is row 1.

    Raises:
        InputError: the library is missing, or the file is damaged.
    """
    library, read = READERS[path.suffix.lower()]
    try:
        return [(number, tuple(map(text, row))) for number, row in enumerate(read(path), start=1)]
    except ImportError as error:
        raise InputError(f"{path.name} needs {library}: pip install 'al-runner[table]'") from error
    except (OSError, InputError):
        raise
    except Exception as error:  # the library's, of many kinds: nothing else runs here
        why = " ".join(str(error).split()) or type(error).__name__
        raise InputError(f"cannot read {path}: {why}") from error


def text(cell: Any) -> str:
    """A cell as a CSV file would have it; whole floats, which columns with gaps hold, as whole numbers."""
    if cell is None or cell != cell:  # NaN
        return ""
    if isinstance(cell, float) and cell.is_integer():
        return str(int(cell))
    if isinstance(cell, datetime.datetime) and cell.time() == datetime.time():
        return cell.date().isoformat()
    return str(cell).strip()


def _excel(path: Path) -> Iterator[Sequence[Any]]:
    from openpyxl import load_workbook

    from al_runner.data.formats.arrays import check_size  # NumPy is nothing for an answer to --help

    check_size(path)
    book = load_workbook(path, read_only=True, data_only=True)
    try:
        full = [sheet for sheet in book.worksheets if any(any(row) for row in sheet.values)]
        if len(full) > 1:
            others = ", ".join(sheet.title for sheet in full[1:])
            print(f"al-run: {path.name}: read is the sheet {full[0].title}, not {others}", file=sys.stderr)
        for sheet in full[:1]:
            yield from sheet.values
    finally:
        book.close()


def _parquet(path: Path) -> Iterator[Sequence[Any]]:
    from pyarrow import parquet

    rows = parquet.read_metadata(path).num_rows
    if rows > MOST_ROWS:
        raise InputError(f"{path} has {rows:,} rows; {MOST_ROWS:,} at most are a table of images")
    table = parquet.read_table(path)
    yield list(table.column_names)
    yield from zip(*(column.to_pylist() for column in table.columns), strict=True)


def _not_read(path: Path) -> Iterator[Sequence[Any]]:
    raise InputError(f"{path} is of a format that is not read: save it as .xlsx or .csv")


READERS: dict[str, tuple[str, Callable[[Path], Iterable[Sequence[Any]]]]] = {
    ".xlsx": ("openpyxl", _excel),
    ".xlsm": ("openpyxl", _excel),
    ".xls": ("", _not_read),
    ".ods": ("", _not_read),
    ".parquet": ("pyarrow", _parquet),
    ".pq": ("pyarrow", _parquet),
}
"""Ending → the library, and the rows of a file."""
