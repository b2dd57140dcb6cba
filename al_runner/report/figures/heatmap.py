"""Shares as shades of blue, with their numbers where these can be read."""

from collections.abc import Sequence

import numpy as np
from matplotlib.axes import Axes

from al_runner.report.figures.style import SMALL, row_labels, rows_height
from al_runner.report.figures.words import LONGEST_NAME
from al_runner.report.statistics.curves import Array

MOST_NUMBERS = 20
"""Rows up to which the cells hold numbers."""
MOST_NAMES = 12
"""Columns up to which they are named; more of them, and those with long names, are numbered."""


def axis_labels(labels: Sequence[str], first: int) -> tuple[list[str], list[str]]:
    """Labels of the rows and of the same things as columns, numbered where the names do not fit above."""
    if len(labels) <= MOST_NAMES and max(map(len, labels)) <= LONGEST_NAME:
        return list(labels), list(labels)
    numbers = [str(first + k) for k in range(len(labels))]
    plain = [label if label == n else f"{label} · {n}" for label, n in zip(labels, numbers, strict=True)]
    return plain, numbers


def height(rows: Sequence[str], columns: Sequence[str], least: float) -> float:
    """Inches of a panel with a title, whose rows are at least so high."""
    turned = max(map(len, columns)) > 3
    return 0.6 + rows_height(rows, least) + (0.06 * max(map(len, columns)) if turned else 0.1)


def heatmap(axes: Axes, matrix: Array, rows: Sequence[str], columns: Sequence[str]) -> None:
    """Draw shares, [rows, columns] in [0, 1]; NaN stays white."""
    axes.imshow(matrix, cmap="Blues", vmin=0, vmax=1, aspect="auto")
    if max(map(len, columns)) > 3:
        axes.set_xticks(range(len(columns)), columns, rotation=45, ha="right", rotation_mode="anchor")
    else:
        angle = 0 if len(columns) <= MOST_NUMBERS else 90
        axes.set_xticks(range(len(columns)), columns, fontsize=SMALL - (angle > 0), rotation=angle)
    row_labels(axes, rows)
    axes.spines[:].set_visible(False)
    size = 7 if len(columns) <= MOST_NAMES else 5.5
    for (i, j), value in np.ndenumerate(matrix if len(matrix) <= MOST_NUMBERS else matrix[:0]):
        text = "" if np.isnan(value) or value < 0.005 else f"{value:.2f}".removeprefix("0")
        axes.text(
            j, i, text, ha="center", va="center", fontsize=size, color="white" if value > 0.6 else "black"
        )
