"""What all figures look like."""

from collections.abc import Sequence

import matplotlib as mpl
from matplotlib.axes import Axes
from matplotlib.figure import Figure

COLORS = ("#4477AA", "#EE6677", "#228833", "#CCBB44", "#66CCEE", "#AA3377")
"""Paul Tol's bright scheme, distinct for color-blind readers too."""
BASELINE = "#555555"
DASHES = ("-", "--", "-.", ":")
WIDTH = 5.6
"""Inches; figures are read on a phone as well, so they are narrow and their text is large."""

mpl.rcParams.update(
    {
        "svg.hashsalt": "al-runner",  # the same figure, the same file
        "font.size": 10,
        "axes.titlesize": 10,
        "axes.titlelocation": "left",
        "axes.spines.top": False,
        "axes.spines.right": False,
        "grid.alpha": 0.3,
        "legend.frameon": False,
    }
)


def grid(count: int, height: float, columns: int = 1, **options: object) -> tuple[Figure, list[Axes]]:
    """A figure of `count` panels, `columns` in a row, each of a height in inches."""
    rows = -(-count // columns)
    figure = Figure(figsize=(WIDTH, rows * height), layout="constrained")
    panels = figure.subplots(rows, columns, squeeze=False, **options).flatten().tolist()  # type: ignore[call-overload]
    for unused in panels[count:]:
        unused.set_visible(False)
    return figure, panels[:count]


def looks(labels: Sequence[str], baseline: bool) -> dict[str, tuple[str, str]]:
    """Color and dashes of each arm: the baseline, which is the first, in gray."""
    arms = list(labels)[int(baseline) :]
    chosen = {
        label: (COLORS[k % len(COLORS)], DASHES[k // len(COLORS) % len(DASHES)])
        for k, label in enumerate(arms)
    }
    return {labels[0]: (BASELINE, "-"), **chosen} if baseline else chosen


def listed(words: Sequence[str]) -> str:
    """`a, b and c`."""
    return " and ".join([", ".join(words[:-1]), words[-1]]) if len(words) > 1 else "".join(words)
