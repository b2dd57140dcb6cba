"""Where the time went."""

from collections.abc import Iterator

import numpy as np
from matplotlib.ticker import MaxNLocator

from al_runner.report.analysis import Analysis
from al_runner.report.contents import Figure
from al_runner.report.figures.style import grid, listed
from al_runner.report.study import Arm

STAGES = {"fit": "#4477AA", "score": "#EE6677", "evaluate": "#CCBB44"}


def figures(analysis: Analysis) -> Iterator[Figure]:
    """The figure, where a run was timed."""
    arms = [arm for arm in analysis.experiment.arms if f"{next(iter(STAGES))}_seconds" in arm.runs[0].rows[0]]
    if arms:
        yield times(arms)


def times(arms: list[Arm]) -> Figure:
    """Mean seconds of each stage by round, one panel for each arm."""
    columns = 2 if len(arms) > 1 else 1
    drawing, panels = grid(len(arms), 2.2, columns, sharey=True)
    told = []
    for axes, arm in zip(panels, arms, strict=True):
        seconds = {stage: by_round(arm, f"{stage}_seconds") for stage in STAGES}
        floor = np.zeros(len(seconds["fit"]))
        for stage, color in STAGES.items():
            axes.bar(range(len(floor)), seconds[stage], 0.9, floor, color=color, label=stage)
            floor += seconds[stage]
        axes.set_title(arm.label)
        axes.xaxis.set_major_locator(MaxNLocator(integer=True))
        told.append(
            f"{arm.label} {sum(floor):.0f} s, {seconds['score'].sum() / sum(floor):.0%} of it choosing"
        )
    panels[0].legend(fontsize=8)
    drawing.supxlabel("round", fontsize=10)
    drawing.supylabel("seconds", fontsize=10)
    return Figure(
        "times", "Where the time went", f"Time by round. {listed(told)}.", drawing, "Mean over runs."
    )


def by_round(arm: Arm, key: str) -> "np.ndarray[tuple[int, ...], np.dtype[np.float64]]":
    """Mean of a column by round, over the runs that have the round."""
    count = max(len(run.rows) for run in arm.runs)
    return np.array(
        [np.mean([run.rows[k].get(key, 0.0) for run in arm.runs if k < len(run.rows)]) for k in range(count)]
    )
