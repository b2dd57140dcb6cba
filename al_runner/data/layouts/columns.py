"""Which columns of a table say what: as people name them, or guessed where there is one candidate."""

import itertools
import sys
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from al_runner.data.layouts.places import Places
from al_runner.data.layouts.samples import SPLIT_WORDS
from al_runner.data.layouts.sheet import Sheet
from al_runner.errors import InputError, instead
from al_runner.files import plain_name

NONE = "none"
"""In place of a column's name: there is no such column, and none is guessed."""
PATH = (
    "path", "file", "image", "filename", "file name", "image path", "file path", "filepath", "image name",
    "image id", "image index", "img", "img path", "id", "sample", "scan",
)  # fmt: skip
LABEL = (
    "label", "labels", "class", "classes", "diagnosis", "target", "category", "dx", "finding", "findings",
    "finding labels", "grade", "ground truth", "y",
)  # fmt: skip
PATIENT = (
    "patient", "patient id", "patientid", "pat id", "patid", "subject", "subject id", "subjectid", "case id",
    "participant id",
)  # fmt: skip
SPLIT = ("split", "set", "subset", "partition", "phase")
"""Names that columns have, as `plain_name` makes them."""
FOLD = ("fold", "folds")
"""As `SPLIT`, where all cells are words for splits: numbers are folds of a cross-validation."""
LOOKED_AT = 200
"""Rows by which columns are guessed."""
MARKS = {"", "0", "1", "-1", "0.0", "1.0", "-1.0", "0,0", "1,0", "-1,0", "true", "false", "yes", "no"}
"""Cells of a column that says of each image whether it has a label."""


@dataclass(frozen=True)
class Asked:
    """The columns as they are given; None = guessed, `NONE` = there is none."""

    path: str | None = None
    label: str | Sequence[str] | None = None
    patient: str | None = None
    split: str | None = None


@dataclass(frozen=True)
class Columns:
    """Where columns are, from 0."""

    path: int
    labels: tuple[int, ...]
    patient: int | None
    split: int | None


def found(sheet: Sheet, asked: Asked, places: Places) -> Columns:
    """The columns of a table; what is guessed is said.

    Raises:
        InputError: a column is not there, or cannot be guessed.
    """
    if (headless := next((cell for cell in sheet.header if cell and _means(places, cell)), None)) is not None:
        raise InputError(f"{sheet.path} has no header: its first row names the image {headless}")
    path = _named(sheet, "path", asked.path) if asked.path else _path(sheet, places)
    patient = _or_none(sheet, "patient", asked.patient, PATIENT)
    split = _or_none(sheet, "split", asked.split, (*SPLIT, *_folds_of_words(sheet)))
    taken = {path, patient, split}
    if asked.label is None:
        left = [at for at, name in enumerate(sheet.header) if at not in taken and not _is_index(name)]
        labels = _labels(sheet, left)
    else:
        names = [asked.label] if isinstance(asked.label, str) else asked.label
        labels = tuple(_named(sheet, "label", name) for name in names)
    columns = Columns(path, labels, patient, split)
    _check_apart(sheet, columns)
    _mention(sheet, asked, columns)
    return columns


def _named(sheet: Sheet, key: str, name: str) -> int:
    """Where the column of a name is: as it is written, or else by its plain name."""
    for spelled in (str, plain_name):
        there = [at for at, each in enumerate(sheet.header) if spelled(each) == spelled(name)]
        if len(there) > 1:
            raise InputError(
                f"dataset.{key}_column={name}: {sheet.path} has {len(there)} columns of that name"
            )
        if there:
            return there[0]
    raise InputError(
        f"dataset.{key}_column={name}: {sheet.path} has no such column; {instead(name, _names(sheet))}"
    )


def _or_none(sheet: Sheet, key: str, name: str | None, names: Iterable[str]) -> int | None:
    """A column that a table may lack."""
    if name == NONE:
        return None
    if name is not None:
        return _named(sheet, key, name)
    there = _called(sheet, names)
    return _only(sheet, key, there, f"; dataset.{key}_column={NONE} takes none") if there else None


def _folds_of_words(sheet: Sheet) -> list[str]:
    """The names for folds, of columns that say which split each row is in."""
    return [
        plain_name(sheet.header[at])
        for at in _called(sheet, FOLD)
        if all(cell.casefold() in SPLIT_WORDS for _, (cell,) in sheet.cells(at))
    ]


def _path(sheet: Sheet, places: Places) -> int:
    """The column whose cells are images; of several, the one that is called so."""
    rows = [row for _, row in itertools.islice(sheet.rows, LOOKED_AT)]

    def hits(at: int) -> int:
        return sum(_means(places, row[at]) for row in rows if at < len(row) and row[at])

    counted = {at: hits(at) for at in range(len(sheet.header))}
    there = [at for at, count in counted.items() if count and 2 * count >= max(counted.values())]
    if not there:
        there = _called(sheet, PATH)
    if len(there) > 1:
        there = [at for at in _called(sheet, PATH) if at in there] or there
    return _only(sheet, "path", there)


def _means(places: Places, cell: str) -> bool:
    try:
        return places.find(cell) is not None
    except InputError:  # several files, or one elsewhere: said when the rows are read
        return False


def _labels(sheet: Sheet, left: Sequence[int]) -> tuple[int, ...]:
    """The column that is called so, or else the only one that is left, or all if they are marks."""
    if there := [at for at in _called(sheet, LABEL) if at in left]:
        return (_only(sheet, "label", there),)
    if len(left) > 1 and all(_are_marks(sheet, at) for at in left):
        return tuple(left)
    return (_only(sheet, "label", left),)


def _are_marks(sheet: Sheet, at: int) -> bool:
    return all(cell.casefold() in MARKS for _, (cell,) in sheet.cells(at))


def _called(sheet: Sheet, names: Iterable[str]) -> list[int]:
    known = set(names)
    return [at for at, name in enumerate(sheet.header) if plain_name(name) in known]


def _only(sheet: Sheet, key: str, there: Sequence[int], otherwise: str = "") -> int:
    if len(there) == 1:
        return there[0]
    several = ", ".join(sheet.header[at] for at in there)
    what = (
        f"which of {several} is meant"
        if there
        else f"which column is meant: it has {', '.join(_names(sheet))}"
    )
    raise InputError(f"{sheet.path}: dataset.{key}_column=… must say {what}{otherwise}")


def _check_apart(sheet: Sheet, columns: Columns) -> None:
    taken = [at for at in (columns.path, *columns.labels, columns.patient, columns.split) if at is not None]
    for at in taken:
        if taken.count(at) > 1 and not (at == columns.patient == columns.path and taken.count(at) == 2):
            raise InputError(f"{sheet.path}: the column {sheet.header[at]} cannot say two things")


def _mention(sheet: Sheet, asked: Asked, columns: Columns) -> None:
    """What was guessed, in one line, as it may be typed."""
    names = [sheet.header[at] for at in columns.labels]
    label = names[0] if len(names) == 1 else f"[{','.join(names)}]"
    guesses = {
        "path": (asked.path, sheet.header[columns.path]),
        "label": (asked.label, label),
        "patient": (asked.patient, _or_else(sheet, columns.patient)),
        "split": (asked.split, _or_else(sheet, columns.split)),
    }
    told = [f"dataset.{key}_column={name}" for key, (given, name) in guesses.items() if given is None]
    if told:
        print(f"al-run: {sheet.path.name} is read with {' '.join(told)}", file=sys.stderr)


def _is_index(name: str) -> bool:
    """Of the column that pandas writes in front of the others."""
    return not name or name.startswith("Unnamed: ")


def _or_else(sheet: Sheet, at: int | None) -> str:
    return NONE if at is None else sheet.header[at]


def _names(sheet: Sheet) -> list[str]:
    return [name for name in sheet.header if name] or ["none"]
