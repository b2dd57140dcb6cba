"""One run and the people before it: what state it is in, and what they can do."""

import json
from dataclasses import dataclass
from pathlib import Path
from threading import RLock
from typing import Any, Literal

from filelock import FileLock, Timeout

from al_runner.people.answers import Answers, size_of
from al_runner.people.asked import ASKED, Asked
from al_runner.people.page.session import Session
from al_runner.people.page.training import Training

State = Literal["label", "full", "training", "finished", "failed", "stopped"]


@dataclass(frozen=True)
class Status:
    """What state a run is in.

    Attributes:
        state: `label`: questions are open; `full`: all are answered, the run can go on; `stopped`: it was
            ended while it trained, and asks nothing.
        said: the line of progress, or of what went wrong.
    """

    state: State
    said: str = ""


class Desk:
    """A run folder, its round that waits, and its training.

    Its methods may be called by several threads; what changes a session is done under `lock`.

    Args:
        folder: the run folder.
        twice: share of the samples that two readers are to see.
    """

    def __init__(self, folder: Path, twice: float = 0.0) -> None:
        self.folder, self.twice = folder, twice
        self.training, self.lock = Training(), RLock()
        self._session: Session | None = None
        self.last: Session | None = None
        """The latest round that waited, whether it still does or not."""
        self._read: object = None

    def session(self) -> Session | None:
        """The round that waits, as the files of the run folder have it; None = nothing is asked.

        Raises:
            InputError: a file is not as al-runner wrote it.
        """
        with self.lock:
            if (stamp := _stamp(self.folder / ASKED)) != self._read:
                self._open()
                self._read = stamp
            session = self._session
            if session is not None and session.answers.size != size_of(session.answers.path):
                session.reload(Answers(self.folder))
            return session

    def _open(self) -> None:
        """Another round asks, or none any more."""
        asked = Asked.read(self.folder)
        self._session = None if asked is None else Session(asked, Answers(self.folder), self.twice)
        self.last = self._session or self.last
        if not self.training.alive:
            self.training.close()  # that it failed before is over

    def status(self) -> Status:
        """What state the run is in now."""
        with self.lock:
            if self.training.alive:
                return Status("training", self.training.line())
            manifest = read_manifest(self.folder)
            if manifest.get("status") == "running" and is_locked(self.folder):
                return Status("training")
            if manifest.get("status") == "finished":
                return Status("finished")
            session = self.session()
            if failure := self.training.failure:
                return Status("failed", failure)
            if manifest.get("status") == "failed":
                return Status("failed", str(manifest.get("error") or "al-run did not say why"))
            if session is None:
                return Status("stopped")
            return Status("full" if session.complete else "label")

    def train(self) -> bool:
        """Let the run go on, once all its questions are answered; whether it was started."""
        with self.lock:
            session = self.session()
            if session is None or not session.complete or self.status().state not in ("full", "failed"):
                return False
            self.training.start(session.asked.command, session.asked.cwd)
            return True


def read_manifest(folder: Path) -> dict[str, Any]:
    """What al-run says of itself; {} where it says nothing that can be read."""
    try:
        found = json.loads((folder / "manifest.json").read_text(encoding="utf-8"))
    except (OSError, ValueError, RecursionError):
        return {}
    return found if isinstance(found, dict) else {}


def is_locked(folder: Path) -> bool:
    """Whether an al-run works on the folder."""
    try:
        with FileLock(folder / "run.lock").acquire(timeout=0):
            return False
    except Timeout:
        return True


def _stamp(path: Path) -> tuple[int, int] | None:
    """What tells a file from a changed one."""
    try:
        status = path.stat()
    except OSError:
        return None
    return status.st_size, status.st_mtime_ns
