"""Learning curves, differences to the baseline, and final scores."""

from collections.abc import Iterator, Sequence
from dataclasses import replace

import numpy as np
from matplotlib.axes import Axes

from al_runner.report.contents import Figure
from al_runner.report.figures.final import final_scores
from al_runner.report.figures.outcomes import outcome_scores
from al_runner.report.figures.style import BASELINE, arm_looks, grid, legend
from al_runner.report.figures.words import alt, told, wrapped
from al_runner.report.statistics.curves import Curve
from al_runner.report.statistics.intervals import student_interval
from al_runner.report.statistics.versus import Versus
from al_runner.report.study.analysis import Analysis, ArmResult
from al_runner.report.study.arms import Arm

TALL = 6
"""Panels in one column; more of them go into two."""
BANDS = 6
"""Arms whose intervals can be told apart in one panel; of more, only the first one's is drawn."""


def figures(analysis: Analysis) -> Iterator[Figure]:
    """All of them that the runs allow."""
    by_outcome, named = analysis.experiment.by_outcome, analysis.experiment.named
    if analysis.last is not None and by_outcome:
        yield outcome_scores(analysis, analysis.last)
    if not by_outcome or any(len(result.curve.labels) > 1 for result in analysis.arms):
        yield learning_curves(analysis)
    compared = [(result, result.versus) for result in analysis.arms if result.versus is not None]
    if compared and analysis.baseline is not None and not analysis.compared_at_one:
        yield difference(analysis, analysis.baseline.arm.label, compared)
    if analysis.last is not None and not by_outcome:
        yield outcome_scores(analysis, analysis.last) if named else final_scores(analysis, analysis.last)
    if by_outcome and (found := loops(analysis)) is not None:
        yield found


def further(analysis: Analysis) -> Iterator[Figure]:
    """The learning curves of another metric than the one that is tested."""
    several = any(len(result.curve.labels) > 1 for result in analysis.arms)
    name = analysis.options.metric.replace("/", "_")
    if several or not analysis.experiment.by_outcome:
        found = learning_curves(analysis)
    elif analysis.last is not None:
        found = outcome_scores(analysis, analysis.last)
    else:
        return
    yield replace(found, slug=f"{found.slug}_{name}")


def learning_curves(analysis: Analysis) -> Figure:
    """Means with their intervals, the full-data score, unfinished runs and published curves as thin lines."""
    drawing, (axes,) = grid(1, 3.6)
    chosen, metric, arms = arm_looks(analysis), analysis.options.metric, analysis.experiment.arms
    for result in analysis.arms:
        band = result is analysis.arms[0] or len(analysis.arms) <= BANDS
        draw_curve(axes, result.arm.label, result.curve, *chosen[result.arm.label], band=band)
    by_outcome = analysis.experiment.by_outcome  # then what is unfinished has left nothing yet
    for arm in arms if not by_outcome else ():
        _unfinished(axes, arm, metric, chosen[arm.label][0])
    beside = _published(axes, analysis)
    if analysis.full is not None:
        label, dashes = analysis.experiment.full_label, (0, (6, 3))
        axes.axhline(analysis.full.value, color="black", linewidth=1, linestyle=dashes, label=label)
    if analysis.options.target is not None:
        axes.axhline(analysis.options.target, color="black", linewidth=0.7, linestyle=":", label="target")
    axes.set_xlabel("labels")
    axes.set_ylabel(metric)
    axes.grid()
    legend(drawing)
    dotted = _dotted(() if by_outcome else arms)
    whose = " Each point: the models that runs with so many labels leave." if by_outcome else ""
    ends = [float(result.curve.mean[-1]) for result in analysis.arms]
    found = [f"{result.arm.label} ends at {end:.3f}" for result, end in zip(analysis.arms, ends, strict=True)]
    return Figure(
        "learning_curves",
        f"{metric} by labels",
        alt(f"Learning curves of {metric}: {told(found, ends) or 'no run is finished'}."),
        drawing,
        f"Mean and {_banded(analysis)} over seeds.{whose}{dotted}{beside}",
    )


def _banded(analysis: Analysis) -> str:
    """Which intervals are drawn."""
    few = len(analysis.arms) <= BANDS
    return "95 % interval" if few else f"the 95 % interval of {analysis.arms[0].arm.label}"


def _published(axes: Axes, analysis: Analysis) -> str:
    """Draw what others published, each arm in its own color; what the figure's note says of it."""
    published, chosen = analysis.options.published, arm_looks(analysis)
    if published is None:
        return ""
    found = [(arm, published.of(arm, analysis.options.metric)) for arm in analysis.experiment.arms]
    found = [(arm, points) for arm, points in found if points]
    for arm, points in found:
        (line,) = axes.plot(list(points), list(points.values()), "--x", linewidth=0.9, markersize=4)
        line.set(color=chosen[arm.label][0], label=f"{arm.label}, published")
    return f" Dashed, with crosses: published ({published.source}), part of no statistic." if found else ""


def loops(analysis: Analysis) -> Figure | None:
    """The learning curves of the models in the loop, which are not those that are compared."""
    metric, chosen = analysis.options.metric, arm_looks(analysis)
    several = [(arm, arm.loop_curve(metric)) for arm in analysis.experiment.arms]
    curves = [(arm, curve) for arm, curve in several if curve is not None]
    if not curves:
        return None
    drawing, (axes,) = grid(1, 3.6)
    for arm, curve in curves:
        draw_curve(axes, arm.label, curve, *chosen[arm.label])
        _unfinished(axes, arm, metric, chosen[arm.label][0])
    axes.set_xlabel("labels")
    axes.set_ylabel(f"{metric}, models in the loop")
    axes.grid()
    legend(drawing)
    ends = [float(curve.mean[-1]) for _, curve in curves]
    found = [f"{arm.label} ends at {end:.3f}" for (arm, _), end in zip(curves, ends, strict=True)]
    return Figure(
        "loops",
        f"{metric} of the models in the loop",
        alt(f"Learning curves of {metric} of the models in the loop: {told(found, ends)}."),
        drawing,
        "The models that choose what is labeled, not those that the runs leave. Mean and 95 % interval over "
        f"seeds.{_dotted([arm for arm, _ in curves])}",
    )


def _dotted(arms: Sequence[Arm]) -> str:
    return " Dotted: runs that are not finished." if any(arm.unfinished for arm in arms) else ""


def _unfinished(axes: Axes, arm: Arm, metric: str, color: str) -> None:
    label = f"{arm.label}, unfinished"
    for run in arm.unfinished:
        rows = [row for row in run.rows if metric in row]
        if rows:
            labels, scores = [row["n_labeled"] for row in rows], [row[metric] for row in rows]
            axes.plot(labels, scores, ":", marker=".", linewidth=0.8, color=color, label=label)


def draw_curve(
    axes: Axes, name: str, curve: Curve, color: str, dashes: str, band: bool = True, marker: str = "o"
) -> None:
    """A mean over seeds, and the band of its interval."""
    label = f"{name} ({len(curve.seeds)} seed{'s' if len(curve.seeds) > 1 else ''})"
    axes.plot(curve.labels, curve.mean, dashes, marker=marker, markersize=3, color=color, label=label)
    if band and len(curve.seeds) > 1:
        axes.fill_between(curve.labels, *student_interval(curve.values), color=color, alpha=0.15, linewidth=0)


def difference(analysis: Analysis, baseline: str, compared: Sequence[tuple[ArmResult, Versus]]) -> Figure:
    """Each arm minus the baseline, one panel each, with the line of no difference."""
    columns = 1 if len(compared) <= TALL else 2
    titles = [wrapped(f"{result.arm.label}: {versus.finding}", 56 // columns) for result, versus in compared]
    height = 1.9 + 0.17 * max(title.count("\n") for title in titles)
    drawing, panels = grid(len(compared), height, columns, sharex=True, sharey=True)
    chosen = arm_looks(analysis)
    for axes, title, (result, versus) in zip(panels, titles, compared, strict=True):
        _difference(axes, versus, chosen[result.arm.label][0])
        axes.set_title(title)
    for axes in panels[-columns:]:
        axes.set_xlabel("labels")
        axes.tick_params(labelbottom=True)
    found = [f"{r.arm.label}: {v.finding} ({v.area.value:+.3f} on average)" for r, v in compared]
    return Figure(
        "differences",
        f"Difference to {baseline}",
        alt(
            f"Difference of {analysis.options.metric} to {baseline}, paired by seed: "
            f"{told(found, [versus.area.value for _, versus in compared])}."
        ),
        drawing,
        f"Above 0: better than {baseline}. Mean and 95 % interval of the differences of equal seeds, each "
        "interval for its own number of labels.",
    )


def _difference(axes: Axes, versus: Versus, color: str) -> None:
    mean, low, high = (
        np.array([getattr(d, end) for d in versus.difference]) for end in ("value", "low", "high")
    )
    axes.axhline(0, color=BASELINE, linewidth=1)
    axes.plot(versus.labels, mean, marker="o", markersize=3, color=color)
    if not np.isnan(low).any():
        axes.fill_between(versus.labels, low, high, color=color, alpha=0.15, linewidth=0)
    axes.grid()
