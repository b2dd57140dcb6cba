"""Labels of one strategy as a function of the labels of another, along the whole curve. Pure functions."""

import numpy as np
from scipy.optimize import isotonic_regression

from al_runner.report.statistics.curves import Array, Curve, crossing
from al_runner.report.statistics.efficiency import Shown, around, whole_labels
from al_runner.report.statistics.intervals import Estimate


def rising(curve: Curve) -> Array:
    """The mean curve, made to rise: [B], the closest one by least squares that never falls (isotonic)."""
    return np.asarray(isotonic_regression(curve.mean).x, dtype=float)


def exchange(curve: Curve, reference: Curve, shown: Shown) -> list[Estimate]:
    """How many labels of one are as good as each number of labels of the other.

    The value for n labels of the reference is where the curve, made to rise, first reaches the reference,
    made to rise, at n; linear between measurements. By chance, a curve that is flat and noisy first reaches a
    score too early, or never: made to rise, it does not. The interval goes from the last number of labels
    before the value to the first one from there on at which the paired test tells the curve from the
    reference at n. What is not reached within the budget is right-censored: `value` and `high` are inf.

    Args:
        curve: of the same seeds as `reference`, in the same order; at least two for intervals.
        reference: the baseline, as a rule.
        shown: the test, at the level of the intervals.

    Returns:
        One for each number of labels of the reference.
    """
    ours, theirs, tried = rising(curve), rising(reference), whole_labels(curve.labels)
    found = []
    for place, target in enumerate(theirs):
        value = crossing(curve.labels, ours, float(target))
        if len(curve.values) < 2:
            found.append(Estimate(value, np.nan, np.nan))
            continue
        gap = curve.at(tried) - reference.values[:, place : place + 1]
        found.append(around(value, tried, shown(gap) != 0))
    return found
