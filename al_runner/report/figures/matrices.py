"""Matrices: who beats whom, and which classes are taken for which."""

from collections.abc import Iterator, Sequence

import numpy as np
from matplotlib.axes import Axes

from al_runner.report.analysis import Analysis
from al_runner.report.contents import Figure
from al_runner.report.curves import Array
from al_runner.report.figures.style import grid, listed
from al_runner.report.study import Arm

MOST_ARMS = 6
"""Arms whose confusion matrices are drawn."""
WIDE = 4
"""Classes up to which two confusion matrices fit side by side."""


def figures(analysis: Analysis) -> Iterator[Figure]:
    """All of them that the runs allow."""
    if len(analysis.arms) > 1:
        yield penalty(analysis)
    found = {
        arm.label: matrix
        for arm in analysis.experiment.arms
        if (matrix := confusion(arm, analysis)) is not None
    }
    if found:
        yield confusions(analysis, dict(list(found.items())[:MOST_ARMS]))


def penalty(analysis: Analysis) -> Figure:
    """The pairwise penalty matrix, raw and corrected."""
    labels = [result.arm.label for result in analysis.arms]
    drawing, panels = grid(2, 1.4 + 0.45 * len(labels), 2, sharey=True)
    found = analysis.penalties
    for axes, matrix, title in zip(
        panels,
        (found.raw, found.holm),
        ("p ≤ .05, uncorrected", f"corrected for {found.tests} tests"),
        strict=True,
    ):
        _matrix(axes, matrix, labels, labels, 1)
        axes.set_title(title)
        axes.set_xlabel("is beaten")
    panels[0].set_ylabel("beats")
    beaten = [
        f"{a} beats {b} at {found.raw[i, j]:.0%}, corrected {found.holm[i, j]:.0%}, of the budgets"
        for i, a in enumerate(labels)
        for j, b in enumerate(labels)
        if found.raw[i, j] > 0
    ]
    return Figure(
        "penalties",
        "Who beats whom",
        f"Pairwise penalty matrix. {listed(beaten) or 'No strategy beats another at any budget'}.",
        drawing,
        "Share of the numbers of labels at which the row is better than the column, paired by seed.",
    )


def _matrix(axes: Axes, matrix: Array, rows: Sequence[str], columns: Sequence[str], top: float) -> None:
    axes.imshow(matrix, cmap="Blues", vmin=0, vmax=top, aspect="auto")
    axes.set_xticks(range(len(columns)), columns, rotation=45, ha="right", rotation_mode="anchor")
    axes.set_yticks(range(len(rows)), rows)
    axes.spines[:].set_visible(False)
    for (i, j), value in np.ndenumerate(matrix):
        text = "" if np.isnan(value) or value < 0.005 else f"{value:.2f}".removeprefix("0")
        axes.text(j, i, text, ha="center", va="center", fontsize=7, color="white" if value > 0.6 else "black")


def confusion(arm: Arm, analysis: Analysis) -> Array | None:
    """Mean over seeds of the last confusion matrix, each row (true class) as shares; None without one."""
    name = f"confusion_{analysis.options.split}"
    found = [run.array(len(run.rows) - 1, name) for run in arm.finished]
    kept = [matrix for matrix in found if matrix is not None and matrix.ndim == 2]
    if not kept:
        return None
    with np.errstate(invalid="ignore", divide="ignore"):
        return np.mean([matrix / matrix.sum(1, keepdims=True) for matrix in kept], 0)


def confusions(analysis: Analysis, found: dict[str, Array]) -> Figure:
    """One confusion matrix for each arm."""
    classes = class_names(analysis, len(next(iter(found.values()))))
    height = 1.3 + 0.22 * max(len(classes), 6)
    drawing, panels = grid(len(found), height, 2 if len(classes) <= WIDE else 1, sharey=True)
    for axes, (label, matrix) in zip(panels, found.items(), strict=True):
        _matrix(axes, matrix, classes, classes, 1)
        axes.set_title(label)
    drawing.supxlabel("taken for", fontsize=10)
    drawing.supylabel("is", fontsize=10)
    hardest = [f"{label}: {_hardest(classes, matrix)}" for label, matrix in found.items()]
    return Figure(
        "confusion",
        f"Confusion at the end, {analysis.options.split} split",
        f"Confusion matrices. {listed(hardest)}.",
        drawing,
        "Shares of each true class, averaged over seeds.",
    )


def _hardest(classes: Sequence[str], matrix: Array) -> str:
    at = int(np.nanargmin(matrix.diagonal()))
    return f"least often right for {classes[at]} ({matrix[at, at]:.0%})"


def class_names(analysis: Analysis, count: int) -> list[str]:
    """The classes' names, shortened, or their numbers."""
    names = analysis.experiment.arms[0].runs[0].manifest["dataset"].get("class_names", [])
    return [name[:16] for name in names] if len(names) == count else [str(k) for k in range(count)]
