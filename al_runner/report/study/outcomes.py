"""What the runs of each arm leave: the scores of their models, by seed, and their differences."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from math import isnan, nan

import numpy as np

from al_runner.report.statistics.curves import Array
from al_runner.report.statistics.family import holm, holm_levels
from al_runner.report.statistics.intervals import LEVEL, Estimate
from al_runner.report.statistics.procedure import Procedure
from al_runner.report.study.analysis import Analysis
from al_runner.report.study.arms import Arm

MAX = "_max"
"""The end of a metric's name that is the maximum over the epochs of one training."""


@dataclass(frozen=True)
class Outcome:
    """What an arm's runs leave at a number of labels.

    Attributes:
        label: the arm's.
        labels: how many.
        scores: metric → seed → score, of those that were measured.
    """

    label: str
    labels: int
    scores: Mapping[str, Mapping[int, float]]

    def values(self, metric: str) -> Array:
        """[S], the scores of a metric."""
        return np.array(list(self.scores[metric].values()), dtype=float)


@dataclass(frozen=True)
class Change:
    """The difference of an arm's outcome to the baseline's, paired by seed.

    Attributes:
        difference: of the mean, with the interval at the level of its corrected test.
        seeds: how many pair.
        p: of the difference, corrected by Holm over all arms and numbers of labels; NaN with one seed.
    """

    difference: Estimate
    seeds: int
    p: float


def shown_metrics(analysis: Analysis) -> list[str]:
    """On the validation split the maximum and the end, on the test split the end, and what was asked."""
    asked = analysis.options.metric
    name = asked.split("/")[1].removesuffix(MAX)
    metrics = dict.fromkeys((f"val/{name}{MAX}", f"val/{name}", f"test/{name}", asked))
    arms = [result.arm for result in analysis.arms]
    return [metric for metric in metrics if any(arm.measured(metric) for arm in arms)]


def outcome(arm: Arm, labels: int, metrics: Sequence[str]) -> Outcome:
    """An arm's scores at a number of labels."""
    scores: dict[str, dict[int, float]] = {metric: {} for metric in metrics}
    for run in arm.finished:
        for row in arm.compared(run):
            for metric in metrics if row["n_labeled"] == labels else ():
                if not isnan(row.get(metric, nan)):
                    scores[metric][run.seed] = row[metric]
    return Outcome(
        arm.label, labels, {metric: dict(sorted(found.items())) for metric, found in scores.items()}
    )


def outcomes(analysis: Analysis, labels: Sequence[float] | None = None) -> list[Outcome]:
    """The full-data reference, then each arm at some numbers of labels; None = all that it measured."""
    metrics, reference = shown_metrics(analysis), analysis.experiment.reference
    found = []
    if reference is not None:
        found = [outcome(reference, int(n), metrics) for n in _labels(reference)]
    found = [each for each in found if any(each.scores.values())]
    known = {int(n) for result in analysis.arms for n in result.curve.labels if labels is None or n in labels}
    for n in sorted(known):
        found += [outcome(result.arm, n, metrics) for result in analysis.arms if n in result.curve.labels]
    return found


def _labels(arm: Arm) -> list[float]:
    return sorted({row["n_labeled"] for run in arm.finished for row in arm.compared(run)})


def validation(analysis: Analysis, found: Sequence[Outcome]) -> str | None:
    """The validation metric to stand beside the test's: the maximum if all seeds have it."""
    metrics = [metric for metric in shown_metrics(analysis) if metric.startswith("val/")]
    for metric in metrics:
        if not metric.endswith(MAX) or _everywhere(metric, found):
            return metric
    return None


def _everywhere(metric: str, found: Sequence[Outcome]) -> bool:
    last = metric.removesuffix(MAX)
    return all(
        each.scores[metric] and each.scores[metric].keys() >= each.scores.get(last, {}).keys()
        for each in found
    )


def changes(analysis: Analysis, metric: str) -> dict[tuple[str, int], Change]:
    """(Arm, labels) → its difference to the baseline, at the numbers of labels that all arms measured."""
    if analysis.baseline is None:
        return {}
    pairs = {}
    for n in map(int, analysis.common):
        theirs = outcome(analysis.baseline.arm, n, [metric]).scores[metric]
        for result in analysis.others:
            ours = outcome(result.arm, n, [metric]).scores[metric]
            seeds = sorted(ours.keys() & theirs.keys())
            if seeds:
                pairs[result.arm.label, n] = np.array([ours[seed] - theirs[seed] for seed in seeds])
    return _tested(pairs, analysis.options.procedure)


def _tested(pairs: Mapping[tuple[str, int], Array], procedure: Procedure) -> dict[tuple[str, int], Change]:
    p = {key: float(procedure.p(d)) for key, d in pairs.items() if len(d) > 1}
    family = np.array(list(p.values()))
    decided = dict(zip(p, zip(holm(family).tolist(), holm_levels(family).tolist(), strict=True), strict=True))
    found = {}
    for key, d in pairs.items():
        adjusted, level = decided.get(key, (nan, LEVEL))
        found[key] = Change(procedure.estimate(d, level), len(d), adjusted)
    return found
