"""The critical-difference diagram."""

import numpy as np

from al_runner.report.contents import Figure
from al_runner.report.figures.style import grid, listed
from al_runner.report.ranks import Ranking


def critical_difference(labels: list[str], ranking: Ranking) -> Figure:
    """Mean ranks on a line; strategies that a bar joins are not distinguishable (Demšar, 2006)."""
    k = len(labels)
    order = np.argsort(ranking.ranks, kind="stable")
    drawing, (axes,) = grid(1, 1.6 + 0.3 * k)
    axes.set_xlim(1 - 0.1, k + 0.1)
    axes.set_ylim(-k - 1.5, 1)
    axes.spines[["left", "bottom"]].set_visible(False)
    axes.spines["top"].set_visible(True)
    axes.xaxis.tick_top()
    axes.set_yticks([])
    for place, at in enumerate(order):
        y = -1.5 - place
        axes.plot([ranking.ranks[at]] * 2, [1, y], color="#4477AA", linewidth=1)
        axes.text(ranking.ranks[at], y, f" {labels[at]} ({ranking.ranks[at]:.2f})", va="center", fontsize=9)
    for number, (first, last) in enumerate(groups(ranking.ranks[order], ranking.critical_difference)):
        y = 0.4 - 0.35 * number
        axes.plot([first - 0.04, last + 0.04], [y, y], color="black", linewidth=3)
    axes.set_title(f"mean rank, 1 = best; critical difference {ranking.critical_difference:.2f}")
    told = [f"{labels[at]} {ranking.ranks[at]:.2f}" for at in order]
    return Figure(
        "critical_difference",
        "Ranks over data sets",
        f"Mean ranks over {len(ranking.blocks)} data sets: {listed(told)}.",
        drawing,
        "A bar joins strategies whose mean ranks differ by less than the critical difference (Nemenyi, .05).",
    )


def groups(
    ranks: "np.ndarray[tuple[int, ...], np.dtype[np.float64]]", distance: float
) -> list[tuple[float, float]]:
    """The longest runs of ascending mean ranks that lie within the critical difference, as (first, last)."""
    reach = [(k, int(np.flatnonzero(ranks <= ranks[k] + distance)[-1])) for k in range(len(ranks))]
    longest = [(k, end) for k, end in reach if end > k and all(end > other for j, other in reach if j < k)]
    return [(float(ranks[k]), float(ranks[end])) for k, end in longest]
