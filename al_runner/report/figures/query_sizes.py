"""Labels and rounds that it takes to match full supervision, by the size of a query."""

from collections.abc import Iterator

import numpy as np
from matplotlib.ticker import FixedLocator, NullLocator, StrMethodFormatter

from al_runner.report.contents import Figure, count, number
from al_runner.report.figures.style import COLORS, grid
from al_runner.report.figures.words import alt, told
from al_runner.report.study.analysis import Analysis
from al_runner.report.study.query_sizes import Reached, by_query_size


def figures(analysis: Analysis) -> Iterator[Figure]:
    """The figure, where arms differ in the size of their queries."""
    if (found := by_query_size(analysis)) is None:
        return
    level, reached = found
    sizes = [each.size for each in reached]
    drawing, panels = grid(2, 2.6, 2)
    parts = ("labels", [each.labels for each in reached]), ("rounds", [each.rounds for each in reached])
    for axes, (name, values) in zip(panels, parts, strict=True):
        axes.plot(sizes, values, "o-", color=COLORS[0])
        axes.set_xscale("log", base=2)
        axes.xaxis.set_major_locator(FixedLocator(sizes))
        axes.xaxis.set_minor_locator(NullLocator())
        axes.xaxis.set_major_formatter(StrMethodFormatter("{x:.0f}"))
        axes.set_xlabel("labels of a query")
        axes.set_title(f"{name} until {number(level)}")
        axes.set_ylim(bottom=0)
        axes.grid()
    said = list(map(_words, reached))
    yield Figure(
        "query_sizes",
        "Labels and rounds by the size of a query",
        alt(f"To the full-data score, {number(level)}. {told(said, sizes)}."),
        drawing,
        "Until the mean over seeds first measures the full-data score (IDEAL, Fig. 7); the initial round "
        "counts. A size that never does has no point.",
    )


def _words(each: Reached) -> str:
    how = "never" if np.isnan(each.labels) else f"{count(each.labels)} in {each.rounds:.0f} rounds"
    return f"{each.size} a query: {how}"
