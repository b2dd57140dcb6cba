"""What all figures look like."""

import warnings
from collections.abc import Sequence

import matplotlib as mpl
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.font_manager import get_font_names

from al_runner.report.figures.words import wrapped
from al_runner.report.study.analysis import Analysis

COLORS = ("#4477AA", "#EE6677", "#228833", "#BB8800", "#332288", "#00A0A0")
"""After Paul Tol's bright scheme: distinct for color-blind readers too, at least 3 : 1 on white."""
BASELINE = "#555555"
DASHES = ("-", "--", "-.", ":")
WIDTH = 5.6
"""Inches; figures are read on a phone as well, so they are narrow and their text is large."""
SMALL = 8
"""Points, of legends and of labels that may be long."""
LINE = SMALL * 1.25 / 72
"""Inches of a line of small text."""
NARROW = 24
"""Characters of a label beside an axis; longer ones go on."""
OTHER_SCRIPTS = (
    "Noto Sans CJK SC",
    "Noto Sans CJK JP",
    "WenQuanYi Zen Hei",
    "PingFang SC",
    "Microsoft YaHei",
)

mpl.rcParams.update(
    {
        "svg.hashsalt": "al-runner",  # the same figure, the same file
        "font.family": ["DejaVu Sans", *(name for name in OTHER_SCRIPTS if name in get_font_names())],
        "font.size": 10,
        "text.parse_math": False,  # a name with $ in it is no formula
        "axes.titlesize": 10,
        "axes.titlelocation": "left",
        "axes.spines.top": False,
        "axes.spines.right": False,
        "grid.alpha": 0.3,
        "legend.frameon": False,
    }
)
# A letter that no font has is drawn as a box; the tables hold the name.
warnings.filterwarnings("ignore", message=r"Glyph .* missing from font")


def grid(count: int, height: float, columns: int = 1, **options: object) -> tuple[Figure, list[Axes]]:
    """A figure of `count` panels, `columns` in a row, each of a height in inches."""
    rows = -(-count // columns)
    figure = Figure(figsize=(WIDTH, rows * height), layout="constrained")
    panels = figure.subplots(rows, columns, squeeze=False, **options).flatten().tolist()  # type: ignore[call-overload]
    for unused in panels[count:]:
        unused.set_visible(False)
    return figure, panels[:count]


def legend(figure: Figure, columns: int = 2) -> None:
    """One legend of all panels below them, for which the figure grows."""
    found = [axes.get_legend_handles_labels() for axes in figure.axes]
    handles = {label: handle for pair in found for handle, label in zip(*pair, strict=True)}
    labels = [wrapped(label, 60 // columns) for label in handles]
    drawn = figure.legend(
        list(handles.values()), labels, loc="outside lower center", ncols=columns, fontsize=SMALL
    )
    extent = drawn.get_window_extent()
    if columns > 1 and extent.width > figure.bbox.width:
        drawn.remove()
        legend(figure, columns - 1)
    else:
        figure.set_figheight(figure.get_figheight() + extent.height / figure.dpi)


def row_labels(axes: Axes, labels: Sequence[str]) -> None:
    """Name the rows of a panel, from the top, on several lines where it must be."""
    size = SMALL if any(len(label) > NARROW / 2 for label in labels) else None
    axes.set_yticks(range(len(labels)), [wrapped(label, NARROW) for label in labels], fontsize=size)


def rows_height(labels: Sequence[str], least: float) -> float:
    """Inches that rows of some labels take, each at least as many."""
    return sum(max(least, LINE * (1 + wrapped(label, NARROW).count("\n")) + 0.06) for label in labels)


def arm_looks(analysis: Analysis) -> dict[str, tuple[str, str]]:
    """Color and dashes of each arm, the same in every figure: the baseline, which is the first, in gray."""
    experiment = analysis.experiment
    labels = [arm.label for arm in experiment.arms]
    first = {labels[0]: (BASELINE, "-")} if experiment.baseline else {}
    others = enumerate(labels[len(first) :])
    return first | {
        label: (COLORS[k % len(COLORS)], DASHES[k // len(COLORS) % len(DASHES)]) for k, label in others
    }
