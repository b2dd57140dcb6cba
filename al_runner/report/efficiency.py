"""How many labels a strategy needs to reach a target, and the ratio of two strategies' needs. Pure functions.

Both intervals hold the values that `bootstrap_interval` of a mean difference does not exclude.
"""

import numpy as np

from al_runner.report.curves import ROUNDING, Array, Curve, Flags, crossing
from al_runner.report.intervals import NOTHING, Estimate, bootstrap_interval

MOST_LABELS = 401
"""Numbers of labels that are tried, at most."""
RATIOS = 401
"""Ratios that are tried, evenly spaced on a logarithmic scale."""


def labels_needed(curve: Curve, target: float | Array) -> Estimate:
    """How many labels the mean curve needs to reach a target, and its 95 % interval.

    The value is the least of the numbers tried (`whole_labels`) at which the mean over seeds is at or above
    the target, linear between measurements. The interval goes from the last number before it to the first
    one from there on at which the interval of the mean difference to the target excludes 0. A target that
    is not reached is right-censored: `value` and `high` are inf.

    Args:
        curve: of at least two seeds for an interval; `low` and `high` are NaN with one.
        target: a score, or one for each seed [S].
    """
    tried = whole_labels(curve.labels)
    gap = curve.at(tried) - np.reshape(target, (-1, 1))
    reached = np.flatnonzero(gap.mean(0) >= -ROUNDING)
    value = float(tried[reached[0]]) if len(reached) else np.inf
    if len(gap) < 2:
        return Estimate(value, np.nan, np.nan)
    return _around(value, tried, _excluded(gap))


def whole_labels(labels: Array) -> Array:
    """The whole numbers from the first to the last number of labels; 401 of them where there are more."""
    first, last = labels[0], labels[-1]
    return np.unique(np.linspace(first, last, int(min(last - first + 1, MOST_LABELS))).round())


def labels_ratio(curve: Curve, reference: Curve, target: float) -> Estimate:
    """The ratio of the labels that two strategies need to reach a target, and its 95 % interval.

    The value is the ratio of the numbers at which the mean curves cross the target. The interval inverts a
    paired test: if the ratio is r, the curve at r·n labels and the reference at n are alike where both reach
    the target. n is taken where the mean of the two reaches it, or, where that is beyond the budget, where
    one of them does. The interval goes from the last ratio below the value to the first one above it for
    which the interval of the mean difference there, paired by seed, excludes 0. A ratio that would need
    measurements outside the curves is never excluded; so the interval is one-sided where one of them does
    not reach the target, and all is NaN where neither does, or both do at their first measurement.

    Args:
        curve: of the same seeds as `reference`, in the same order.
        reference: the baseline, as a rule.
        target: a score.
    """
    ours, theirs = (crossing(each.labels, each.mean, target) for each in (curve, reference))
    at_once = ours <= curve.labels[0] and theirs <= reference.labels[0]
    if at_once or (np.isinf(ours) and np.isinf(theirs)):
        return NOTHING
    if len(curve.values) < 2:
        return Estimate(ours / theirs, np.nan, np.nan)
    span = max(curve.labels[-1] / reference.labels[0], reference.labels[-1] / curve.labels[0])
    ratios = np.geomspace(1 / span, span, RATIOS)
    gaps = [_gap(curve, reference, target, ratio) for ratio in ratios]
    known = [at for at, gap in enumerate(gaps) if gap is not None]
    excluded = np.zeros(RATIOS, dtype=bool)
    if known:
        excluded[known] = _excluded(np.stack([gap for gap in gaps if gap is not None], 1))
    # What is not reached within the budget bounds the ratio from one side.
    at_least = min(ours, curve.labels[-1]) / min(theirs, reference.labels[-1])
    found = _around(at_least, ratios, excluded)
    return Estimate(
        ours / theirs, 0.0 if np.isinf(theirs) else found.low, np.inf if np.isinf(ours) else found.high
    )


def _gap(curve: Curve, reference: Curve, target: float, ratio: float) -> Array | None:
    """Differences by seed [S] where both reach the target if the ratio is this; None if not measured."""
    first = max(reference.labels[0], curve.labels[0] / ratio)
    last = min(reference.labels[-1], curve.labels[-1] / ratio)
    knots = np.unique(np.concatenate([[first, last], reference.labels, curve.labels / ratio]))
    knots = knots[(knots >= first) & (knots <= last)]
    if len(knots) < 2:
        return None
    ours, theirs = curve.at(knots * ratio).mean(0), reference.at(knots).mean(0)
    places = [crossing(knots, mean, target) for mean in ((ours + theirs) / 2, ours, theirs)]
    at = next((place for place in places if place <= last), np.inf)
    if not first < at <= last:
        return None
    return (curve.at(np.array([at * ratio])) - reference.at(np.array([at])))[:, 0]


def _excluded(gap: Array) -> Flags:
    """Where the interval of the mean of [S, M] excludes 0."""
    low, high = bootstrap_interval(gap)
    return (high < 0) | (low > 0)


def _around(value: float, candidates: Array, excluded: Flags) -> Estimate:
    """From the last excluded candidate below the value to the first one from there on."""
    below = candidates[excluded & (candidates < value)]
    above = candidates[excluded & (candidates >= value)]
    return Estimate(value, float(below[-1]) if len(below) else 0.0, float(above[0]) if len(above) else np.inf)
