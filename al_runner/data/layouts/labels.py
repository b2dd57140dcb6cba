"""What the label columns of a table say: one class for each image, or several labels."""

from collections import Counter, defaultdict
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Literal, get_args

from al_runner.data.layouts.columns import MARKS
from al_runner.errors import InputError, instead
from al_runner.files import plain_name

Uncertain = Literal["positive", "negative", "ignore"]
EMPTY = {"", "nan", "na", "n/a", "null"}
"""Cells that say nothing, as pandas and R write them."""
YES, NO, UNSURE = ({"1", "true", "yes"}, {"0", "false", "no", *EMPTY}, "-1")
SEPARATORS = ("|", ";")
"""What is taken to stand between several labels in a cell."""
SHOWN = 3
LEAST = 3
"""Images that a class needs: one in each split."""

Cells = Sequence[tuple[int, tuple[str, ...]]]
"""The number of each row, and its cells in the label columns."""


@dataclass(frozen=True)
class Labels:
    """What each row shows.

    Attributes:
        names: the classes, in order; of two, the second is positive.
        several: whether an image may have several of them, or none.
        shown: row → the positions of what it shows among the names; rows that are left out are missing.
        said: what should not come as a surprise.
    """

    names: tuple[str, ...]
    several: bool
    shown: Mapping[int, frozenset[int]]
    said: tuple[str, ...] = ()


@dataclass(frozen=True)
class Reading:
    """How labels are meant.

    Args:
        classes: their order, and those that count; None = all, by their names.
        several: whether an image may have several; None = as the table shows.
        separator: between several labels in a cell; None = `|` or `;` where cells have them.
        uncertain: what −1 means; `ignore` leaves the image out. None = −1 is refused.
        skip: rows without a label are left out.

    Raises:
        InputError: `uncertain` is something else.
    """

    classes: Sequence[str | int] | None = None
    several: bool | None = None
    separator: str | None = None
    uncertain: Uncertain | None = None
    skip: bool = False

    def __post_init__(self) -> None:
        if self.uncertain not in (None, *get_args(Uncertain)):
            raise InputError(
                f"dataset.uncertain={self.uncertain}: {instead(str(self.uncertain), get_args(Uncertain))}"
            )

    def read(self, table: Path, header: Sequence[str], cells: Cells) -> Labels:
        """The labels of some rows.

        Args:
            table: for people.
            header: the names of the label columns.
            cells: theirs.

        Raises:
            InputError: cells that mean nothing, rows without a label, classes that are not there or too rare.
        """
        if len(header) > 1:
            return self._chosen(table, _of_columns(self, table, header, cells))
        values = [(number, cell) for number, (cell,) in cells]
        if (separator := self._between(values)) is not None:
            return self._chosen(table, _of_lists(values, separator))
        return self._chosen(table, _of_classes(self, table, header[0], values))

    def is_empty(self, cell: str) -> bool:
        """Whether a cell says nothing; "NA" says something to who names such a class."""
        return cell.casefold() in EMPTY and cell not in map(str, self.classes or ())

    def _between(self, values: Iterable[tuple[int, str]]) -> str | None:
        """What stands between several labels in a cell; None = a cell is one label."""
        if self.several is False:
            return None
        if self.separator is not None:
            return self.separator
        held = [each for each in SEPARATORS if any(each in cell for _, cell in values)]
        return held[0] if held else SEPARATORS[0] if self.several else None

    def _chosen(self, table: Path, found: Labels) -> Labels:
        """The same with the classes that are asked for, in their order."""
        names = found.names if self.classes is None else tuple(map(str, self.classes))
        known = {plain_name(name): at for at, name in enumerate(found.names)}
        for name in names:
            if plain_name(name) not in known:
                raise InputError(
                    f"dataset.classes: {table} has no label {name}; {instead(name, found.names)}"
                )
        place = {known[plain_name(name)]: at for at, name in enumerate(names)}
        shown = {row: frozenset(place[at] for at in has if at in place) for row, has in found.shown.items()}
        if not found.several:
            shown = {row: has for row, has in shown.items() if has}
        said = found.said
        if lost := len(found.shown) - len(shown):
            said = (*said, f"{lost:,} rows of other classes are left out")
        _check_common(table, names, found.several, shown)
        return Labels(names, found.several, shown, said)


def _of_columns(reading: Reading, table: Path, header: Sequence[str], cells: Cells) -> Labels:
    """Labels that have a column each."""
    shown, empty, unsure = {}, 0, 0
    for number, row in cells:
        marks = [_mark(table, number, name, cell) for name, cell in zip(header, row, strict=True)]
        empty += sum(cell.casefold() in EMPTY for cell in row)
        if UNSURE in marks:
            unsure += 1
            _check_uncertain(reading, table, number, header[marks.index(UNSURE)])
            if reading.uncertain == "ignore":
                continue
        meant = {"1", UNSURE} if reading.uncertain == "positive" else {"1"}
        shown[number] = frozenset(at for at, mark in enumerate(marks) if mark in meant)
    other = next((number for number, has in shown.items() if len(has) != 1), None)
    several = other is not None if reading.several is None else reading.several
    if other is not None and not several:
        raise InputError(
            f"{table}: row {other} has {len(shown[other])} of {', '.join(header)}: dataset.several=false "
            "means exactly one"
        )
    said = [
        *([f"{empty:,} empty cells of the label columns count as 0"] if empty else []),
        *_unsure(reading, unsure),
        *([f"each row has one of {len(header)} label columns: classes"] if not several else []),
    ]
    return Labels(tuple(header), several, shown, tuple(said))


def _of_lists(values: Sequence[tuple[int, str]], separator: str) -> Labels:
    """Labels in one cell."""
    lists = {
        number: [part.strip() for part in cell.split(separator) if part.strip().casefold() not in EMPTY]
        for number, cell in values
    }
    spelled, said = _spelled(part for parts in lists.values() for part in parts)
    names = _sorted(set(spelled.values()))
    shown = {
        number: frozenset(names.index(spelled[part]) for part in parts) for number, parts in lists.items()
    }
    if empty := sum(not parts for parts in lists.values()):
        said = [*said, f"{empty:,} rows have none of the labels"]
    return Labels(names, True, shown, (f"labels are separated by {separator}", *said))


def _of_classes(reading: Reading, table: Path, name: str, values: Sequence[tuple[int, str]]) -> Labels:
    """One label in one cell."""
    empty = [number for number, cell in values if reading.is_empty(cell)]
    if empty and not reading.skip:
        raise InputError(
            f"{table}: {len(empty):,} of {len(values):,} rows have no label in {name} ({_rows(empty)}); fill "
            "them in, or leave them out by dataset.on_error=skip"
        )
    told = {number: cell for number, cell in values if not reading.is_empty(cell)}
    spelled, said = _spelled(told.values())
    kinds = set(spelled.values())
    unsure = (
        [number for number, cell in told.items() if spelled[cell] == UNSURE]
        if kinds <= {"0", "1", UNSURE}
        else []
    )
    if unsure and (len(kinds) > 2 or reading.uncertain):
        _check_uncertain(reading, table, unsure[0], name)
        for number in unsure:
            told[number] = "1" if reading.uncertain == "positive" else "0"
            if reading.uncertain == "ignore":
                del told[number]
        spelled |= {"0": "0", "1": "1"}
        said = [*said, *_unsure(reading, len(unsure))]
    names = _sorted({spelled[cell] for cell in told.values()})
    shown = {number: frozenset([names.index(spelled[cell])]) for number, cell in told.items()}
    if empty:
        said = [*said, f"{len(empty):,} rows without a label are left out"]
    return Labels(names, False, shown, tuple(said))


def _mark(table: Path, number: int, name: str, cell: str) -> str:
    """A cell of a label's column: "1", "0" or −1."""
    plain = cell.casefold()
    if plain in EMPTY or plain in MARKS:
        plain = plain.replace(",", ".").removesuffix(".0")
        return "1" if plain in YES else "0" if plain in NO else UNSURE
    raise InputError(f"{table}: row {number}: {name} is {cell}, not 1, 0, -1 or empty")


def _check_uncertain(reading: Reading, table: Path, number: int, name: str) -> None:
    if reading.uncertain is None:
        raise InputError(
            f"{table}: row {number}: {name} is -1: dataset.uncertain=positive, negative or ignore (which "
            "leaves such images out) says what that means"
        )


def _unsure(reading: Reading, count: int) -> list[str]:
    if not count:
        return []
    what = "left out" if reading.uncertain == "ignore" else f"taken as {reading.uncertain}"
    return [f"{count:,} rows with uncertain labels are {what}"]


def _spelled(cells: Iterable[str]) -> tuple[dict[str, str], list[str]]:
    """Cell → its label as most rows write it, for case does not count; and what was put together."""
    counts = Counter(cells)
    if all(_is_whole(cell) for cell in counts):
        return {
            cell: str(int(float(cell.replace(",", ".")))) if _has_point(cell) else cell for cell in counts
        }, []
    alike: defaultdict[str, list[str]] = defaultdict(list)
    for cell, _ in counts.most_common():
        alike[plain_name(cell)].append(cell)
    said = [f"{' and '.join(sorted(each))} are one label" for each in alike.values() if len(each) > 1]
    return {cell: each[0] for each in alike.values() for cell in each}, said


def _is_whole(cell: str) -> bool:
    try:
        return float(cell.replace(",", ".")).is_integer()
    except ValueError:
        return False


def _has_point(cell: str) -> bool:
    return "." in cell or "," in cell


def _sorted(names: Iterable[str]) -> tuple[str, ...]:
    """By their names, or as numbers where they are."""
    names = list(names)
    by: Callable[[str], float | str] = float if all(map(_is_whole, names)) else str
    return tuple(sorted(names, key=by))


def _check_common(
    table: Path, names: Sequence[str], several: bool, shown: Mapping[int, frozenset[int]]
) -> None:
    """A class that hardly occurs is mostly misspelled."""
    if len(names) < (1 if several else 2):
        raise InputError(f"{table} has one class only ({', '.join(names)}): two at least are expected")
    rows: defaultdict[int, list[int]] = defaultdict(list)
    for number, has in shown.items():
        for at in has:
            rows[at].append(number)
    rare = [at for at in range(len(names)) if len(rows[at]) < LEAST]
    if not rare:
        return
    common = [name for at, name in enumerate(names) if at not in rare]
    listed = "; ".join(f"{names[at]} in {_rows(rows[at]) or 'no row'}" for at in rare[:SHOWN])
    more = f"; and {len(rare) - SHOWN:,} more" if len(rare) > SHOWN else ""
    meant = instead(names[rare[0]], [name for name in common if not _is_whole(name)])
    hint = meant if meant.startswith("did you mean") else "dataset.classes=[…] names those that count"
    raise InputError(f"{table}: each label is needed in each of three splits, but {listed}{more}: {hint}")


def _rows(numbers: Sequence[int]) -> str:
    if not numbers:
        return ""
    more = f" and {len(numbers) - SHOWN:,} more" if len(numbers) > SHOWN else ""
    return f"row{'s' if len(numbers) > 1 else ''} {', '.join(map(str, numbers[:SHOWN]))}{more}"
