"""The run folder: written so that a run killed at any moment goes on as if it had not been.

A round is complete when its folder `round_<k>/` appears, by one rename. `rounds.csv` and `queries.csv` are
views of those folders: a kill between the rename and the rewriting of the views is mended on opening; any
other difference means that somebody changed the record, and is refused.
"""

import hashlib
import json
import re
import shutil
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from sys import intern
from typing import TYPE_CHECKING, Any, Literal

from filelock import FileLock, Timeout

from al_runner.errors import InputError
from al_runner.files import csv_text, digest, replace, to_disk
from al_runner.runs.rounds import (
    CHECKPOINT,
    LABELS,
    MEMORY,
    QUERY,
    QUERY_FIELDS,
    ROUND,
    VIEWS,
    ClosedRound,
    changed,
    shows,
    write_array,
)

if TYPE_CHECKING:
    import numpy as np  # imported when needed: whether a run is finished is asked before anything heavy

Status = Literal["running", "waiting", "finished", "failed"]
KeepCheckpoints = Literal["last", "all", "none"]

MANIFEST, CHECKSUM = "manifest.json", "checksum"


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
            closed = ClosedRound.read(self.folder / f"round_{k}")
            for name in (QUERY, LABELS):
                closed.verify(name)
            self.rounds.append(closed)
        for name in VIEWS:
            path = self.folder / name  # where a power cut left it empty, the rounds give it back
            if path.is_file() and path.stat().st_size and not shows(path, self.rounds):
                raise changed(path)
        self._write_views()
        self._drop_checkpoints()

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
            arrays: each becomes `<name>.npy`, or a compressed `.npz`, in the round's folder.
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
            (partial / QUERY).write_text(csv_text(QUERY_FIELDS, queries, header=False), encoding="utf-8")
            np.save(partial / LABELS, labels)
            for name, array in arrays.items():
                write_array(partial, name, array)
            digests = {intern(path.name): digest(path) for path in sorted(partial.iterdir())}
            (partial / ROUND).write_text(
                json.dumps({"row": dict(row), "digests": digests}, indent=1), encoding="utf-8"
            )
            for name in (QUERY, LABELS, CHECKPOINT, *([] if save_memory is None else [MEMORY]), ROUND):
                to_disk(partial / name)  # what resuming needs survives a power cut
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

    def _write_views(self) -> None:
        if not self.rounds:
            return
        # Not written through to the disk: where a power cut leaves a view empty, the rounds give it back.
        for name, view in VIEWS.items():
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
        manifest = {**self.manifest(), **values}
        manifest[CHECKSUM] = _checksum(manifest)
        self.write(MANIFEST, json.dumps(manifest, indent=1) + "\n")


def read_manifest(folder: Path) -> dict[str, Any]:
    """A run folder's manifest, {} where there is none.

    Raises:
        InputError: it was changed or cut short.
    """
    path = folder / MANIFEST
    if not path.is_file():
        return {}
    try:
        manifest = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError, RecursionError) as error:
        raise changed(path) from error
    if not isinstance(manifest, dict) or manifest.get(CHECKSUM) not in (None, _checksum(manifest)):
        raise changed(path)
    return manifest


def _checksum(manifest: Mapping[str, Any]) -> str:
    """Of all other values: who edits one by hand has to remove it."""
    values = {key: value for key, value in manifest.items() if key != CHECKSUM}
    return hashlib.sha256(json.dumps(values, sort_keys=True).encode()).hexdigest()[:16]


def _cannot_write(folder: Path, error: OSError) -> InputError:
    return InputError(
        f"cannot write {folder}: {error.strerror or error}; set output_dir to another place, or make room: "
        "the same command then goes on from the last complete round"
    )
