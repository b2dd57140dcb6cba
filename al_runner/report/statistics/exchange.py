"""Labels of one strategy as a function of the labels of another, along the whole curve. Pure functions."""

from al_runner.report.statistics.curves import Curve
from al_runner.report.statistics.efficiency import Shown, labels_needed
from al_runner.report.statistics.intervals import Estimate


def exchange(curve: Curve, reference: Curve, shown: Shown) -> list[Estimate]:
    """How many labels of one are as good as each number of labels of the other.

    For n labels of the reference, these are the `labels_needed` for the score that it has with n, seed by
    seed. Its mean is made to rise (`Curve.risen`): the scores of all seeds are moved by what that changes.

    Args:
        curve: of the same seeds as `reference`, in the same order; at least two for intervals.
        reference: the baseline, as a rule.
        shown: the test, at the level of the intervals.

    Returns:
        One for each number of labels of the reference.
    """
    targets_SB = reference.values + (reference.risen - reference.mean)
    return [labels_needed(curve, target_S, shown) for target_S in targets_SB.T]
