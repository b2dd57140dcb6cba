"""How alike the arms choose, round by round."""

from collections.abc import Sequence

import numpy as np
from matplotlib.axes import Axes
from matplotlib.ticker import MaxNLocator

from al_runner.report.agreement import Agreement
from al_runner.report.analysis import Analysis
from al_runner.report.contents import Figure
from al_runner.report.figures.style import COLORS, DASHES, grid, listed

MOST_PAIRS = 12
"""Pairs that are drawn; the table has all."""


def agreement(analysis: Analysis, found: Sequence[Agreement]) -> Figure:
    """Common picks so far with what chance would give, and nDCG of each query."""
    drawing, (left, right) = grid(2, 3.4, 2, sharex=True)
    for k, pair in enumerate(found[:MOST_PAIRS]):
        color, dashes = COLORS[k % len(COLORS)], DASHES[k // len(COLORS) % len(DASHES)]
        left.plot(pair.rounds, pair.common, dashes, color=color, label=f"{pair.first}, {pair.second}")
        right.plot(pair.rounds, pair.ndcg, dashes, color=color)
    _chance(left, analysis)
    left.set_title("common share of all picks so far")
    right.set_title("nDCG of each query")
    for axes in (left, right):
        axes.set_ylim(-0.02, 1.02)
        axes.set_xlabel("round")
        axes.xaxis.set_major_locator(MaxNLocator(integer=True))
        axes.grid()
    drawing.legend(loc="outside lower center", ncols=2, fontsize=8)
    ends = [f"{pair.first} and {pair.second} share {pair.common[-1]:.0%}" for pair in found]
    return Figure(
        "agreement",
        "How alike the strategies choose",
        f"Agreement by round. At the end {listed(ends)} of what they bought.",
        drawing,
        "The first of a pair is the reference of nDCG. In round 1 both rank the same pool by the same model.",
    )


def _chance(axes: Axes, analysis: Analysis) -> None:
    """The share that two random choices from the pool would have in common."""
    run = analysis.experiment.arms[0].runs[0]
    sizes = [len(query) for query in run.queries]
    pool = int(run.manifest["dataset"]["sizes"]["train"]) - sizes[0]
    bought = np.cumsum(sizes[1:])
    axes.plot(range(1, len(sizes)), bought / pool, ":", color="black", label="by chance")
