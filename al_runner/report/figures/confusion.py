"""Which classes are taken for which, and which labels are missed."""

from collections.abc import Iterator, Sequence
from typing import NamedTuple

import numpy as np
from matplotlib.figure import Figure as Drawing

from al_runner.report.contents import Figure
from al_runner.report.figures.heatmap import MOST_NUMBERS, axis_labels, heatmap, height
from al_runner.report.figures.style import LINE, grid
from al_runner.report.figures.words import alt, class_names, only_first, told, wrapped
from al_runner.report.statistics.curves import Array
from al_runner.report.study.analysis import Analysis
from al_runner.report.study.arms import Arm

MOST_ARMS = 6
"""Arms whose matrices are drawn."""
MOST_CLASSES = 40
"""Classes up to which a matrix can be read; the rounds' folders hold all of them."""
WIDE = 4
"""Columns up to which two matrices fit side by side."""
LABEL_COLUMNS = ["sensitivity", "specificity"]


class Shares(NamedTuple):
    """Shares of what is right and wrong, means over seeds; NaN where a class does not occur.

    Attributes:
        matrix: [C, C], each row a true class; or [L, 2], sensitivity and specificity of each label.
        of_labels: whether it is the latter.
    """

    matrix: Array
    of_labels: bool

    @property
    def right(self) -> Array:
        """The share of each class, or label where it is present, that is found."""
        return self.matrix[:, 0] if self.of_labels else self.matrix.diagonal()


def figures(analysis: Analysis) -> Iterator[Figure]:
    """The matrices of all arms that have one, and the same classes as the first."""
    shares = {arm.label: confusion(arm, analysis) for arm in analysis.experiment.arms}
    known = {label: each for label, each in shares.items() if each is not None}
    first = next(iter(known.values()), None)
    if first is not None and len(first.matrix) <= MOST_CLASSES:
        alike = {k: each for k, each in known.items() if each.matrix.shape == first.matrix.shape}
        yield confusions(analysis, alike)


def confusion(arm: Arm, analysis: Analysis) -> Shares | None:
    """The matrices of the models that an arm's runs leave; None without any."""
    name = f"confusion_{analysis.options.split}"
    ends = [(run, run.outcome) for run in arm.longest]
    rounds = [(run, int(row["round"])) for run, row in ends if row is not None]
    found = [matrix for run, number in rounds if (matrix := run.array(number, name)) is not None]
    found = [matrix for matrix in found if matrix.shape == found[0].shape]
    if not found or found[0].ndim not in (2, 3):
        return None
    with np.errstate(invalid="ignore", divide="ignore"):
        shares = np.mean([matrix / matrix.sum(-1, keepdims=True) for matrix in found], 0)
    if shares.ndim == 2:
        return Shares(shares, False)
    return Shares(np.stack([shares[:, 1, 1], shares[:, 0, 0]], 1), True)  # [label, truth, prediction]


def confusions(analysis: Analysis, found: dict[str, Shares]) -> Figure:
    """One matrix for each of the first arms."""
    shown = dict(list(found.items())[:MOST_ARMS])
    of_labels = next(iter(shown.values())).of_labels
    classes = class_names(analysis, len(next(iter(shown.values())).matrix))
    what = "Sensitivity and specificity of each label" if of_labels else "Confusion"
    whose = "the cases with the label, and of those without it" if of_labels else "each true class"
    hardest = [f"{label}: {_hardest(classes, shares.right)}" for label, shares in shown.items()]
    least = [min(shares.right[~np.isnan(shares.right)], default=np.nan) for shares in shown.values()]
    return Figure(
        "confusion",
        f"{what} at the end, {analysis.options.split} split",
        alt(f"{what}, as matrices: {told(hardest, least)}."),
        _draw(shown, classes, of_labels),
        f"Shares of {whose}, averaged over seeds."
        + only_first(len(shown), len(found), analysis.experiment.nouns),
    )


def _draw(shown: dict[str, Shares], classes: list[str], of_labels: bool) -> Drawing:
    rows, columns = (classes, LABEL_COLUMNS) if of_labels else axis_labels(classes, 0)
    beside = 2 if len(columns) <= WIDE and len(shown) > 1 else 1
    titles = [wrapped(label, 48 // beside) for label in shown]
    extra = LINE * 1.3 * max(title.count("\n") for title in titles)
    least = 0.22 if len(rows) <= MOST_NUMBERS else 0.15
    drawing, panels = grid(len(shown), extra + height(rows, columns, least), beside, sharey=True)
    for axes, title, shares in zip(panels, titles, shown.values(), strict=True):
        heatmap(axes, shares.matrix, rows, columns)
        axes.set_title(title)
    if not of_labels:
        drawing.supxlabel("taken for", fontsize=10)
        drawing.supylabel("is", fontsize=10)
    return drawing


def _hardest(classes: Sequence[str], right: Array) -> str:
    if np.isnan(right).all():
        return "no class occurs"
    at = int(np.nanargmin(right))
    return f"least often right for {classes[at]} ({right[at]:.0%})"
