"""A run is killed once or twice, then the same command is given again: in the end, nothing may differ."""

import random
import re
import shutil
import signal
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import partial
from importlib import import_module
from pathlib import Path

from attacks.compare import faults
from attacks.forks import Ended, command, last
from attacks.matrix import MAX_COMMANDS, Subject, run_folder, status
from attacks.moments import NEED_ROOM, Moment, Watch

KILLS = ("before", "after", "torn")
DISKS = ("full", "once")
OF_LOGGERS = re.compile("tensorboard differs|(lacks )?csv/")
"""What a logger that found no room may lack: it was given up, and the run told so."""


@dataclass(frozen=True)
class Reference:
    """A run that nothing happened to.

    Attributes:
        subject: the run.
        place: where it was started.
        folder: its run folder.
        moments: of each command that it took, the kinds of its moments.
        seconds: of each command.
    """

    subject: Subject
    place: Path
    folder: Path
    moments: Sequence[Sequence[str]]
    seconds: Sequence[float]


@dataclass(frozen=True)
class Plan:
    """What is to happen in one trial.

    Attributes:
        subject: the name of the run.
        number: the command of the run that it happens to.
        moments: what happens to the first start of that command, and to the ones after it; a float is a
            kill after so many seconds.
    """

    subject: str
    number: int
    moments: tuple[Moment | float, ...]

    def __str__(self) -> str:
        said = [
            f"{each:.2f} s" if isinstance(each, float) else f"{each.what} {each.number}"
            for each in self.moments
        ]
        return f"{self.subject}, command {self.number}: {', '.join(said)}"


def undisturbed(subject: Subject, data: Path, place: Path) -> Reference:
    """Run it to its end.

    Raises:
        RuntimeError: it does not get there.
    """
    moments, seconds, log = [], [], place.with_suffix(".log")
    place.mkdir()
    for _ in range(MAX_COMMANDS):
        ended = start(subject, data, place, log=log)
        moments.append([line.split(" ", 2)[1] for line in log.read_text().splitlines()])
        seconds.append(ended.seconds)
        if ended.code or status(place) == "finished":
            break
        answer(subject, data, place)
    if ended.code or status(place) != "finished":
        raise RuntimeError(f"{subject.name}: exit code {ended.code}: {ended.err[-500:]}")
    folder = run_folder(place)
    assert folder is not None
    return Reference(subject, place, folder, moments, seconds)


def start(
    subject: Subject, data: Path, place: Path, what: Moment | float | None = None, log: Path | None = None
) -> Ended:
    """Give the run's command once."""
    moment = what if isinstance(what, Moment) else None
    after = what if isinstance(what, float) else None
    return command(subject.command(data), place, prepared(subject, place, moment, log), kill_after=after)


def prepared(
    subject: Subject, place: Path, moment: Moment | None = None, log: Path | None = None
) -> "partial[None]":
    """What is to be called in the process of a run's command."""
    return partial(_prepare, subject, place, moment, log)


def _prepare(subject: Subject, place: Path, moment: Moment | None, log: Path | None) -> None:
    for name, value in subject.settings.items():
        module, _, attribute = name.partition(":")
        setattr(import_module(module), attribute, value)
    Watch(place, moment, log).begin()


def answer(subject: Subject, data: Path, place: Path) -> None:
    """Have people answer what the run asks."""
    if subject.answer:
        subject.answer(place, data)


@dataclass(frozen=True)
class Outcome:
    """What became of a trial.

    Attributes:
        kills: how often the run was killed.
        faults: what is wrong in the end, in words.
        refused: whether it was refused, as bad input should be.
    """

    kills: int
    faults: Sequence[str]
    refused: bool = False

    @property
    def counts(self) -> dict[str, int]:
        """In numbers."""
        return {"trials": 1, "kills": self.kills, "refused": self.refused, "faults": bool(self.faults)}


def attempt(plan: Plan, reference: Reference, data: Path, place: Path) -> Outcome:
    """Do what a plan says."""
    place.mkdir()
    kills, found = 0, list[str]()
    try:
        for number in range(MAX_COMMANDS):
            for what in plan.moments if number == plan.number else ():
                disturbed = start(reference.subject, data, place, what)
                kills += disturbed.code == -signal.SIGKILL
                found += judge(what, disturbed)
            ended = start(reference.subject, data, place)
            if ended.code:
                found.append(f"the same command ended with {ended.code}: {last(ended.err)}")
            if ended.code or status(place) == "finished":
                break
            answer(reference.subject, data, place)
        folder = run_folder(place)
        wrong = ["no run"] if folder is None else faults(folder, reference.folder)
        full = any(isinstance(what, Moment) and what.what in DISKS for what in plan.moments)
        found += [each for each in wrong if not (full and OF_LOGGERS.match(each))]
    except Exception as error:
        found.append(f"{type(error).__name__}: {error}")
    clear(place)
    return Outcome(kills, found)


def clear(place: Path) -> None:
    """Remove a place, and what lies beside it."""
    for path in place.parent.glob(f"{place.name}[.]*"):
        shutil.rmtree(path, ignore_errors=True) if path.is_dir() else path.unlink()
    shutil.rmtree(place, ignore_errors=True)


def judge(what: Moment | float, ended: Ended) -> list[str]:
    """What is wrong with how a disturbed start ended: on a full disk, one line, or nothing to be told."""
    if not isinstance(what, Moment) or what.what in KILLS or ended.code == 0:
        return []
    lines = [line for line in ended.err.splitlines() if line.startswith("al-run: ")]
    if ended.code != 2 or "Traceback" in ended.err or not lines:
        return [f"exit code {ended.code}: {last(ended.err)}"]
    return []


def plans(reference: Reference, count: int, rng: random.Random, kinds: Sequence[str]) -> Iterator[Plan]:
    """Plans for one run: moments spread evenly over all that it has, each in one of some ways.

    After most kills, what the same command does is killed twice more, at moments that are drawn, or at any
    time, whatever the run does then.
    """
    all_ = [
        (number, Moment(at, what))
        for number, moments in enumerate(reference.moments)
        for at, kind in enumerate(moments)
        for what in kinds
        if (what != "torn" or kind == "write") and (what not in DISKS or kind in NEED_ROOM)
    ]
    for k, (number, moment) in enumerate(_spread(all_, count, rng)):
        more = () if kinds == DISKS else (_drawn(reference, number, rng), _drawn(reference, number, rng))
        yield Plan(reference.subject.name, number, (moment, *more) if k % 5 else (moment,))


def _drawn(reference: Reference, number: int, rng: random.Random) -> Moment | float:
    """Of a command: any moment, or, one time in eight, any second."""
    if not rng.randrange(8):
        return rng.uniform(0.05, reference.seconds[number])
    return Moment(rng.randrange(len(reference.moments[number])), rng.choice(KILLS[:2]))


def _spread(all_: Sequence[tuple[int, Moment]], count: int, rng: random.Random) -> list[tuple[int, Moment]]:
    """`count` of them, one of each of as many equal parts."""
    if len(all_) <= count:
        return list(all_)
    return [all_[int((k + rng.random()) * len(all_) / count)] for k in range(count)]
