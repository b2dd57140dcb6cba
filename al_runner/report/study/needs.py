"""How many labels an arm needs to reach a score, and how many the baseline needs for it. Pure functions."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace

import numpy as np

from al_runner.report.statistics.curves import Array, Curve, paired
from al_runner.report.statistics.efficiency import labels_needed, labels_ratio, ratio_of_needs
from al_runner.report.statistics.intervals import NOTHING, Estimate

LAST = "the baseline's last score"
FULL = "the full-data score"
PARTS = (0.25, 0.5, 0.75)
"""Of the budget: the baseline's scores there are targets, too."""


@dataclass(frozen=True)
class Need:
    """The labels that an arm needs to reach a target.

    Attributes:
        target: in words.
        score: its value (the mean over seeds).
        labels: how many.
        baseline: how many the baseline needs, by the seeds of both; NaN where it is not known.
        ratio: of the two.
    """

    target: str
    score: float
    labels: Estimate
    baseline: Estimate = NOTHING
    ratio: Estimate = NOTHING


def needs(
    curve: Curve, baseline: Curve | None, common: Array, targets: Mapping[str, Mapping[int, float]]
) -> Iterator[Need]:
    """Labels needed for each target; a target that was measured is as uncertain as its seeds say.

    Where one number of labels was tried, nothing is known about others.

    Args:
        curve: the arm's.
        baseline: the baseline's, if there is one.
        common: the numbers of labels that all arms measured.
        targets: name → seed → score, besides the scores of the baseline.
    """
    if len(curve.labels) < 2:
        return
    if baseline is not None and curve is not baseline and len(common):
        yield from _as_good_as(curve, baseline, common)
    for name, scores in targets.items():
        yield _need(name, curve, baseline, scores)


def _as_good_as(curve: Curve, baseline: Curve, common: Array) -> Iterator[Need]:
    """What reaches the baseline's scores, the last one first, then those at parts of its budget."""
    last = common[-1]
    parts = {float(common[np.abs(common - part * last).argmin()]) for part in PARTS} - {common[0], last}
    for at in (last, *sorted(parts)):
        name = LAST if at == last else f"the baseline's score at {at:g} labels"
        scores = dict(zip(baseline.seeds, baseline.at(np.array([at]))[:, 0].tolist(), strict=True))
        scores = {seed: score for seed, score in scores.items() if seed in curve.seeds}
        ours, theirs = _until(curve.minus(scores), last), _until(baseline.minus(scores), at)
        if ours.seeds and len(ours.labels) > 1:
            needed, reference = labels_needed(ours, 0.0), _own(theirs)
            ratio = ratio_of_needs(needed, reference)
            yield Need(name, float(np.mean(list(scores.values()))), needed, reference, ratio)


def _own(curve: Curve) -> Estimate:
    """What the baseline itself needs for its score at the end of a curve [S, B] less that score.

    The end is enough, but its mean may have been as good before. NaN where it was run with no fewer labels.
    """
    if len(curve.labels) < 2:
        return NOTHING
    needed = labels_needed(curve, 0.0)
    return replace(needed, high=min(needed.high, curve.labels[-1]))


def _until(curve: Curve, budget: float) -> Curve:
    """The part of a curve with no more labels than the budget."""
    return curve.only(curve.seeds, curve.labels[curve.labels <= budget])


def _need(name: str, curve: Curve, baseline: Curve | None, scores: Mapping[int, float]) -> Need:
    """The labels that bring the differences to the target's scores, seed by seed, to 0 in the mean.

    With fewer than two common seeds the target is their mean for all, and there is no interval.
    """
    ours = curve.minus(scores)
    score = float(np.mean([scores[seed] for seed in ours.seeds] or list(scores.values())))
    if len(ours.seeds) < 2:
        known = labels_needed(curve, score)
        return Need(name, score, Estimate(known.value, np.nan, np.nan))
    needed = labels_needed(ours, 0.0)
    if baseline is not None and curve is not baseline:
        pair = paired(ours, baseline.minus(scores))
        if pair[0].values.size and len(pair[0].labels) > 1:
            return Need(name, score, needed, labels_needed(pair[1], 0.0), labels_ratio(*pair, 0.0))
    return Need(name, score, needed)
