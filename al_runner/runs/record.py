"""The run folder: written so that a run killed at any moment goes on as if it had not been.

A round is complete when its folder `round_<k>/` appears, by one rename. `rounds.csv` and `queries.csv` are
views of those folders: a kill between the rename and the rewriting of the views is mended on opening; any
other difference means that somebody changed the record, and is refused.
"""

import csv
import io
import json
import re
import shutil
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

from filelock import FileLock, Timeout

from al_runner.errors import InputError
from al_runner.files import csv_text, digest, replace, to_disk

if TYPE_CHECKING:
    import numpy as np  # imported when needed: whether a run is finished is asked before anything heavy

Status = Literal["running", "waiting", "finished", "failed"]
KeepCheckpoints = Literal["last", "all", "none"]

QUERY_FIELDS = ("round", "rank", "index", "label", "score")
MANIFEST, ROUND = "manifest.json", "round.json"
QUERY, LABELS, CHECKPOINT, MEMORY = "query.csv", "labels.npy", "checkpoint.pt", "memory.pt"


@dataclass(frozen=True)
class ClosedRound:
    """What the record holds of one complete round."""

    folder: Path
    row: Mapping[str, float]
    digests: Mapping[str, str]

    @classmethod
    def read(cls, folder: Path) -> "ClosedRound":
        """Read and verify a round's folder.

        Raises:
            InputError: a file is missing, cut short or changed.
        """
        try:
            content = json.loads((folder / ROUND).read_text())
            closed = cls(folder, dict(content["row"]), dict(content["digests"]))
        except (OSError, ValueError, KeyError, TypeError) as error:
            raise _changed(folder / ROUND) from error
        for name in (QUERY, LABELS):
            closed.verify(name)
        return closed

    def verify(self, name: str) -> None:
        """Refuse a file that is not what this round wrote."""
        path = self.folder / name
        if not path.is_file() or digest(path) != self.digests.get(name):
            raise _changed(path)

    @cached_property
    def query_lines(self) -> str:
        """The round's rows of `queries.csv`, without the header; read once for all later rounds."""
        return (self.folder / QUERY).read_text()

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


class Record:
    """One run's folder, locked while it is open.

    Args:
        folder: the run folder; made if missing.
        keep_checkpoints: of a finished run: those of the `last` round, of `all`, or `none`. An unfinished
            run always has its last one, to resume from.
    """

    def __init__(self, folder: Path, keep_checkpoints: KeepCheckpoints = "last") -> None:
        self.folder, self.keep_checkpoints = folder, keep_checkpoints
        self.rounds: list[ClosedRound] = []

    @contextmanager
    def locked(self) -> Iterator["Record"]:
        """Own the folder, read what is there, and mend what a kill left unfinished.

        Raises:
            InputError: another process owns it, it cannot be written, or its content was changed.
        """
        try:
            self.folder.mkdir(parents=True, exist_ok=True)
            lock = FileLock(self.folder / "run.lock")
            lock.acquire(timeout=0)
        except Timeout as error:
            raise InputError(
                f"another process is writing {self.folder}; wait for it, or change the seed or output_dir"
            ) from error
        except OSError as error:
            raise _cannot_write(self.folder, error) from error
        try:
            self._open()
            yield self
        finally:
            lock.release()

    def _open(self) -> None:
        for leftover in self.folder.glob(".round_*"):
            shutil.rmtree(leftover)
        names = (path.name for path in self.folder.iterdir())
        numbers = sorted(int(found[1]) for name in names if (found := re.fullmatch(r"round_(\d+)", name)))
        for k, number in enumerate(numbers):
            if k != number:
                raise InputError(f"{self.folder}: round_{k} is missing, round_{number} is there")
            self.rounds.append(ClosedRound.read(self.folder / f"round_{k}"))
        for name, view in self._views().items():
            self._check_view(self.folder / name, view)
        self._write_views()
        self._drop_checkpoints()

    def _views(self) -> Mapping[str, Callable[[Sequence[ClosedRound]], str]]:
        return {"queries.csv": self.queries_csv, "rounds.csv": self.rounds_csv}

    def _check_view(self, path: Path, view: Callable[[Sequence[ClosedRound]], str]) -> None:
        """A view shows every round, or was not yet rewritten after the last one, or is not there."""
        content = path.read_bytes() if path.is_file() else b""
        if content not in (b"", view(self.rounds).encode(), view(self.rounds[:-1]).encode()):
            raise _changed(path)

    def checkpoint(self) -> Path:
        """The last round's checkpoint, verified."""
        self.rounds[-1].verify(CHECKPOINT)
        return self.rounds[-1].folder / CHECKPOINT

    def memory(self) -> Path:
        """What the strategy remembered after the last round, verified."""
        self.rounds[-1].verify(MEMORY)
        return self.rounds[-1].folder / MEMORY

    def close_round(
        self,
        row: Mapping[str, float],
        queries: Sequence[Mapping[str, object]],
        labels: "np.ndarray[Any, Any]",
        arrays: "Mapping[str, np.ndarray[Any, Any]]",
        save_checkpoint: Callable[[Path], None],
        save_memory: Callable[[Path], None] | None = None,
    ) -> None:
        """Add a complete round, all or nothing.

        Args:
            row: its row of `rounds.csv`.
            queries: its rows of `queries.csv`, in order of rank.
            labels: the oracle's answers, in the same order.
            arrays: each becomes `<name>.npy` in the round's folder.
            save_checkpoint: writes the learner's state to a path.
            save_memory: writes what the strategy remembers to a path; None = it remembers nothing.

        Raises:
            InputError: the disk is full or the folder cannot be written; earlier rounds are safe.
        """
        import numpy as np

        number = len(self.rounds)
        partial, final = self.folder / f".round_{number}", self.folder / f"round_{number}"
        try:
            partial.mkdir()
            save_checkpoint(partial / CHECKPOINT)
            if save_memory is not None:
                save_memory(partial / MEMORY)
            (partial / QUERY).write_text(csv_text(QUERY_FIELDS, queries, header=False))
            np.save(partial / LABELS, labels)
            for name, array in arrays.items():
                np.save(partial / f"{name}.npy", array)
            needed = (QUERY, LABELS, CHECKPOINT, *([] if save_memory is None else [MEMORY]))
            digests = {name: digest(partial / name) for name in needed}
            (partial / ROUND).write_text(json.dumps({"row": dict(row), "digests": digests}, indent=1))
            for name in (*digests, ROUND):  # what resuming needs survives a power cut
                to_disk(partial / name)
            to_disk(partial)
            partial.rename(final)
            to_disk(self.folder)
            self.rounds.append(ClosedRound(final, row, digests))
            self._write_views()
        except OSError as error:
            shutil.rmtree(partial, ignore_errors=True)
            raise _cannot_write(self.folder, error) from error
        self._drop_checkpoints()

    def close(self, status: Status, **more: object) -> None:
        """Write the run's status and end; of a finished run, drop the checkpoints that were not asked for."""
        self.update_manifest(status=status, **more)
        if status == "finished" and self.keep_checkpoints == "none":
            self.rounds[-1].drop_states()

    def _drop_checkpoints(self) -> None:
        if self.keep_checkpoints != "all":
            for closed in self.rounds[:-1]:
                closed.drop_states()

    def queries_csv(self, rounds: Sequence[ClosedRound]) -> str:
        """`queries.csv`: one row for each label bought."""
        return ",".join(QUERY_FIELDS) + "\n" + "".join(closed.query_lines for closed in rounds)

    def rounds_csv(self, rounds: Sequence[ClosedRound]) -> str:
        """`rounds.csv`: one row a round; cells are empty where a round was not evaluated."""
        columns = dict.fromkeys(name for closed in rounds for name in closed.row)
        seconds = [name for name in columns if name.endswith("_seconds")]
        ordered = [name for name in columns if name not in seconds] + seconds
        return csv_text(ordered, [closed.row for closed in rounds])

    def _write_views(self) -> None:
        if not self.rounds:
            return
        # Not written through to the disk: where a power cut leaves a view empty, the rounds give it back.
        for name, view in self._views().items():
            self.write(name, view(self.rounds), through=False)

    def write(self, name: str, text: str, through: bool = True) -> None:
        """Replace a file of the folder, all or nothing; `through` to the disk at once.

        Raises:
            InputError: it cannot be written.
        """
        path = self.folder / name
        try:
            path.parent.mkdir(exist_ok=True)
            replace(path, text.encode(), through)
        except OSError as error:
            raise _cannot_write(self.folder, error) from error

    def manifest(self) -> dict[str, Any]:
        """`manifest.json` as it is, {} before the first start.

        Raises:
            InputError: it was changed or cut short.
        """
        return read_manifest(self.folder)

    def update_manifest(self, **values: object) -> None:
        """Set some of the manifest's values."""
        self.write(MANIFEST, json.dumps({**self.manifest(), **values}, indent=1) + "\n")


def read_manifest(folder: Path) -> dict[str, Any]:
    """A run folder's manifest, {} where there is none.

    Raises:
        InputError: it was changed or cut short.
    """
    path = folder / MANIFEST
    if not path.is_file():
        return {}
    try:
        manifest = json.loads(path.read_text())
    except ValueError as error:
        raise _changed(path) from error
    if not isinstance(manifest, dict):
        raise _changed(path)
    return manifest


def _changed(path: Path) -> InputError:
    return InputError(
        f"{path} is not as al-run wrote it (edited, cut short or removed): put it back from a copy, or move "
        f"the run folder away to start over"
    )


def _cannot_write(folder: Path, error: OSError) -> InputError:
    return InputError(
        f"cannot write {folder}: {error.strerror or error}; set output_dir to another place, or make room: "
        "the same command then goes on from the last complete round"
    )
