"""Two starts of one run at once, and a clock that is set back while a run is stopped."""

import os
import random
import time
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta, tzinfo
from functools import partial
from pathlib import Path

import al_runner.runs.run
from attacks.compare import faults
from attacks.forks import Ended, command, last
from attacks.kills import Outcome, Reference, clear, prepared, start
from attacks.matrix import run_folder
from attacks.moments import Moment

WAYS = ("at once", "clock")
DAY = 86_400.0


@dataclass(frozen=True)
class Odd:
    """What happens to a run.

    Attributes:
        subject: the name of the run.
        way: one of `WAYS`.
        moment: where it is killed before the clock is set back, or how many seconds the second start is late.
    """

    subject: str
    way: str
    moment: Moment | float

    def __str__(self) -> str:
        return f"{self.subject}: {self.way} {self.moment}"


def odds(reference: Reference, count: int, rng: random.Random) -> Iterator[Odd]:
    """Some for one run, of each way."""
    for k in range(count):
        late = rng.uniform(0, 0.7 * reference.seconds[0])
        kill = Moment(rng.randrange(len(reference.moments[0])), "before")
        yield Odd(reference.subject.name, WAYS[k % 2], kill if k % 2 else late)


def attempt(odd: Odd, reference: Reference, data: Path, place: Path) -> Outcome:
    """Let it happen; the run is then gone on with as ever."""
    place.mkdir()
    found = list[str]()
    try:
        tried = _at_once if odd.way == "at once" else _clock
        found += tried(odd, reference, data, place)
        if not reference.subject.answer:
            folder = run_folder(place)
            found += ["no run"] if folder is None else faults(folder, reference.folder)
    except Exception as error:
        found.append(f"{type(error).__name__}: {error}")
    clear(place)
    return Outcome(0, found)


def _at_once(odd: Odd, reference: Reference, data: Path, place: Path) -> Iterator[str]:
    """The second one is refused in a line, or has nothing to do."""
    words, before = reference.subject.command(data), prepared(reference.subject, place)
    if not (child := os.fork()):
        os._exit(command(words, place, before, tag=".first").code)
    time.sleep(odd.moment if isinstance(odd.moment, float) else 0)
    second = command(words, place, before, tag=".second")
    first = os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])
    codes = sorted((first, second.code))
    if codes not in ([0, 0], [0, 2]):
        yield f"they ended with {first} and {second.code}: {last(second.err)}"
    if second.code == 2 and "another process is writing" not in second.err:
        yield f"the second one said {last(second.err)}"


def _clock(odd: Odd, reference: Reference, data: Path, place: Path) -> Iterator[str]:
    """Killed, then gone on with a day before."""
    assert isinstance(odd.moment, Moment)
    start(reference.subject, data, place, odd.moment)
    before = prepared(reference.subject, place)
    ended: Ended = command(reference.subject.command(data), place, partial(_yesterday, before))
    if ended.code:
        yield f"it ended with {ended.code}: {last(ended.err)}"


class _Yesterday(datetime):
    @classmethod
    def now(cls, tz: tzinfo | None = None) -> datetime:
        return datetime.now(tz) - timedelta(seconds=DAY)


def _yesterday(before: partial[None]) -> None:
    """Set the clock of this process back by a day."""
    before()
    now = time.time
    time.time = lambda: now() - DAY
    al_runner.runs.run.datetime = _Yesterday  # type: ignore[misc]
