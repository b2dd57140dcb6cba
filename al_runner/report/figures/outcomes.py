"""What the runs leave, on the validation and on the test split."""

from collections.abc import Sequence

import numpy as np
from matplotlib.axes import Axes

from al_runner.report.contents import Figure
from al_runner.report.figures.style import COLORS, grid, legend, row_labels, rows_height
from al_runner.report.figures.words import alt, listed, told
from al_runner.report.statistics.intervals import Spread
from al_runner.report.study.analysis import Analysis
from al_runner.report.study.outcomes import MAX, Outcome, outcomes, validation

LOOKS = ((COLORS[0], "o"), (COLORS[1], "s"), (COLORS[2], "D"))
"""Color and form of each metric."""


def outcome_scores(analysis: Analysis, last: float) -> Figure:
    """Validation beside test score at the last common number of labels (alda, Fig. 4)."""
    asked = analysis.options.metric
    name = asked.split("/")[1].removesuffix(MAX)
    found = outcomes(analysis, [last])
    wanted = dict.fromkeys((validation(analysis, found), f"test/{name}", asked))
    metrics = [key for key in wanted if key is not None and any(each.scores.get(key) for each in found)]
    labels = [each.label for each in found]
    # Points on an axis of their own, not bars, which must start at 0: arms differ by a few hundredths.
    drawing, (axes,) = grid(1, 0.8 + rows_height(labels, 0.2 * len(metrics) + 0.1))
    for k, metric in enumerate(metrics):
        _points(axes, (k - (len(metrics) - 1) / 2) * 0.8 / len(metrics), found, metric, *LOOKS[k])
    row_labels(axes, labels)
    for place in range(1, len(labels)):
        axes.axhline(place - 0.5, color="#DDDDDD", linewidth=0.8)
    axes.set_ylim(len(labels) - 0.5, -0.5)
    apart = _apart(analysis)
    axes.set_xlabel(f"{name} at {last:.0f} labels" + (f" ({apart}: all labels)" if apart else ""))
    axes.grid(axis="x")
    axes.plot([], [], ".", color="#888888", markersize=6, label="one seed")
    axes.plot([], [], "|-", color="#888888", markersize=6, label="standard deviation")
    legend(drawing)
    return Figure(
        "outcomes",
        f"{name[0].upper()}{name[1:]} of the models that the runs leave",
        alt(f"Points of {name} at {last:.0f} labels: {_said(found, metrics)}."),
        drawing,
        _note(analysis, last, metrics),
    )


def _points(axes: Axes, offset: float, found: Sequence[Outcome], metric: str, color: str, form: str) -> None:
    """Every seed as a faint dot, their mean with its deviation below them."""
    for place, each in enumerate(found):
        values = each.values(metric)
        if not len(values):
            continue
        spread = Spread.of(values)
        axes.plot(
            values, np.full(len(values), place + offset - 0.07), ".", color=color, alpha=0.5, markersize=6
        )
        error = None if np.isnan(spread.deviation) else spread.deviation
        at = place + offset + 0.07
        axes.errorbar(
            spread.value, at, xerr=error, fmt=form, color=color, markersize=5, elinewidth=1.4, capsize=3
        )
    axes.plot([], [], form, color=color, markersize=5, label=metric)


def _said(found: Sequence[Outcome], metrics: Sequence[str]) -> str:
    means = [
        [Spread.of(each.values(key)).value if each.scores[key] else np.nan for key in metrics]
        for each in found
    ]
    said = [
        f"{each.label} {listed([f'{mean:.3f} ({key})' for key, mean in zip(metrics, row, strict=True)])}"
        for each, row in zip(found, means, strict=True)
    ]
    return told(said, [row[-1] for row in means])


def _apart(analysis: Analysis) -> str:
    """The reference, where its name does not say that it has all labels."""
    experiment = analysis.experiment
    return experiment.full_label if experiment.named and experiment.full else ""


def _note(analysis: Analysis, last: float, metrics: Sequence[str]) -> str:
    apart = f"; {_apart(analysis)}: all labels" if _apart(analysis) else ""
    note = (
        f"At {last:.0f} labels{apart}. Mean and standard deviation over seeds; each seed is a dot. The axis "
        "does not start at 0."
    )
    if any(metric.endswith(MAX) for metric in metrics):
        note += f" {MAX}: the maximum over the epochs of the training."
    return note
