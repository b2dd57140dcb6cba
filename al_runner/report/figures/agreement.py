"""How alike the arms choose, round by round."""

from collections.abc import Sequence

import numpy as np
from matplotlib.axes import Axes
from matplotlib.ticker import MaxNLocator

from al_runner.report.contents import Figure
from al_runner.report.figures.style import DASHES, grid, legend
from al_runner.report.figures.words import alt, only_first, told
from al_runner.report.study.agreement import Agreement
from al_runner.report.study.analysis import Analysis

MOST_PAIRS = 12
"""Pairs that are drawn; the table has all."""
PAIR_COLORS = ("black", "#AA3377", "#0077BB")
"""A pair is no arm: its dashes change first, and its colors are others."""


def agreement(analysis: Analysis, found: Sequence[Agreement]) -> Figure:
    """Common picks so far with what chance would give, and nDCG of each query."""
    drawing, (left, right) = grid(2, 2.7, 2, sharex=True)
    for k, pair in enumerate(found[:MOST_PAIRS]):
        color, dashes = PAIR_COLORS[k // len(DASHES) % len(PAIR_COLORS)], DASHES[k % len(DASHES)]
        left.plot(pair.rounds, pair.common, dashes, color=color, label=f"{pair.first} / {pair.second}")
        right.plot(pair.rounds, pair.ndcg, dashes, color=color)
    _chance(left, analysis, found[0].first)
    left.set_title("common share so far")
    right.set_title("nDCG of each query")
    for axes in (left, right):
        axes.set_ylim(-0.02, 1.02)
        axes.set_xlabel("round")
        axes.xaxis.set_major_locator(MaxNLocator(integer=True))
        axes.grid()
    legend(drawing)
    ends = [f"{pair.first} and {pair.second} share {pair.common[-1]:.0%}" for pair in found]
    said = told(ends, [pair.common[-1] for pair in found])
    return Figure(
        "agreement",
        f"How alike the {analysis.experiment.nouns} choose",
        alt(f"Agreement by round. Of all that was bought until the end, {said}."),
        drawing,
        "The first of a pair is the reference of nDCG."
        + ("" if analysis.experiment.named else " In round 1 both rank the same pool by the same model.")
        + only_first(min(len(found), MOST_PAIRS), len(found), "pairs"),
    )


def _chance(axes: Axes, analysis: Analysis, label: str) -> None:
    """The share that two random choices from the pool would have in common."""
    run = next(arm for arm in analysis.experiment.arms if arm.label == label).longest[0]
    sizes = [len(query) for query in run.queries]
    pool = int(run.manifest["dataset"]["sizes"]["train"]) - sizes[0]
    bought = np.cumsum(sizes[1:])
    axes.plot(range(1, len(sizes)), bought / pool, color="#888888", linewidth=4, zorder=1, label="by chance")
