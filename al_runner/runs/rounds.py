"""A complete round's folder, and the two tables that are views of all of them."""

import csv
import io
import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any
from zipfile import BadZipFile

from al_runner.errors import InputError
from al_runner.files import csv_text, digest

if TYPE_CHECKING:
    import numpy as np  # imported when needed: whether a run is finished is asked before anything heavy

ROUND, QUERY, LABELS, CHECKPOINT, MEMORY = (
    "round.json",
    "query.csv",
    "labels.npy",
    "checkpoint.pt",
    "memory.pt",
)
SPARSE, LARGE = "confusion_", 2**20
"""Arrays of which names, and of how many bytes, are compressed."""
QUERY_FIELDS = ("round", "rank", "index", "label", "score")


@dataclass(frozen=True)
class ClosedRound:
    """What the record holds of one complete round."""

    folder: Path
    row: Mapping[str, float]
    digests: Mapping[str, str]

    @classmethod
    def read(cls, folder: Path) -> "ClosedRound":
        """Read what a round's folder says of it; its files are not looked at.

        Raises:
            InputError: `round.json` is missing, cut short or changed.
        """
        try:
            content = json.loads((folder / ROUND).read_text(encoding="utf-8"))
            return cls(folder, dict(content["row"]), dict(content["digests"]))
        except (OSError, ValueError, KeyError, TypeError, RecursionError) as error:
            raise changed(folder / ROUND) from error

    def verify(self, name: str) -> None:
        """Refuse a file that is not what this round wrote.

        Raises:
            InputError: it was edited, cut short or removed.
        """
        path = self.folder / name
        if not path.is_file() or digest(path) != self.digests.get(name):
            raise changed(path)

    @cached_property
    def query_lines(self) -> str:
        """The round's rows of `queries.csv`, without the header; read once for all later rounds."""
        return (self.folder / QUERY).read_text(encoding="utf-8")

    def indices(self) -> list[int]:
        """The indices labeled in this round, in order of their rank."""
        rows = csv.DictReader(io.StringIO(self.query_lines), QUERY_FIELDS)
        return [int(row["index"]) for row in rows]

    def labels(self) -> "np.ndarray[Any, Any]":
        """The oracle's answers, in the same order."""
        import numpy as np

        return np.load(self.folder / LABELS, allow_pickle=False)

    def drop_states(self) -> None:
        """Remove what only going on from this round needs."""
        for name in (CHECKPOINT, MEMORY):
            (self.folder / name).unlink(missing_ok=True)


def queries_csv(rounds: Sequence[ClosedRound]) -> str:
    """`queries.csv`: one row for each label bought."""
    return ",".join(QUERY_FIELDS) + "\n" + "".join(closed.query_lines for closed in rounds)


def rounds_csv(rounds: Sequence[ClosedRound]) -> str:
    """`rounds.csv`: one row a round; cells are empty where a round was not evaluated."""
    columns = dict.fromkeys(name for closed in rounds for name in closed.row)
    seconds = [name for name in columns if name.endswith("_seconds")]
    ordered = [name for name in columns if name not in seconds] + seconds
    return csv_text(ordered, [closed.row for closed in rounds])


def write_array(folder: Path, name: str, array: "np.ndarray[Any, Any]") -> None:
    """An array as `<name>.npy`; large confusion matrices, of some hundred classes, are nearly all zeros, and
    compressed as `<name>.npz`.
    """
    import numpy as np

    if name.startswith(SPARSE) and array.nbytes > LARGE:
        np.savez_compressed(folder / f"{name}.npz", array)
    else:
        np.save(folder / f"{name}.npy", array)


def read_array(folder: Path, name: str) -> "np.ndarray[Any, Any] | None":
    """What `write_array` wrote; None where there is nothing of that name.

    Raises:
        InputError: it cannot be read, or was changed.
    """
    import numpy as np

    closed = ClosedRound.read(folder) if (folder / ROUND).is_file() else None
    for path in (folder / f"{name}.npy", folder / f"{name}.npz"):
        if closed and path.name in closed.digests:
            closed.verify(path.name)
        try:
            if path.is_file():
                found = np.load(path, allow_pickle=False)
                return found if path.suffix == ".npy" else found["arr_0"]
        except (OSError, EOFError, ValueError, KeyError, BadZipFile) as error:
            raise InputError(f"{path} cannot be read: {error}") from error
    return None


View = Callable[[Sequence[ClosedRound]], str]
VIEWS: Mapping[str, View] = {"queries.csv": queries_csv, "rounds.csv": rounds_csv}


def shows(path: Path, rounds: Sequence[ClosedRound]) -> bool:
    """Whether a view shows every round, or all but the last: it is rewritten when a round is complete."""
    content, view = path.read_bytes(), VIEWS[path.name]
    return content in (view(rounds).encode(), view(rounds[:-1]).encode())


def changed(path: Path) -> InputError:
    """What is said of a file that al-run did not write so."""
    return InputError(
        f"{path} is not as al-run wrote it (edited, cut short or removed): put it back from a copy, or move "
        f"the run folder away to start over"
    )
