"""Where the time went."""

from collections.abc import Iterator

import numpy as np
from matplotlib.ticker import MaxNLocator

from al_runner.report.contents import Figure
from al_runner.report.figures.style import COLORS, LINE, grid, legend
from al_runner.report.figures.words import alt, told, wrapped
from al_runner.report.statistics.curves import Array
from al_runner.report.study.analysis import Analysis
from al_runner.report.study.arms import Arm

STAGES = dict(zip(("fit", "score", "evaluate"), COLORS, strict=False))


def figures(analysis: Analysis) -> Iterator[Figure]:
    """The figure, where a finished run was timed."""
    arms = [
        arm
        for arm in analysis.experiment.arms
        if any("fit_seconds" in row for run in arm.longest for row in run.rounds)
    ]
    if arms:
        yield times(arms)


def times(arms: list[Arm]) -> Figure:
    """Mean seconds of each stage by round, one panel for each arm."""
    columns = 2 if len(arms) > 1 else 1
    titles = [wrapped(arm.label, 56 // columns) for arm in arms]
    height = 1.8 + LINE * 1.3 * max(title.count("\n") for title in titles)
    drawing, panels = grid(len(arms), height, columns, sharey=True)
    said, totals = [], []
    for axes, arm, title in zip(panels, arms, titles, strict=True):
        seconds = {stage: by_round(arm, f"{stage}_seconds") for stage in STAGES}
        floor = np.zeros(len(seconds["fit"]))
        for stage, color in STAGES.items():
            axes.bar(range(len(floor)), seconds[stage], 0.9, floor, color=color, label=stage)
            floor += seconds[stage]
        axes.set_title(title)
        axes.xaxis.set_major_locator(MaxNLocator(integer=True, min_n_ticks=1))
        axes.set_xlim(-0.6, max(map(rounds, arms)) - 0.4)
        totals.append(float(floor.sum()))
        choosing = seconds["score"].sum() / max(totals[-1], 1e-9)
        said.append(f"{arm.label} {totals[-1]:.0f} s, {choosing:.0%} of it choosing")
    for axes in panels[-columns:]:
        axes.set_xlabel("round")
    drawing.supylabel("seconds", fontsize=10)
    legend(drawing, len(STAGES))
    return Figure(
        "times",
        "Where the time went",
        alt(f"Time by round. {told(said, totals)}."),
        drawing,
        f"Mean over finished runs.{_finals(arms)}",
    )


def _finals(arms: list[Arm]) -> str:
    """What the final models took besides."""
    rows = [run.final for arm in arms for run in arm.longest if run.final is not None]
    seconds = [row["fit_seconds"] for row in rows if "fit_seconds" in row]
    return f" Final models are not drawn: training one took {np.mean(seconds):.0f} s." if seconds else ""


def rounds(arm: Arm) -> int:
    """How many rounds the longest finished run has."""
    return max(len(run.rounds) for run in arm.longest)


def by_round(arm: Arm, key: str) -> Array:
    """Mean of a column by round, over the finished runs that have the round."""
    rows = [[run.rounds[k] for run in arm.longest if k < len(run.rounds)] for k in range(rounds(arm))]
    return np.array([np.mean([row.get(key, 0.0) for row in of_round]) for of_round in rows])
