"""The critical-difference diagram."""

import numpy as np

from al_runner.report.contents import Figure
from al_runner.report.figures.style import COLORS, grid, row_labels, rows_height
from al_runner.report.figures.words import alt, told
from al_runner.report.statistics.curves import Array
from al_runner.report.statistics.ranks import Ranking

STEP = 0.35
"""Height of a bar that joins strategies, in rows."""


def critical_difference(labels: list[str], ranking: Ranking) -> Figure:
    """Mean ranks on a line; strategies that a bar joins are not distinguishable (Demšar, 2006)."""
    order = np.argsort(ranking.ranks, kind="stable")
    ranks, names = ranking.ranks[order], [f"{labels[at]} ({ranking.ranks[at]:.2f})" for at in order]
    joined = groups(ranks, ranking.critical_difference)
    top = -0.8 - STEP * len(joined)
    drawing, (axes,) = grid(1, 0.8 + rows_height(names, 0.25) + 0.1 * len(joined))
    row_labels(axes, names)
    axes.set_xlim(1 - 0.1, len(names) + 0.1)
    axes.set_ylim(len(names) - 0.4, top)
    axes.spines[["left", "bottom"]].set_visible(False)
    axes.spines["top"].set_visible(True)
    axes.xaxis.tick_top()
    axes.tick_params(axis="y", length=0)
    for place, rank in enumerate(ranks):
        axes.plot([rank, rank], [top, place], color=COLORS[0], linewidth=1)
        axes.plot([axes.get_xlim()[0], rank], [place, place], color=COLORS[0], linewidth=1)
    for number, (first, last) in enumerate(joined):
        y = top + STEP * (number + 1)
        axes.plot([first - 0.04, last + 0.04], [y, y], color="black", linewidth=3)
    axes.set_title(f"mean rank, 1 = best; critical difference {ranking.critical_difference:.2f}")
    said = [f"{labels[at]} {ranking.ranks[at]:.2f}" for at in order]
    return Figure(
        "critical_difference",
        "Ranks over data sets",
        alt(f"Mean ranks over {len(ranking.blocks)} data sets: {told(said, ranks.tolist())}."),
        drawing,
        "A bar joins those whose mean ranks differ by less than the critical difference (Nemenyi, .05).",
    )


def groups(ranks: Array, distance: float) -> list[tuple[float, float]]:
    """The longest runs of ascending mean ranks that lie within the critical difference, as (first, last)."""
    reach = [(k, int(np.flatnonzero(ranks <= ranks[k] + distance)[-1])) for k in range(len(ranks))]
    longest = [(k, end) for k, end in reach if end > k and all(end > other for j, other in reach if j < k)]
    return [(float(ranks[k]), float(ranks[end])) for k, end in longest]
