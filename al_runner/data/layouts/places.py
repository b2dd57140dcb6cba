"""Which image file a cell of a table means."""

import re
import unicodedata
from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path

from al_runner.data.formats.pictures import SUFFIXES
from al_runner.errors import InputError

ABSOLUTE = re.compile(r"/|[A-Za-z]:")
"""How paths begin that are not below a folder, on any system. Text, for a `Path` for each row takes long."""


class Places:
    """The image files below a root, found by what tables call them.

    A cell is a path below the root, or an absolute one that leads there. It may have backslashes, another
    case, other folders in front or none, and no ending, as long as it means one file.

    Args:
        root: the folder.
        belows: paths of the images below it, with `/`.
    """

    def __init__(self, root: Path, belows: Iterable[str]) -> None:
        self.belows = frozenset(belows)
        self._roots = tuple({_plain(str(root)), _plain(str(root.absolute())), _plain(str(root.resolve()))})
        self._named: defaultdict[str, list[str]] = defaultdict(list)
        for below in sorted(self.belows):
            name = _plain(below).rpartition("/")[2]
            for each in {name, _stem(name)}:
                self._named[each].append(below)

    def find(self, cell: str) -> str | None:
        """The path below the root of the one file that a cell means; None = there is none.

        Raises:
            InputError: the cell leads out of the root, or means several files.
        """
        path = self._below(cell)
        if path in self.belows:
            return path
        asked = _plain(path)
        if not (there := self._named.get(asked.rpartition("/")[2])):
            return None
        for alike in _ways(asked):
            found = [below for below in there if alike(_plain(below))]
            if len(found) > 1:
                raise InputError(
                    f"{cell} may be {found[0]} or {found[1]}: the path below the root says which"
                )
            if found:
                return found[0]
        return None

    def _below(self, cell: str) -> str:
        """A cell as a path below the root."""
        path = cell.replace("\\", "/").strip()
        parts = path.split("/")
        if ".." in parts:
            raise InputError(f"{cell} leads out of the folder of the images")
        if not ABSOLUTE.match(path):
            return "/".join(part for part in parts if part not in ("", "."))
        for root in self._roots:
            depth = root.rstrip("/").count("/") + 1
            if _plain("/".join(parts[:depth])) == root.rstrip("/"):
                return "/".join(parts[depth:])
        raise InputError(f"{cell} is not below the folder of the images")


def _ways(asked: str) -> Iterator[Callable[[str], bool]]:
    """How a path may mean a file, the surest first."""
    yield lambda below: below == asked
    yield lambda below: _stem(below) == asked
    yield lambda below: f"/{below}".endswith(f"/{asked}") or f"/{_stem(below)}".endswith(f"/{asked}")
    yield lambda below: f"/{asked}".endswith(f"/{below}") or f"/{asked}".endswith(f"/{_stem(below)}")


def _plain(path: str) -> str:
    """Without case; and letters with marks are one character, which those that macOS writes are not."""
    return unicodedata.normalize("NFC", path).casefold()


def _stem(path: str) -> str:
    """Without the ending, if it is that of an image."""
    stem, dot, end = path.rpartition(".")
    return stem if dot + end in SUFFIXES else path
