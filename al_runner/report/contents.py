"""What a report consists of: sections of statements, tables and figures; not how they are shown."""

import io
import math
from collections.abc import Sequence
from dataclasses import dataclass

from matplotlib.figure import Figure as Drawing

from al_runner.files import csv_text
from al_runner.report.intervals import Estimate

Cell = str | int | float | Estimate | None


@dataclass(frozen=True)
class Table:
    """Rows of cells. An `Estimate` is one cell for people and three columns (value, low, high) of the CSV.

    Attributes:
        slug: name of its file.
        title: what it shows.
        columns: headings.
        rows: one cell for each column.
        note: what a reader must know to read it.
    """

    slug: str
    title: str
    columns: Sequence[str]
    rows: Sequence[Sequence[Cell]]
    note: str = ""

    def csv(self) -> str:
        """All digits, for other programs."""
        wide = [any(isinstance(row[k], Estimate) for row in self.rows) for k in range(len(self.columns))]
        names = [
            name
            for column, is_wide in zip(self.columns, wide, strict=True)
            for name in ([column, f"{column} low", f"{column} high"] if is_wide else [column])
        ]
        rows = [
            [value for cell, is_wide in zip(row, wide, strict=True) for value in _values(cell, is_wide)]
            for row in self.rows
        ]
        return csv_text(names, [dict(zip(names, row, strict=True)) for row in rows])


def _values(cell: Cell, wide: bool) -> list[object]:
    if isinstance(cell, Estimate):
        return [cell.value, cell.low, cell.high]
    return [cell, "", ""] if wide else [cell]


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
        if self.drawing.get_layout_engine() is not None:  # arranged once for all formats
            self.drawing.draw_without_rendering()
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
        answers: what was found, a sentence each.
        notes: what limits it.
        tables: the first one is also printed on the terminal.
        figures: in order.
    """

    title: str
    answers: Sequence[str]
    notes: Sequence[str]
    tables: Sequence[Table]
    figures: Sequence[Figure]


def words(cell: Cell) -> str:
    """A cell for people: three decimals, whole numbers whole, an interval in brackets, — for nothing."""
    if cell is None:
        return "—"
    if isinstance(cell, Estimate):
        return _estimate(cell)
    return number(cell) if isinstance(cell, float) else str(cell)


def number(value: float, decimals: int = 3) -> str:
    """A number for people."""
    if math.isnan(value):
        return "—"
    if value == int(value) and abs(value) >= 2:
        return str(int(value))
    return f"{round(value, decimals) + 0.0:.{decimals}f}".replace("-", "−")  # + 0.0: no −0.000


def _estimate(estimate: Estimate) -> str:
    value, low, high = estimate.value, estimate.low, estimate.high
    if math.isnan(value):
        return "—"
    if math.isnan(low):
        return "not reached" if math.isinf(value) else number(value)
    if math.isinf(value):
        return f"more than {number(low)}"
    if value == 0 and low == 0:
        return f"less than {number(high)}"
    return f"{number(value)} {bounds(estimate)}"


def bounds(estimate: Estimate) -> str:
    """The interval alone, open where it was not bounded."""
    if math.isinf(estimate.high):
        return f"[{number(estimate.low)}, …)"
    return f"[{number(estimate.low)}, {number(estimate.high)}]"


def p_value(p: float) -> str:
    """A p value for people."""
    if math.isnan(p):
        return "—"
    return "< .001" if p < 0.001 else f"{p:.3f}".removeprefix("0")
