"""How differences depend on the patients of the test split, from predictions that were kept."""

from dataclasses import dataclass
from math import isclose
from typing import Any

import numpy as np

from al_runner.report.statistics.curves import Array
from al_runner.report.statistics.patients import Conditional, Counts, conditional, weightings
from al_runner.report.statistics.weighted import METRICS, Metric
from al_runner.report.study.analysis import Analysis, ArmResult
from al_runner.report.study.runs import Run

AT_ONCE = 2**20
"""Weights that are held at once as numbers with a fraction."""
CLOSE = 1e-4
"""What a metric of kept predictions may differ from the recorded one, which has seven digits of float32."""


@dataclass(frozen=True)
class Kept:
    """What a run keeps of a test split with `keep_predictions=true`.

    Attributes:
        targets: [N] or [N, L].
        patients: [N], their numbers; each sample is its own patient where they are not known.
        grouped: whether they are known.
    """

    targets: Array
    patients: "np.ndarray[Any, Any]"
    grouped: bool


def over_patients(analysis: Analysis) -> dict[str, Conditional]:
    """Arm → what its difference to the baseline is conditional on.

    Only arms are in it whose runs, and the baseline's, kept what they predicted, so that the metric can be
    computed again.
    """
    split, _, name = analysis.options.metric.partition("/")
    metric, baseline = METRICS.get(name), analysis.baseline
    if metric is None or split != "test" or baseline is None or analysis.experiment.by_outcome:
        return {}
    kept = _kept(baseline.arm.finished[0])
    if kept is None or len(np.unique(kept.patients)) < 2:
        return {}
    weights = weightings(kept.patients)
    known = {result.arm.label: _drawn(result, analysis, kept, metric, weights) for result in analysis.arms}
    theirs = known[baseline.arm.label]
    found = {}
    for result in analysis.others:
        ours, versus = known[result.arm.label], result.versus
        if ours is None or theirs is None or versus is None or not versus.tested:
            continue
        drawn = np.stack([ours[seed] - theirs[seed] for seed in versus.seeds])
        patients = len(np.unique(kept.patients))
        found[result.arm.label] = conditional(versus.areas, drawn, patients, versus.level)
    return found


def grouped(analysis: Analysis) -> bool:
    """Whether it is known which images are of one patient."""
    kept = _kept(analysis.baseline.arm.finished[0]) if analysis.baseline else None
    return kept is not None and kept.grouped


def _kept(run: Run) -> Kept | None:
    targets = run.array(0, "targets_test")
    if targets is None:
        return None
    patients = run.array(0, "patients_test")
    return Kept(targets, np.arange(len(targets)) if patients is None else patients, patients is not None)


def _drawn(
    result: ArmResult, analysis: Analysis, kept: Kept, metric: Metric, weights: Counts
) -> dict[int, Array] | None:
    """Seed → the area on each drawn test split [B]; None where predictions are missing or are others."""
    found = {}
    for run in result.arm.longest:
        scores = _scores(run, analysis, kept, metric, weights)
        if scores is None:
            return None
        labels = analysis.common
        width = labels[-1] - labels[0]
        found[run.seed] = np.trapezoid(scores, labels, axis=0) / width if width else scores[0]
    return found


def _scores(run: Run, analysis: Analysis, kept: Kept, metric: Metric, weights: Counts) -> Array | None:
    """The metric at the common numbers of labels on each drawn test split: [B labels, B draws]."""
    scores = []
    for n in analysis.common:
        number = next((k for k, row in enumerate(run.rounds) if row["n_labeled"] == n), None)
        probs = None if number is None else run.array(number, "probabilities_test")
        if number is None or probs is None or len(probs) != len(kept.targets):
            return None
        whole = float(metric(probs, kept.targets, np.ones((1, len(probs))))[0])
        if not isclose(whole, run.rounds[number][analysis.options.metric], abs_tol=CLOSE):
            return None
        parts = np.array_split(weights, max(1, weights.size // AT_ONCE))
        scores.append(np.concatenate([metric(probs, kept.targets, part.astype(float)) for part in parts]))
    return np.stack(scores)
