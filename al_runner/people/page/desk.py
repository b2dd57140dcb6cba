"""One run and the people before it: what state it is in, and what they can do."""

from dataclasses import dataclass
from pathlib import Path
from threading import RLock
from typing import Literal

from al_runner.people.answers import Answers, size_of
from al_runner.people.asked import ASKED, Asked
from al_runner.people.ending import end
from al_runner.people.folders import has_model, is_locked, read_manifest
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
        asked, before = Asked.read(self.folder), self._session
        self._session = None
        if asked is not None and before is not None and asked.round == before.asked.round:
            self._session = before.again(asked, Answers(self.folder))
        elif asked is not None:
            self._session = Session(asked, Answers(self.folder), self.twice)
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
            complete = session is not None and session.complete
            if complete and is_locked(self.folder):
                return Status("training")  # an encoder learns; more is asked when it has
            if failure := self.training.failure:
                return Status("failed", failure)
            if manifest.get("status") == "failed":
                return Status("failed", str(manifest.get("error") or "al-run did not say why"))
            if session is None:
                return Status("stopped")
            return Status("full" if complete else "label")

    def train(self) -> bool:
        """Let the run go on, once all its questions are answered; whether it was started."""
        with self.lock:
            session = self.session()
            if session is None or not session.complete or self.status().state not in ("full", "failed"):
                return False
            self.training.start(session.asked.command, session.asked.cwd)
            return True

    def can_stop(self, status: Status) -> bool:
        """Whether people may end the run in some state: it asks them, and has learned something."""
        return status.state in ("label", "full", "failed") and has_model(self.folder)

    def stop(self, by: str) -> bool:
        """End the run with the rounds that it has, and let it close; whether that began.

        Raises:
            InputError: it cannot be ended now.
        """
        with self.lock:
            if self.session() is None or not self.can_stop(self.status()):
                return False
            asked = end(self.folder, by)
            self.training.start(asked.command, asked.cwd)
            return True


def _stamp(path: Path) -> tuple[int, int] | None:
    """What tells a file from a changed one."""
    try:
        status = path.stat()
    except OSError:
        return None
    return status.st_size, status.st_mtime_ns
