"""Learning curves, differences to the baseline, and final scores."""

from collections.abc import Iterator, Sequence

import numpy as np
from matplotlib.axes import Axes

from al_runner.report.analysis import Analysis, ArmResult, Versus
from al_runner.report.contents import Figure
from al_runner.report.figures.style import BASELINE, grid, listed, looks
from al_runner.report.intervals import NOTHING, Estimate, mean_estimate, student_interval
from al_runner.report.runs import Run
from al_runner.report.study import Arm
from al_runner.report.verdict import word


def figures(analysis: Analysis) -> Iterator[Figure]:
    """All of them that the runs allow."""
    yield learning_curves(analysis)
    if any(result.versus is not None for result in analysis.arms):
        yield difference(analysis)
    if analysis.arms:
        yield final_scores(analysis)


def arm_looks(analysis: Analysis) -> dict[str, tuple[str, str]]:
    """Color and dashes of each arm, the same in every figure."""
    return looks([arm.label for arm in analysis.experiment.arms], analysis.experiment.baseline)


def learning_curves(analysis: Analysis) -> Figure:
    """Means with their intervals, the full-data score, and unfinished runs as thin lines."""
    drawing, (axes,) = grid(1, 4.4)
    chosen, metric, arms = arm_looks(analysis), analysis.options.metric, analysis.experiment.arms
    for result in analysis.arms:
        _curve(axes, result, *chosen[result.arm.label])
    for arm in arms:
        _unfinished(axes, arm, metric, chosen[arm.label][0])
    if analysis.full is not None:
        axes.axhline(
            analysis.full.value, color="black", linewidth=1, linestyle=(0, (6, 3)), label="all labels"
        )
    if analysis.options.target is not None:
        axes.axhline(analysis.options.target, color="black", linewidth=0.7, linestyle=":", label="target")
    axes.set_xlabel("labels")
    axes.set_ylabel(metric)
    axes.grid()
    axes.legend()
    dotted = " Dotted: runs that are not finished." if any(arm.unfinished for arm in arms) else ""
    ends = listed([f"{r.arm.label} ends at {r.final.value:.3f}" for r in analysis.arms])
    return Figure(
        "learning_curves",
        f"{metric} by labels",
        f"Learning curves of {metric}. {ends}.",
        drawing,
        f"Mean and 95 % interval over seeds.{dotted}",
    )


def _unfinished(axes: Axes, arm: Arm, metric: str, color: str) -> None:
    for k, run in enumerate(arm.unfinished):
        rows = [row for row in run.rows if metric in row]
        label = "" if k else f"{arm.label}, unfinished"
        labels, scores = [row["n_labeled"] for row in rows], [row[metric] for row in rows]
        axes.plot(labels, scores, ":", marker=".", linewidth=0.8, color=color, label=label)


def _curve(axes: Axes, result: ArmResult, color: str, dashes: str) -> None:
    curve = result.curve
    label = f"{result.arm.label} ({len(curve.seeds)} seed{'s' if len(curve.seeds) > 1 else ''})"
    axes.plot(curve.labels, curve.mean, dashes, marker="o", markersize=3, color=color, label=label)
    if len(curve.seeds) > 1:
        axes.fill_between(curve.labels, *student_interval(curve.values), color=color, alpha=0.15, linewidth=0)


def difference(analysis: Analysis) -> Figure:
    """Each arm minus the baseline, one panel each, with the line of no difference."""
    compared = [(result, result.versus) for result in analysis.arms if result.versus is not None]
    drawing, panels = grid(len(compared), 2.3, sharex=True, sharey=True)
    chosen = arm_looks(analysis)
    for axes, (result, versus) in zip(panels, compared, strict=True):
        _difference(axes, result, versus, chosen[result.arm.label][0])
    panels[-1].set_xlabel("labels")
    baseline = analysis.experiment.arms[0].label
    found = listed([f"{r.arm.label}: {word(v)} ({v.area.value:+.3f} on average)" for r, v in compared])
    return Figure(
        "differences",
        f"Difference to {baseline}",
        f"Difference of {analysis.options.metric} to {baseline}, paired by seed. {found}.",
        drawing,
        f"Above 0: better than {baseline}. Mean and 95 % interval of the differences of equal seeds, each "
        "interval for its own number of labels.",
    )


def _difference(axes: Axes, result: ArmResult, versus: Versus, color: str) -> None:
    mean, low, high = (
        np.array([getattr(d, end) for d in versus.difference]) for end in ("value", "low", "high")
    )
    axes.axhline(0, color=BASELINE, linewidth=1)
    axes.plot(versus.labels, mean, marker="o", markersize=3, color=color)
    if not np.isnan(low).any():
        axes.fill_between(versus.labels, low, high, color=color, alpha=0.15, linewidth=0)
    axes.set_title(f"{result.arm.label}: {word(versus)}")
    axes.grid()


def final_scores(analysis: Analysis) -> Figure:
    """The last score on the validation and on the test split (alda, Fig. 4)."""
    metric = analysis.options.metric
    name = metric.split("/")[1]
    keys = dict.fromkeys([f"val/{name}", f"test/{name}", metric])
    runs = {result.arm.label: result.arm.finished for result in analysis.arms}
    if analysis.experiment.full:
        runs["all labels"] = analysis.experiment.full
    scores = {key: [_last(some, key) for some in runs.values()] for key in keys}
    scores = {key: ends for key, ends in scores.items() if not all(np.isnan(end.value) for end in ends)}
    drawing, (axes,) = grid(1, 1.1 + 0.45 * len(runs))
    for k, (key, ends) in enumerate(scores.items()):
        _bars(axes, (k - (len(scores) - 1) / 2) * 0.36, ends, key, BARS[k])
    axes.set_yticks(range(len(runs)), list(runs))
    axes.invert_yaxis()
    axes.set_xlabel(f"{name} at the end")
    least = np.nanmin([[end.value, end.low] for ends in scores.values() for end in ends])
    axes.set_xlim(left=max(0.0, float(np.floor(least * 20 - 1) / 20)))
    drawing.legend(loc="outside upper left", ncols=len(scores))
    told = [
        f"{label} {listed([f'{ends[k].value:.3f} ({key})' for key, ends in scores.items()])}"
        for k, label in enumerate(runs)
    ]
    return Figure(
        "final_scores",
        f"{name} at the end",
        f"Bars of the final {name}: {'; '.join(told)}.",
        drawing,
        "Mean and 95 % interval over seeds. The axis does not start at 0.",
    )


BARS = ("#BBCCEE", "#4477AA", "#222255")


def _bars(axes: Axes, offset: float, ends: Sequence[Estimate], key: str, color: str) -> None:
    values, low, high = (np.array([getattr(end, part) for end in ends]) for part in ("value", "low", "high"))
    places = np.arange(len(ends)) + offset
    axes.barh(places, values, 0.34, color=color, label=key)
    spread = np.stack([values - low, high - values])
    axes.errorbar(values, places, xerr=spread, fmt="none", ecolor="black", elinewidth=1, capsize=2)


def _last(runs: Sequence[Run], key: str) -> Estimate:
    values = [run.rows[-1][key] for run in runs if key in run.rows[-1]]
    return mean_estimate(np.array(values)) if values else NOTHING
