"""Small helpers for files: text as CSV, names, checksums, locks, and writing through to the disk."""

import csv
import hashlib
import io
import os
import sys
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import TypeVar

from filelock import FileLock, Timeout

T = TypeVar("T")


FORMULAS = ("=", "+", "-", "@", "\t", "\r")
"""How a cell begins that spreadsheets compute."""


def csv_text(fields: Sequence[str], rows: Sequence[Mapping[str, object]], header: bool = True) -> str:
    """Rows as CSV with the columns `fields`; missing values are empty."""
    buffer = io.StringIO()
    writer = csv.DictWriter(buffer, fields, lineterminator="\n")
    if header:
        writer.writeheader()
    writer.writerows(rows)
    return buffer.getvalue()


def no_formula(cell: T) -> T:
    """A cell of a table for spreadsheets: text that they would compute begins with `'`, numbers do not."""
    if not isinstance(cell, str) or len(cell) < 2 or not cell.startswith(FORMULAS):
        return cell
    try:
        float(cell)
    except ValueError:
        return f"'{cell}"  # type: ignore[return-value]
    return cell


def as_meant(cell: str) -> str:
    """What `no_formula` was given."""
    return cell[1:] if cell.startswith(tuple(f"'{sign}" for sign in FORMULAS)) else cell


CLUTTER = {"__macosx", "thumbs.db", "desktop.ini"}


def is_clutter(name: str) -> bool:
    """Whether a file or folder is what systems leave beside people's: hidden, or of macOS or Windows."""
    return name.startswith(".") or name.casefold() in CLUTTER


def files_below(root: Path) -> list[Path]:
    """All files below a folder, as `names_below`."""
    return [Path(root, name) for name in names_below(root)]


def names_below(root: Path) -> list[str]:
    """The paths below a folder of all files there, with `/`, sorted as paths are; without clutter.

    Links to folders are followed, but a folder is entered once and none above `root` is, so that no link
    leads in circles.
    """
    found: list[str] = []
    top = str(root)
    entered = {str(folder) for folder in root.resolve().parents}
    for folder, subfolders, names in os.walk(top, followlinks=True):
        if (real := os.path.realpath(folder)) in entered:
            subfolders.clear()
            continue
        entered.add(real)
        subfolders[:] = sorted(name for name in subfolders if not is_clutter(name))
        inside = folder[len(top) :].replace(os.sep, "/").lstrip("/")
        start = f"{inside}/" if inside else ""
        found += [start + name for name in names if not is_clutter(name)]
    return sorted(found, key=lambda name: name.split("/"))


def census(root: Path, files: Iterable[Path]) -> list[tuple[str, int, int]]:
    """What tells files from changed ones without reading them: path below `root`, size, time."""
    top = f"{root.as_posix().rstrip('/')}/"
    return [(_below(path, root, top), *_size_and_time(path)) for path in files]


def _below(path: Path, root: Path, top: str) -> str:
    """Its path below a folder, quickly where it begins as the folder does."""
    text = path.as_posix()
    return text[len(top) :] if text.startswith(top) else path.relative_to(root).as_posix()


def _size_and_time(path: Path) -> tuple[int, int]:
    try:
        status = path.stat()
    except OSError:  # a link that leads nowhere: whoever reads it will say so
        return -1, -1
    return status.st_size, status.st_mtime_ns


def replace(path: Path, content: bytes, through: bool = False) -> None:
    """Write a file whole or not at all, whoever reads it meanwhile; `through` to the disk at once."""
    partial = path.with_name(f".{path.name}.partial")
    partial.write_bytes(content)
    if through:
        to_disk(partial)
    partial.replace(path)


def replace_together(contents: Mapping[Path, bytes]) -> None:
    """Write files that belong together, the last of which needs the others.

    All are written before one is renamed, and the last one's rename ends it. An older file of its name is
    gone before that, so a kill leaves no file beside another's.

    Raises:
        OSError: they cannot be written; what was there before stays.
    """
    partials = {path.with_name(f".{path.name}.partial"): path for path in contents}
    try:
        for partial, path in partials.items():
            partial.write_bytes(contents[path])
    except OSError:
        for partial in partials:
            partial.unlink(missing_ok=True)
        raise
    list(contents)[-1].unlink(missing_ok=True)
    for partial, path in partials.items():
        partial.replace(path)


def append(path: Path, content: bytes) -> None:
    """Add whole lines to a file, through to the disk, in place of a last line that was cut short.

    Raises:
        OSError: it cannot be written; what was there before stays.
    """
    with path.open("r+b" if path.is_file() else "wb") as file:
        end = file.seek(0, os.SEEK_END)
        while end and (file.seek(end - 1), file.read(1))[1] != b"\n":
            end -= 1
        try:
            file.seek(end)
            file.truncate()
            file.write(content)
            file.flush()
            os.fsync(file.fileno())
        except OSError:
            file.truncate(end)
            raise


def digest(path: Path) -> str:
    """SHA-256 of a file's content, in hexadecimal."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def to_disk(path: Path) -> None:
    """Have the system write a file or folder through, so that it survives a power cut."""
    descriptor = os.open(path, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


@contextmanager
def alone(place: Path, what: str) -> Iterator[None]:
    """No other process works on a place meanwhile, by the file `<place>.lock`.

    Args:
        place: a file or folder.
        what: the others do there, such as `decodes into`: said if this process has to wait.
    """
    lock = FileLock(f"{place}.lock")
    try:
        lock.acquire(timeout=0)
    except Timeout:
        print(f"al-run: waiting for another process that {what} {place}", file=sys.stderr)
        lock.acquire()
    try:
        yield
    finally:
        lock.release()


def plain_name(name: str) -> str:
    """A name as people may spell it: case does not count, `_` stands for a space."""
    return name.casefold().replace("_", " ")
