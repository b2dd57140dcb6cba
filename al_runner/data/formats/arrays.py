"""NumPy's files (`.npy`, `.npz`), which hold no pickles and no more than memory does."""

import os
import zipfile
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from al_runner.errors import InputError

Array = NDArray[Any]


def read(path: Path, mapped: bool = False) -> Array:
    """The array of an `.npy` file; `mapped`: as a read-only memory map.

    Raises:
        InputError: it cannot be read; the reason alone, without the file's name.
    """
    try:
        found: Array = np.load(path, mmap_mode="r" if mapped else None, allow_pickle=False)
    except OSError as error:
        raise InputError(error.strerror or str(error)) from error
    except Exception as error:  # of damaged content, NumPy raises many kinds: nothing else runs here
        raise InputError(f"no array of NumPy's, or a damaged one: {_line(error)}") from error
    if not isinstance(found, np.ndarray):
        raise InputError("an .npz archive, where one array is expected")
    return found


def read_all(path: Path, names: Sequence[str]) -> dict[str, Array]:
    """Some arrays of an `.npz` file, by their names.

    Raises:
        InputError: it cannot be read, lacks one of them, or holds more than memory does.
    """
    try:
        path.open("rb").close()
    except OSError as error:
        raise InputError(f"cannot read {path}: {error.strerror}") from error
    if not zipfile.is_zipfile(path):
        raise InputError(f"{path} is not an npz file, or was cut short (no zip archive in it)")
    check_size(path)
    try:
        with np.load(path, allow_pickle=False) as file:
            if missing := [name for name in names if name not in file]:
                raise InputError(f"{path} lacks {', '.join(missing)}; it has {', '.join(file) or 'nothing'}")
            return {name: file[name] for name in names}
    except InputError:
        raise
    except Exception as error:  # of damaged content, NumPy raises many kinds: nothing else runs here
        raise InputError(f"{path} is damaged: {_line(error)}") from error


def check_size(path: Path) -> None:
    """Refuse a zip archive that says it would fill the memory; a file that is none is no matter.

    Raises:
        InputError: it would.
    """
    try:
        with zipfile.ZipFile(path) as archive:
            size = sum(each.file_size for each in archive.infolist())
    except (OSError, ValueError, NotImplementedError, zipfile.BadZipFile):
        return
    check_fits(size, str(path))


def check_fits(size: float, what: str) -> None:
    """Refuse what has more bytes than this machine's memory.

    Args:
        size: bytes.
        what: has them, for people.

    Raises:
        InputError: it has.
    """
    memory = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES")
    if size > memory:
        raise InputError(
            f"{what} holds {size / 1e9:,.0f} GB, more than this machine's memory ({memory / 1e9:,.0f} GB)"
        )


def _line(error: Exception) -> str:
    return " ".join(str(error).split()) or type(error).__name__
