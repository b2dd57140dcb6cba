"""How many labels a strategy needs to reach a target, and the ratio of two strategies' needs. Pure functions.

All intervals hold what the report's own paired test does not reject.
"""

from typing import Protocol

import numpy as np

from al_runner.report.statistics.curves import ROUNDING, Array, Curve, Flags, crossing
from al_runner.report.statistics.intervals import LEVEL, NOTHING, Estimate

NEAR = 1.5
"""Slopes are taken from n / 1.5 to 1.5 n labels."""
MOST_LABELS = 401
"""Numbers of labels that are tried, at most."""
RATIOS = 301
"""Ratios that are tried, evenly spaced on a logarithmic scale."""


class Shown(Protocol):
    """A paired test, as `Procedure.shown` at some level."""

    def __call__(self, differences: Array, *, level: float = ...) -> Array:
        """Differences [S, M] → 1 where the mean is shown to be above 0, −1 where below, else 0."""


def labels_needed(curve: Curve, target: float | Array, shown: Shown) -> Estimate:
    """How many labels the mean curve needs to reach a target, and its interval.

    The value is the least of the numbers tried (`whole_labels`) from which on the target is `reached`, linear
    between measurements. The interval goes from the last number before it to the first one from there on at
    which the test tells the mean from the target. A target that is not reached is right-censored: `value` and
    `high` are inf.

    Args:
        curve: of at least two seeds for an interval; `low` and `high` are NaN with one.
        target: a score, or one for each seed [S].
        shown: the test, at the level of the interval, which is at most `LEVEL`.
    """
    tried = whole_labels(curve.labels)
    there = tried[tried >= reached(curve, target, shown) - ROUNDING]
    value = float(there[0]) if len(there) else np.inf
    if len(curve.values) < 2:
        return Estimate(value, np.nan, np.nan)
    return around(value, tried, shown(_gap(curve, target, tried)) != 0)


def reached(curve: Curve, target: float | Array, shown: Shown) -> float:
    """From how many labels on a curve is at a target; inf where it never is.

    It is where the mean over seeds, made to rise, crosses the target. Two cases are others, as far as the
    test tells at `LEVEL`, uncorrected, whatever the level of an interval. Where it shows the mean itself to
    be above the target before, the curve falls later: it is where the mean last comes to the target until
    there. Where it shows the mean to be below although the risen one is there, it is the first number of
    labels at which it no longer does.

    Args:
        curve: its mean over seeds counts.
        target: a score, or one for each seed [S].
        shown: the test.
    """
    score, tried = float(np.mean(target)), whole_labels(curve.labels)
    risen = crossing(curve.labels, curve.risen, score)
    if len(curve.values) < 2:
        return risen
    is_there = np.interp(tried, curve.labels, curve.mean) >= score - ROUNDING
    before = tried[is_there & (tried < risen)]
    above = before[shown(_gap(curve, target, before), level=LEVEL) > 0]
    if len(above):
        return min(risen, _last_crossing(curve, score, float(above[0])))
    since = tried >= risen - ROUNDING
    not_yet = tried[since][~np.maximum.accumulate(is_there[since])]
    below = shown(_gap(curve, target, not_yet), level=LEVEL) < 0
    count = len(below) if below.all() else int(below.argmin())
    later = tried[since][count:]
    return risen if not count else float(later[0]) if len(later) else np.inf


def _gap(curve: Curve, target: float | Array, labels: Array) -> Array:
    """How far each seed is above its target at some numbers of labels: [S, M]."""
    return curve.at(labels) - np.reshape(target, (-1, 1))


def _last_crossing(curve: Curve, score: float, end: float) -> float:
    """Where the mean last comes to a score until so many labels, with which it is there."""
    knots = np.append(curve.labels[curve.labels < end], end)
    mean = np.interp(knots, curve.labels, curve.mean)
    below = np.flatnonzero(mean < score - ROUNDING)
    last = below[-1] if len(below) else 0
    return crossing(knots[last:], mean[last:], score)


def whole_labels(labels: Array) -> Array:
    """The whole numbers from the first to the last number of labels; 401 of them where there are more."""
    first, last = labels[0], labels[-1]
    return np.unique(np.linspace(first, last, int(min(last - first + 1, MOST_LABELS))).round())


def ratio_of_needs(needed: Estimate, reference: Estimate) -> Estimate:
    """The ratio of the labels that two strategies need, from what is known of each by itself.

    The interval goes from the least of one over the most of the other to the most over the least. So a ratio
    r is above it only where, for some n, the reference with n labels is told to be below the target, and the
    other with r·n to have reached it. It is wide, and holds the truth in more than 95 % of cases.

    Args:
        needed: as `labels_needed` has it.
        reference: the baseline's, not censored: it reached the target.
    """
    high = needed.high / reference.low if reference.low else np.inf
    return Estimate(needed.value / reference.value, needed.low / reference.high, high)


def labels_ratio(curve: Curve, reference: Curve, target: float, shown: Shown) -> Estimate:
    """The ratio of the labels that two strategies need to reach a target, and its interval.

    The value is the ratio of the numbers of labels with which the two have `reached` the target. The
    interval inverts a paired test: if the ratio is r, the curve at r·n labels and the reference at n are
    alike where both reach the target. n is taken where the mean of the two reaches it, and r is excluded if
    the test tells the mean difference there, paired by seed and each in units of its slope, from 0. Where
    that is outside of what was measured, n is the end of it, and r is excluded if there one is above the
    target and the other below, each by its own test. The interval goes from the last excluded ratio below
    the value to the first one above it. It is one-sided where one of the two does not reach the target; all
    is NaN where neither does, or both do at their first measurement.

    Args:
        curve: of the same seeds as `reference`, in the same order.
        reference: the baseline, as a rule.
        target: a score.
        shown: the test, at the level of the interval.
    """
    ours, theirs = (reached(each, target, shown) for each in (curve, reference))
    at_once = ours <= curve.labels[0] and theirs <= reference.labels[0]
    if at_once or (np.isinf(ours) and np.isinf(theirs)):
        return NOTHING
    if len(curve.values) < 2:
        return Estimate(ours / theirs, np.nan, np.nan)
    span = max(curve.labels[-1] / reference.labels[0], reference.labels[-1] / curve.labels[0])
    ratios = np.geomspace(1 / span, span, RATIOS)
    excluded = _apart(curve, reference, target, ratios, shown)
    # What is not reached within the budget bounds the ratio from one side.
    least = min(ours, curve.labels[-1]) / min(theirs, reference.labels[-1])
    found = around(least, ratios, excluded)
    return Estimate(
        ours / theirs, 0.0 if np.isinf(theirs) else found.low, np.inf if np.isinf(ours) else found.high
    )


def _apart(curve: Curve, reference: Curve, target: float, ratios: Array, shown: Shown) -> Flags:
    """The ratios for which the two curves are on different sides of where they should be alike."""
    tests = [_sides(curve, reference, target, ratio) for ratio in ratios]
    ours, theirs = (shown(np.stack(side, 1)) for side in zip(*tests, strict=True))
    return ours * theirs < 0


def _sides(curve: Curve, reference: Curve, target: float, ratio: float) -> tuple[Array, Array]:
    """How far each is above the target, by seed [S], where both reach it if the ratio is this.

    Inside of what was measured it is how far one is above the other, each in units of its slope: where n is
    a little off, the two are off by as much.
    """
    first = max(reference.labels[0], curve.labels[0] / ratio)
    last = max(first, min(reference.labels[-1], curve.labels[-1] / ratio))
    knots = np.unique(np.concatenate([[first, last], reference.labels, curve.labels / ratio]))
    knots = knots[(knots >= first) & (knots <= last)]
    both = (curve.at(knots * ratio).mean(0) + reference.at(knots).mean(0)) / 2
    n = min(crossing(knots, both, target), last)
    near = np.array([n, max(first, n / NEAR), min(last, n * NEAR)])
    (ours, *our_slope), (theirs, *their_slope) = curve.at(near * ratio).T, reference.at(near).T
    ours, theirs = ours - target, theirs - target
    if not both[0] < target <= both[-1]:
        return ours, theirs
    our_rise, their_rise = (float(np.mean(high - low)) for low, high in (our_slope, their_slope))
    if min(our_rise, their_rise) > 0:
        ours, theirs = ours * their_rise, theirs * our_rise
    return ours - theirs, theirs - ours


def around(value: float, candidates: Array, excluded: Flags) -> Estimate:
    """From the last excluded candidate below the value to the first one from there on."""
    below = candidates[excluded & (candidates < value)]
    above = candidates[excluded & (candidates >= value)]
    return Estimate(value, float(below[-1]) if len(below) else 0.0, float(above[0]) if len(above) else np.inf)
