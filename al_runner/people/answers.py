"""The answers of people: a table in the run folder that only grows."""

import csv
import io
from collections.abc import Iterable, Sequence
from dataclasses import astuple, dataclass, fields
from datetime import UTC, datetime
from pathlib import Path
from statistics import median

from al_runner.errors import InputError
from al_runner.files import alone, append

ANSWERS = "labels.csv"
WITHDRAWN = ""
"""As a label: the reader took the answer back."""


@dataclass(frozen=True)
class Answer:
    """What a reader said of a sample.

    Attributes:
        sample: its file's path below the data set's root, with `/`.
        label: as `Words.label` gives it, or the digest of a mask; "" = an earlier answer is taken back.
        by: the reader's initials; "" where nobody said.
        at: when, as ISO 8601 in UTC.
        seconds: that it took; None = not known.
        note: in the reader's words, in one line.
        via: what it came by: `page`, `table`, `label-studio`, `mask`.
    """

    sample: str
    label: str
    by: str = ""
    at: str = ""
    seconds: float | None = None
    note: str = ""
    via: str = "table"


UNKNOWN = -1
"""As `Answers.size`: others have added some."""
FIELDS = tuple(field.name for field in fields(Answer))


class Answers:
    """The answers in a run folder, in the order in which they were given.

    A kill while one is written leaves a cut last line: it does not count, and the next answer replaces it.

    Args:
        folder: the run folder.

    Attributes:
        lines: the answers.
        size: bytes of the table when it held these alone; another size means that others have added some.

    Raises:
        InputError: the table is not one that al-runner wrote.
    """

    def __init__(self, folder: Path) -> None:
        self.path = folder / ANSWERS
        self.lines: list[Answer] = []
        self.size = 0
        if self.path.is_file():
            self._read()

    def _read(self) -> None:
        content = self.path.read_bytes()
        self.size, (whole, _, _) = len(content), content.rpartition(b"\n")
        try:
            rows = list(csv.reader(io.StringIO(whole.decode("utf-8"), newline="")))
        except (UnicodeDecodeError, csv.Error) as error:
            raise InputError(f"{self.path} was damaged: put it back from a copy ({error})") from error
        if rows and tuple(rows[0]) != FIELDS:
            raise InputError(
                f"{self.path} does not begin with {','.join(FIELDS)}: al-runner did not write it"
            )
        for number, row in enumerate(rows[1:], 2):
            if len(row) != len(FIELDS):
                raise InputError(f"{self.path}: row {number} has {len(row)} cells, not {len(FIELDS)}")
            named = dict(zip(FIELDS, row, strict=True))
            took = named.pop("seconds")
            try:
                self.lines.append(Answer(**named, seconds=float(took) if took else None))
            except ValueError as error:
                raise InputError(f"{self.path}: row {number}: {took} is not a number of seconds") from error

    def add(self, answers: Sequence[Answer]) -> None:
        """Keep some more; they are on the disk when this returns.

        Raises:
            InputError: they cannot be written; none of them counts.
        """
        text = io.StringIO(newline="")
        writer = csv.writer(text, lineterminator="\n")
        with alone(self.path, "adds labels to"):
            size = size_of(self.path)
            if not size or not self._has_header():
                writer.writerow(FIELDS)
            writer.writerows(_cells(each) for each in answers)
            try:
                append(self.path, text.getvalue().encode())
            except OSError as error:
                raise InputError(f"cannot write {self.path}: {error.strerror or error}") from error
            self.size = size_of(self.path) if size == self.size else UNKNOWN
        self.lines += answers

    def _has_header(self) -> bool:
        """Whether its first line was not cut short."""
        with self.path.open("rb") as file:
            return file.readline().endswith(b"\n")

    def of_readers(self) -> dict[str, dict[str, Answer]]:
        """Sample → reader → the last answer, in the order of the first ones; without those taken back."""
        found: dict[str, dict[str, Answer]] = {}
        for answer in self.lines:
            stands(found, answer)
        return {sample: readers for sample, readers in found.items() if readers}

    def counting(self) -> dict[str, Answer]:
        """Sample → the answer that counts: of several readers, that of the one who was first."""
        return {sample: next(iter(readers.values())) for sample, readers in self.of_readers().items()}


def stands(readers: dict[str, dict[str, Answer]], answer: Answer) -> None:
    """Take an answer into sample → reader → the answer that stands."""
    of_sample = readers.setdefault(answer.sample, {})
    if answer.label == WITHDRAWN:
        of_sample.pop(answer.by, None)
    else:
        of_sample[answer.by] = answer


def reading_minutes(answers: Iterable[Answer]) -> float | None:
    """What some answers took together, also those that were corrected; None where nothing was timed.

    One that was not timed counts as the median of the others.
    """
    read = [answer.seconds for answer in answers if answer.label != WITHDRAWN]
    timed = [seconds for seconds in read if seconds is not None]
    return (sum(timed) + (len(read) - len(timed)) * median(timed)) / 60 if timed else None


def _cells(answer: Answer) -> list[object]:
    """In one line of the file: one that was cut short can be told by its end."""
    cells = ["" if cell is None else cell for cell in astuple(answer)]
    return [" ".join(writable(cell).splitlines()) if isinstance(cell, str) else cell for cell in cells]


def writable(text: str) -> str:
    """Without halves of characters, which JSON can hold and files cannot."""
    return text.encode(errors="replace").decode()


def now() -> str:
    """As ISO 8601 in UTC."""
    return datetime.now(UTC).isoformat(timespec="seconds")


def size_of(path: Path) -> int:
    """Bytes of a file; 0 where there is none."""
    return path.stat().st_size if path.is_file() else 0


def samples_of(answers: Iterable[Answer]) -> set[str]:
    """Of which samples they are."""
    return {answer.sample for answer in answers}
