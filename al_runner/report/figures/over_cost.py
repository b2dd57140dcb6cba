"""Learning curves over what the labels cost."""

from collections.abc import Sequence

from al_runner.report.contents import Figure
from al_runner.report.figures.curves import BANDS, draw_curve
from al_runner.report.figures.style import arm_looks, grid, legend
from al_runner.report.figures.words import alt, told
from al_runner.report.study.analysis import Analysis
from al_runner.report.study.over_cost import CostResult, unit


def cost_curves(analysis: Analysis, results: Sequence[CostResult]) -> Figure:
    """Means with their intervals, where every finished run has a cost."""
    drawing, (axes,) = grid(1, 3.6)
    chosen, metric, over = arm_looks(analysis), analysis.options.metric, analysis.options.over
    for result in results:
        band = result is results[0] or len(results) <= BANDS
        draw_curve(axes, result.arm.label, result.curve, *chosen[result.arm.label], band=band, marker="")
    axes.set_xlabel(unit(analysis, results))
    axes.set_ylabel(metric)
    axes.grid()
    legend(drawing)
    ends = [float(result.curve.mean[-1]) for result in results]
    found = [f"{result.arm.label} ends at {end:.3f}" for result, end in zip(results, ends, strict=True)]
    shown = "95 % interval" if len(results) <= BANDS else f"the 95 % interval of {results[0].arm.label}"
    return Figure(
        f"learning_curves_{over}",
        f"{metric} by {over}",
        alt(f"Learning curves of {metric} over {unit(analysis, results)}: {told(found, ends)}."),
        drawing,
        f"Mean and {shown} over seeds at equal {over}, each run linear between its rounds.",
    )
