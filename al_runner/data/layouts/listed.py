"""Images that a table of any shape lists, with their labels, patients and splits."""

import sys
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from al_runner.data.cache import OnError
from al_runner.data.formats import pictures
from al_runner.data.layouts import columns, sheet
from al_runner.data.layouts.columns import NONE, Asked, Columns
from al_runner.data.layouts.image_table import SHOWN, Row, Table
from al_runner.data.layouts.labels import EMPTY, Labels, Reading
from al_runner.data.layouts.places import Places
from al_runner.data.layouts.samples import SPLIT_WORDS, Sample
from al_runner.data.layouts.sheet import Sheet
from al_runner.errors import InputError, nearest
from al_runner.files import files_below


@dataclass(frozen=True)
class Line:
    """A row of a table.

    Attributes:
        number: as a spreadsheet shows it.
        image: the file's path below the root, or what the row calls it if there is none.
        labels: its cells in the label columns.
        patient: whose the image is; the image itself if the table does not say.
        split: "" if the table does not say.
    """

    number: int
    image: str
    labels: tuple[str, ...]
    patient: str
    split: str


@dataclass(frozen=True)
class Listing:
    """What a table lists.

    Attributes:
        samples: the images, in the table's order; their label is what they are dealt into splits by.
        labels: what they show, by the rows' numbers.
        shown: the same by the images' paths.
    """

    samples: Sequence[Sample]
    labels: Labels
    shown: Mapping[str, frozenset[int]]


def table_in(root: Path, table: str | Path | None) -> Path:
    """The table's path: below the root, or from here; None = the only one in the root.

    Raises:
        InputError: there is none, or there are several.
    """
    if not root.is_dir():
        raise InputError(f"dataset.root={root} is not a folder")
    there = [path for path in files_below(root) if path.parent == root and _is_table(path)]
    if table is not None:
        given = Path(table).expanduser()
        for path in (root / given, given):
            if path.is_file():
                return path
        listed = f"; {root} has {', '.join(path.name for path in there)}" if there else ""
        raise InputError(f"dataset.table={table} is no file, neither below {root} nor here{listed}")
    if len(there) != 1:
        has = ", ".join(path.name for path in there) or f"no table ({', '.join(sheet.SUFFIXES)})"
        raise InputError(f"dataset.table=… must say which table is meant: {root} has {has}")
    return there[0]


def _is_table(path: Path) -> bool:
    return path.suffix.lower() in sheet.SUFFIXES and path.suffix.lower() != ".txt"


def listed(root: Path, path: Path, asked: Asked, reading: Reading, on_error: OnError) -> Listing:
    """The images of a table below a root.

    Raises:
        InputError: the table does not fit the images, or contradicts itself.
    """
    table = sheet.read(path)
    belows = [each.relative_to(root).as_posix() for each in files_below(root) if pictures.is_image(each)]
    if not belows:
        raise InputError(
            f"{root} holds no images: expected files that end in {', '.join(pictures.SUFFIXES)}, or DICOM"
        )
    places = Places(root, belows)
    chosen = columns.found(table, asked, places)
    lines = _once(path, _lines(table, chosen, places))
    lines = _split(table, chosen, _with_files(root, path, lines, belows, on_error))
    header = [table.header[at] for at in chosen.labels]
    labels = reading.read(path, header, [(line.number, line.labels) for line in lines])
    if labels.said:
        print(f"al-run: {path.name}: {'; '.join(labels.said)}", file=sys.stderr)
    lines = [line for line in lines if line.number in labels.shown]
    strata = _strata(labels)
    samples = [
        Sample(root / line.image, line.image, strata[line.number], line.patient, line.split) for line in lines
    ]
    return Listing(samples, labels, {line.image: labels.shown[line.number] for line in lines})


def _with_files(
    root: Path, path: Path, lines: Sequence[Line], belows: Sequence[str], on_error: OnError
) -> list[Line]:
    """The lines whose images are there; see `Table.complete`."""
    rows = [Row(line.image, line.patient, (), line.split) for line in lines]
    source = path.relative_to(root).as_posix() if path.is_relative_to(root) else str(path.absolute())
    table = Table(root, source, rows, {each: each for each in belows}, str(root)).complete(on_error)
    kept = {row.name for row in table.rows}
    return [line for line in lines if line.image in kept]


def _split(table: Sheet, chosen: Columns, lines: Sequence[Line]) -> list[Line]:
    """The lines with our words for their splits."""
    if chosen.split is None:
        return list(lines)
    name, counts = table.header[chosen.split], Counter(line.split.casefold() for line in lines)
    hint = f"dataset.split_column={NONE} makes splits by patients"
    if set(counts) <= EMPTY:
        return [replace(line, split="") for line in lines]
    if unknown := [word for word in counts if word not in SPLIT_WORDS]:
        listed = ", ".join(f"{word or 'empty'} in {counts[word]:,} rows" for word in unknown[:SHOWN])
        near = nearest(unknown[0], SPLIT_WORDS)
        meant = f"did you mean {near}? Or " if near else f"words for splits are {', '.join(SPLIT_WORDS)}; or "
        raise InputError(f"{table.path}: {name} is {listed}: {meant}{hint}")
    if "train" not in {SPLIT_WORDS[word] for word in counts}:
        raise InputError(f"{table.path}: {name} says of no row that it is train; {hint}")
    return [replace(line, split=SPLIT_WORDS[line.split.casefold()]) for line in lines]


def _lines(table: Sheet, chosen: Columns, places: Places) -> list[Line]:
    """The rows, their images found."""
    lines = []
    for number, (cell, patient, split, *labels) in table.cells(
        chosen.path, chosen.patient, chosen.split, *chosen.labels
    ):
        if not cell:
            raise InputError(f"{table.path}: row {number} names no image")
        try:
            image = places.find(cell) or cell
        except InputError as error:
            raise InputError(f"{table.path}: row {number}: {error}") from error
        if chosen.patient is not None and patient.casefold() in EMPTY:
            raise InputError(
                f"{table.path}: row {number} has no patient in {table.header[chosen.patient]}: fill it in, "
                f"or take each image for a patient by dataset.patient_column={NONE}"
            )
        lines.append(
            Line(number, image, tuple(labels), patient if chosen.patient is not None else image, split)
        )
    if not lines:
        raise InputError(f"{table.path} has a header, but no rows")
    return lines


def _once(path: Path, lines: Sequence[Line]) -> list[Line]:
    """The lines without those that say again what another has said.

    Raises:
        InputError: two lines about one image differ.
    """
    first: dict[str, Line] = {}
    for line in lines:
        before = first.setdefault(line.image, line)
        if before is not line and replace(before, number=line.number) != line:
            one, other = _difference(before, line)
            raise InputError(
                f"{path}: rows {before.number} and {line.number} are both of {line.image}, and contradict "
                f"each other ({one or 'empty'}, {other or 'empty'})"
            )
    if len(first) < len(lines):
        print(f"al-run: {path.name}: {len(lines) - len(first):,} rows are there twice", file=sys.stderr)
    return list(first.values())


def _difference(one: Line, other: Line) -> tuple[str, str]:
    pairs = zip(
        (*one.labels, one.patient, one.split), (*other.labels, other.patient, other.split), strict=True
    )
    return next(pair for pair in pairs if pair[0] != pair[1])


def _strata(labels: Labels) -> Mapping[int, str]:
    """Row → by what it is dealt into splits: its class, or the rarest of its labels."""
    counts = Counter(at for has in labels.shown.values() for at in has)
    return {
        row: labels.names[min(has, key=lambda at: (counts[at], at))] if has else ""
        for row, has in labels.shown.items()
    }
