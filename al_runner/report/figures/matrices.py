"""Matrices: who beats whom, and which classes are taken for which."""

from collections.abc import Iterator

from al_runner.report.contents import Figure
from al_runner.report.figures import confusion
from al_runner.report.figures.heatmap import axis_labels, heatmap, height
from al_runner.report.figures.style import grid
from al_runner.report.figures.words import alt, told
from al_runner.report.study.analysis import Analysis

SIDE_BY_SIDE = 6
"""Arms up to which two matrices fit beside each other."""


def figures(analysis: Analysis) -> Iterator[Figure]:
    """All of them that the runs allow."""
    if len(analysis.arms) > 1:
        yield penalty(analysis)
    yield from confusion.figures(analysis)


def penalty(analysis: Analysis) -> Figure:
    """The pairwise penalty matrix, raw and corrected."""
    labels = [result.arm.label for result in analysis.arms]
    rows, columns = axis_labels(labels, 1)
    beside = len(labels) <= SIDE_BY_SIDE
    least = 0.4 if beside else 0.25
    drawing, panels = grid(2, 0.3 + height(rows, columns, least), 2 if beside else 1, sharey=True)
    found = analysis.penalties
    titles = ("p ≤ .05, uncorrected", f"corrected for {found.tests} tests")
    for axes, matrix, title in zip(panels, (found.raw, found.holm), titles, strict=True):
        heatmap(axes, matrix, rows, columns)
        axes.set_title(title)
        axes.set_xlabel("is beaten")
    drawing.supylabel("beats", fontsize=10)
    beaten = {
        f"{a} beats {b} at {found.raw[i, j]:.0%}, corrected {found.holm[i, j]:.0%}, of the budgets": share
        for i, a in enumerate(labels)
        for j, b in enumerate(labels)
        if (share := float(found.raw[i, j])) > 0
    }
    said = (
        told(list(beaten), list(beaten.values()))
        or f"no {analysis.experiment.noun} beats another at any budget"
    )
    return Figure(
        "penalties",
        "Who beats whom",
        alt(f"Pairwise penalty matrix: {said}."),
        drawing,
        "Share of the numbers of labels at which the row is better than the column, paired by seed.",
    )
