"""What a report consists of: sections of statements, tables and figures; not how they are shown."""

import csv
import io
import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from matplotlib.figure import Figure as Drawing

from al_runner.files import no_formula
from al_runner.report.statistics.intervals import Estimate, Spread

IN_BRACKETS = (
    "In brackets: 95 % intervals; that of a difference is at the level of its corrected test, and excludes 0 "
    "exactly where the test finds a difference."
)

Cell = str | int | float | Estimate | Spread | None


class PValue(float):
    """A p value, which people read in another form than a score."""


@dataclass(frozen=True)
class Table:
    """Rows of cells. Some are one cell for people and several columns of the CSV: an `Estimate` (value, low,
    high) and a `Spread` (value, deviation).

    Attributes:
        slug: name of its file.
        title: what it shows.
        columns: headings.
        rows: one cell for each column.
        note: what a reader must know to read it.
        whole: columns whose estimates are numbers of labels.

    Raises:
        ValueError: a row has more or fewer cells than there are columns.
    """

    slug: str
    title: str
    columns: Sequence[str]
    rows: Sequence[Sequence[Cell]]
    note: str = ""
    whole: frozenset[str] = frozenset()

    def __post_init__(self) -> None:
        if wrong := [row for row in self.rows if len(row) != len(self.columns)]:
            raise ValueError(
                f"table {self.slug}: {len(self.columns)} columns, but a row has {len(wrong[0])} cells"
            )

    def csv(self) -> str:
        """All digits, for other programs."""
        parts = [_parts([row[k] for row in self.rows]) for k in range(len(self.columns))]
        names = [
            f"{column} {part}" if part else column
            for column, more in zip(self.columns, parts, strict=True)
            for part in ("", *more)
        ]
        rows = [
            [value for cell, more in zip(row, parts, strict=True) for value in _values(cell, more)]
            for row in self.rows
        ]
        buffer = io.StringIO()
        # In order, not by name: an arm may be called as another column is.
        lines: list[list[object]] = [[*names], *rows]
        csv.writer(buffer, lineterminator="\n").writerows([*map(no_formula, line)] for line in lines)
        return buffer.getvalue()


def _parts(column: Sequence[Cell]) -> Sequence[str]:
    """What a column's cells have besides their value."""
    of_type = {Estimate: ("low", "high"), Spread: ("deviation",)}
    return next((of_type[type(cell)] for cell in column if type(cell) in of_type), ())


def _values(cell: Cell, parts: Sequence[str]) -> list[object]:
    if isinstance(cell, Estimate | Spread):
        return [cell.value, *(getattr(cell, part) for part in parts)]
    return [cell, *("" for _ in parts)]


@dataclass(frozen=True)
class Figure:
    """A drawing, and what it says in words.

    Attributes:
        slug: name of its files.
        title: what it shows.
        alt: what is seen in it, for those who do not see it.
        drawing: the matplotlib figure.
        note: what a reader must know to read it.
    """

    slug: str
    title: str
    alt: str
    drawing: Drawing
    note: str = ""

    def image(self, suffix: str) -> bytes:
        """The drawing as an `svg` or a `png` file; the same drawing gives the same bytes."""
        buffer = io.BytesIO()
        if (layout := self.drawing.get_layout_engine()) is not None:  # arranged once for all formats
            layout.execute(self.drawing)
            self.drawing.set_layout_engine("none")
        self.drawing.savefig(
            buffer, format=suffix, dpi=150, metadata={"Date": None} if suffix == "svg" else None
        )
        return buffer.getvalue()


@dataclass(frozen=True)
class Section:
    """One experiment's part of the report.

    Attributes:
        title: the experiment.
        answers: what was found, a sentence each; the best comes first.
        notes: what limits it.
        tables: in order.
        figures: in order.
        main: how many of the tables are seen at once, also on the terminal; the others are opened.
        lead: how many of the answers are the headline, and what it rests on.
    """

    title: str
    answers: Sequence[str]
    notes: Sequence[str]
    tables: Sequence[Table]
    figures: Sequence[Figure]
    main: int = 1
    lead: int = 1


def words(cell: Cell, whole: bool = False) -> str:
    """A cell for people, an interval in brackets, a deviation after ±; `whole` = numbers of labels."""
    if cell is None:
        return "—"
    if isinstance(cell, Estimate):
        return labels_words(cell) if whole else _estimate(cell, number)
    if isinstance(cell, Spread):
        return number(cell.value) + ("" if math.isnan(cell.deviation) else f" ± {number(cell.deviation)}")
    if isinstance(cell, PValue):
        return p_value(cell)
    return number(cell) if isinstance(cell, float) else str(cell)


def number(value: float) -> str:
    """A score or a ratio for people."""
    if not math.isfinite(value):
        return "—" if math.isnan(value) else "∞"
    return f"{round(value, 3) + 0.0:.3f}".replace("-", "−")  # + 0.0: no −0.000


def count(value: float) -> str:
    """A number of labels for people."""
    return str(round(value)) if math.isfinite(value) else number(value)


def _estimate(estimate: Estimate, show: Callable[[float], str]) -> str:
    value, low, high = estimate.value, estimate.low, estimate.high
    if math.isnan(value):
        return "—"
    if math.isinf(value):
        return f"more than {show(low)}" if low > 0 else "not reached"
    if value == low == 0 < high:  # the ratio to what is not reached
        return f"less than {show(high)}" if math.isfinite(high) else "—"
    return show(value) if math.isnan(low) else f"{show(value)} {bounds(estimate, show)}"


def unbounded(estimate: Estimate) -> bool:
    """Whether a difference has no interval, as its seeds are too few for one."""
    return math.isinf(estimate.low)


def labels_words(estimate: Estimate) -> str:
    """How many labels are needed. An end of the interval beyond what was measured is no number."""
    value, low, high = estimate.value, estimate.low, estimate.high
    if low > 0 or not math.isfinite(value) or math.isnan(low):
        return _estimate(estimate, count)
    if math.isinf(high):
        return f"about {count(value)}"
    return f"at most {count(high)}" if value == high else f"{count(value)} (at most {count(high)})"


def bounds(estimate: Estimate, show: Callable[[float], str] = number) -> str:
    """The interval alone, open where it was not bounded; of too few seeds there is none."""
    if unbounded(estimate):
        return "(no interval)"
    end = f"{show(estimate.high)}]" if math.isfinite(estimate.high) else "…)"
    return f"[{show(estimate.low)}, {end}"


def p_value(p: float) -> str:
    """A p value for a table."""
    if math.isnan(p):
        return "—"
    return "< .001" if p < 0.001 else f"{p:.3f}".removeprefix("0")


def p_words(p: float) -> str:
    """A p value for a sentence."""
    return f"p {p_value(p)}" if p < 0.001 else f"p = {p_value(p)}"
