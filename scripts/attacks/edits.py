"""Edited bytes: what is damaged in a run folder is found by a command that reads it, or has no effect."""

import random
import shutil
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from attacks.compare import faults
from attacks.forks import Ended, command, last
from attacks.kills import Outcome, Reference, clear, start
from attacks.matrix import run_folder, status
from attacks.moments import Moment

WAYS = ("bit", "digit", "cut", "empty", "longer", "gone")
FREE = ("run.lock", "overrides.yaml", "hydra.yaml", "to_label.csv", "waiting.csv")
"""Locks, notes for people, and what they are to fill in."""
THEIRS = ("wandb", "tensorboard", "csv", "report")
"""What loggers write: nothing of ours reads it."""


@dataclass(frozen=True)
class Edit:
    """A file that is damaged.

    Attributes:
        subject: the name of the run.
        ended: whether the run has ended, or is to go on.
        file: below the run folder.
        way: one of `WAYS`.
        seed: of where in the file.
    """

    subject: str
    ended: bool
    file: str
    way: str
    seed: int

    def __str__(self) -> str:
        return f"{self.subject}, {'ended' if self.ended else 'goes on'}: {self.file} {self.way} {self.seed}"


TIMED = "_times.png"
"""Of a report, what shows how long a run took."""


def damage(path: Path, way: str, rng: random.Random) -> bool:
    """Damage a file; False = it cannot be damaged so."""
    content = bytearray(path.read_bytes())
    digits = [k for k, byte in enumerate(content) if chr(byte).isdigit()]
    if way == "gone":
        path.unlink()
    elif way == "longer":
        path.write_bytes(content + b"\n7,7,7,7,7\n")
    elif not content or (way == "digit" and not digits):
        return False
    elif way in ("cut", "empty"):
        path.write_bytes(content[: len(content) // 2 if way == "cut" else 0])
    else:
        place = rng.choice(digits) if way == "digit" else rng.randrange(len(content))
        content[place] = (
            ord(str((int(chr(content[place])) + 1) % 10)) if way == "digit" else content[place] ^ 1
        )
        path.write_bytes(content)
    return True


def edits(reference: Reference, half: Path, count: int, rng: random.Random) -> Iterator[Edit]:
    """Every file in every way: of the run that has ended, and of one that was killed, in `half`."""
    name, all_ = reference.subject.name, []
    for ended, folder in ((True, reference.folder), (False, run_folder(half))):
        files = sorted(path for path in folder.rglob("*") if path.is_file()) if folder else []
        names = [path.relative_to(folder) for path in files] if folder else []
        known = [each for each in names if each.name not in FREE and each.parts[0] not in THEIRS]
        all_ += [Edit(name, ended, str(each), way, rng.randrange(10**6)) for each in known for way in WAYS]
    yield from all_ if len(all_) <= count else rng.sample(all_, count)


def half_done(reference: Reference, data: Path, place: Path) -> Path:
    """The run, killed when it was half done."""
    place.mkdir()
    start(reference.subject, data, place, Moment(int(0.75 * len(reference.moments[0])), "before"))
    return place


def report(place: Path) -> tuple[Ended, dict[str, bytes]]:
    """A report of the run in a place; and what it shows."""
    ended = command(["al-report", "outputs", "--out", "report"], place)
    return ended, shown(place / "report")


def shown(folder: Path) -> dict[str, bytes]:
    """The tables and pictures of a report."""
    files = [path for kind in ("csv", "png") for path in folder.rglob(f"*.{kind}")]
    return {path.name: path.read_bytes() for path in files}


def attempt(edit: Edit, reference: Reference, half: Path, data: Path, place: Path) -> Outcome:
    """Damage a file, give the commands that read it."""
    shutil.copytree(reference.place if edit.ended else half, place)
    folder, found = run_folder(place), list[str]()
    try:
        if folder and damage(folder / edit.file, edit.way, random.Random(edit.seed)):
            found += _after(edit, reference, data, place)
    except Exception as error:
        found.append(f"{type(error).__name__}: {error}")
    clear(place)
    return Outcome(0, found)


def _after(edit: Edit, reference: Reference, data: Path, place: Path) -> Iterator[str]:
    """What is wrong after a file was damaged: in a report, and in what the run makes of it."""
    if edit.ended:
        yield from _reported(reference, place)
    went = start(reference.subject, data, place)
    yield from _judged("al-run", went)
    folder = run_folder(place)
    if not went.code and not edit.ended and folder and status(place) == "finished":
        yield from (each for each in faults(folder, reference.folder) if edit.file not in each)
        yield from _reported(reference, place)


def _reported(reference: Reference, place: Path) -> Iterator[str]:
    """What is wrong with a report: it shows something else, and does not say so."""
    seen, found = report(place)
    yield from _judged("al-report", seen)
    true = shown(reference.place / "report")
    other = (name for name in true.keys() | found.keys() if true.get(name) != found.get(name))
    if not seen.code and (used := sorted(name for name in other if not name.endswith(TIMED))):
        yield f"al-report used it: {', '.join(used)}"


def _judged(name: str, ended: Ended) -> list[str]:
    """What is wrong with how a command ended: 0, or 2 with one line."""
    lines = [line for line in ended.err.splitlines() if line.startswith(f"{name}: ")]
    if ended.code == 0 or (ended.code == 2 and lines and "Traceback" not in ended.err):
        return []
    return [f"{name} ended with {ended.code}: {last(ended.err)}"]
