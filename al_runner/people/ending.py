"""A person ends a run before its budget is spent: a mark in the run folder, with which its command closes it.

The run is then finished as any other: its final model is trained, its record says who ended it, and a report
counts it with the rounds that it has.
"""

import json
from dataclasses import asdict, dataclass
from pathlib import Path

from al_runner.errors import InputError
from al_runner.files import replace
from al_runner.people.answers import now
from al_runner.people.asked import Asked
from al_runner.people.folders import has_model, is_locked

ENDED = "ended.json"
BY_PEOPLE = "ended by "
"""How the reason begins that such a run's manifest gives."""


@dataclass(frozen=True)
class Ending:
    """That somebody ended a run.

    Attributes:
        by: the initials; "" where nobody said.
        at: when, as ISO 8601 in UTC.
    """

    by: str
    at: str

    @classmethod
    def read(cls, folder: Path) -> "Ending | None":
        """The mark in a run folder; None = nobody ended the run.

        Raises:
            InputError: it is not as al-label wrote it.
        """
        path = folder / ENDED
        if not path.is_file():
            return None
        try:
            told = json.loads(path.read_text(encoding="utf-8"))
            return cls(str(told["by"]), str(told["at"]))
        except (OSError, ValueError, KeyError, TypeError) as error:
            raise InputError(f"{path} is not as al-label wrote it: remove it, and the run goes on") from error

    @property
    def reason(self) -> str:
        """Why the run ended, for its manifest."""
        return f"{BY_PEOPLE}{self.by or 'a person'}"


def end(folder: Path, by: str) -> Asked:
    """End a run that asks people, with the rounds that it has.

    Returns:
        What it asked: its command is to be started, and closes the run.

    Raises:
        InputError: it asks nothing, works just now, or has learned nothing.
    """
    asked = Asked.read(folder)
    if asked is None:
        raise InputError(f"{folder} asks people nothing, so they cannot end it")
    if is_locked(folder):
        raise InputError(f"al-run works on {folder}: end the run when it asks again")
    if not has_model(folder):
        raise InputError(
            f"{folder} has no complete round, so it would end with nothing; its answers are kept, and the "
            "same al-run goes on from them"
        )
    try:
        replace(folder / ENDED, json.dumps(asdict(Ending(by, now()))).encode(), through=True)
    except OSError as error:
        raise InputError(f"cannot write {folder}: {error.strerror or error}") from error
    return asked
