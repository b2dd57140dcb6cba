"""Labels of each strategy against the labels of the baseline that are as good."""

from collections.abc import Iterator

import numpy as np

from al_runner.report.contents import Figure, count
from al_runner.report.figures.style import arm_looks, grid, legend
from al_runner.report.figures.words import alt, told
from al_runner.report.study.analysis import Analysis


def figures(analysis: Analysis) -> Iterator[Figure]:
    """The figure, where there is a baseline and a curve."""
    if any(np.isfinite(each.value) for result in analysis.arms for each in result.exchange):
        yield exchange(analysis)


def exchange(analysis: Analysis) -> Figure:
    """A line for each arm; below the diagonal it needs fewer labels than the baseline."""
    drawing, (axes,) = grid(1, 3.6)
    labels, looks = analysis.common, arm_looks(analysis)
    axes.plot(labels[[0, -1]], labels[[0, -1]], color="black", linewidth=0.7, linestyle=":", label="as many")
    ends, said = [], []
    for result in analysis.arms:
        if not result.exchange:
            continue
        values = np.array([each.value for each in result.exchange])
        color, *_ = looks[result.arm.label]
        axes.plot(labels, np.where(np.isfinite(values), values, np.nan), "-o", color=color, markersize=3,
                  linewidth=1.2, label=result.arm.label)  # fmt: skip
        reached = np.flatnonzero(np.isfinite(values))
        if len(reached):
            last = reached[-1]
            ends.append(float(values[last]))
            said.append(f"{result.arm.label} {count(values[last])} for {count(labels[last])}")
    baseline = analysis.experiment.arms[0].label
    axes.set_xlabel(f"labels of {baseline}")
    axes.set_ylabel("labels that are as good")
    axes.grid()
    legend(drawing)
    return Figure(
        "exchange",
        f"Labels that are as good as those of {baseline}",
        alt(f"Labels of each {analysis.experiment.noun} against those of {baseline}: {told(said, ends)}."),
        drawing,
        "Where the means, made to rise, are equal. Below the dotted line labels are saved. A line ends where "
        "the budget does not reach; the table has the intervals.",
    )
