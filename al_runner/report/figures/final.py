"""The scores at the end."""

from collections.abc import Sequence

import numpy as np
from matplotlib.axes import Axes

from al_runner.report.contents import Figure
from al_runner.report.figures.style import COLORS, grid, legend, row_labels, rows_height
from al_runner.report.figures.words import alt, listed, told
from al_runner.report.statistics.intervals import NOTHING, Estimate, mean_estimate
from al_runner.report.study.analysis import Analysis
from al_runner.report.study.runs import Run

FILLS = ("white", "#BBCCEE", "#DDDDDD")
"""Light, so that the whiskers are seen; the edges make the bars."""


def final_scores(analysis: Analysis, last: float) -> Figure:
    """The last common score on the validation and on the test split (alda, Fig. 4)."""
    name = analysis.options.metric.split("/")[1]
    keys = dict.fromkeys([f"val/{name}", f"test/{name}", analysis.options.metric])
    runs = {result.arm.label: result.arm.finished for result in analysis.arms}
    scores = {key: [_at(some, key, last) for some in runs.values()] for key in keys}
    if analysis.experiment.full:
        for key, ends in scores.items():
            ends.append(_at(analysis.experiment.full, key, None))
    scores = {key: ends for key, ends in scores.items() if not all(np.isnan(end.value) for end in ends)}
    labels = [*runs, *(["all labels"] if analysis.experiment.full else [])]
    return _figure(name, last, labels, scores)


def _figure(name: str, last: float, labels: Sequence[str], scores: dict[str, list[Estimate]]) -> Figure:
    drawing, (axes,) = grid(1, 0.8 + rows_height(labels, 0.22 * len(scores)))
    for k, (key, ends) in enumerate(scores.items()):
        _bars(axes, k, len(scores), ends, key)
    row_labels(axes, labels)
    axes.set_ylim(len(labels) - 0.4, -0.6)
    least = min(float(np.nanmin([end.value, end.low])) for ends in scores.values() for end in ends)
    if least >= 0:
        axes.set_xlim(left=0)
    else:
        axes.axvline(0, color="black", linewidth=1)
    axes.set_xlabel(f"{name} at {last:.0f} labels")
    legend(drawing, len(scores))
    found = [
        f"{label} {listed([f'{ends[k].value:.3f} ({key})' for key, ends in scores.items()])}"
        for k, label in enumerate(labels)
    ]
    values = [end.value for end in list(scores.values())[-1]]
    apart = "; of runs on all labels, at their end" if "all labels" in labels[-1:] else ""
    return Figure(
        "final_scores",
        f"{name} at the end",
        alt(f"Bars of {name} at {last:.0f} labels: {told(found, values)}."),
        drawing,
        f"Mean and 95 % interval over seeds at {last:.0f} labels, the last number that all strategies "
        f"measured{apart}.",
    )


def _bars(axes: Axes, number: int, count: int, ends: Sequence[Estimate], key: str) -> None:
    values, low, high = (np.array([getattr(end, part) for end in ends]) for part in ("value", "low", "high"))
    thick = 0.8 / count
    places = np.arange(len(ends)) + (number - (count - 1) / 2) * thick
    axes.barh(places, values, thick * 0.9, color=FILLS[number], edgecolor=COLORS[0], label=key)
    spread = np.stack([values - low, high - values])
    axes.errorbar(values, places, xerr=spread, fmt="none", ecolor="black", elinewidth=1, capsize=2)


def _at(runs: Sequence[Run], key: str, labels: float | None) -> Estimate:
    """The mean at a number of labels, None = at the end, of the runs that measured it there."""
    rows = [row for run in runs for row in run.rows[-1:] if labels is None]
    rows += [row for run in runs for row in run.rows if row["n_labeled"] == labels]
    values = [row[key] for row in rows if not np.isnan(row.get(key, np.nan))]
    return mean_estimate(np.array(values)) if values else NOTHING
