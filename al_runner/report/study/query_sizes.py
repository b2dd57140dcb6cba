"""What the size of a query costs: labels and rounds until a level is reached."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from al_runner.report.statistics.curves import Array, Curve
from al_runner.report.study.analysis import Analysis, ArmResult


@dataclass(frozen=True)
class Reached:
    """One arm.

    Attributes:
        size: labels of a query.
        labels: measured ones at which the mean curve is first at the level; NaN = never.
        rounds: trainings up to there, the initial one included; NaN = never.
    """

    size: int
    labels: float
    rounds: float


def by_query_size(analysis: Analysis) -> tuple[float, Sequence[Reached]] | None:
    """The full-data score, and where the mean curves of arms with queries of several sizes reach it.

    None where there are fewer than two sizes, or nothing was trained on all labels.
    """
    if analysis.full is None:
        return None
    level = analysis.full.value
    sized = [(size_of(result), result.curve) for result in analysis.arms]
    found = [_reached(curve, size, level) for size, curve in sized if size is not None]
    sizes = {each.size for each in found}
    several = len(sizes) == len(found) > 1  # else they differ in something else
    return (level, sorted(found, key=lambda each: each.size)) if several else None


def size_of(result: ArmResult) -> int | None:
    """The size of an arm's queries, if it is the same for all."""
    sizes = result.arm.runs[0].manifest["science"]["schedule"]["query_size"]
    return int(sizes[0]) if len(sizes) == 1 else None


def _reached(curve: Curve, size: int, level: float) -> Reached:
    """Where the mean of a curve, made to rise, is first as high as a level."""
    labels: Array = curve.labels
    there = np.flatnonzero(curve.risen >= level)
    if not len(there):
        return Reached(size, float("nan"), float("nan"))
    return Reached(size, float(labels[there[0]]), float(there[0] + 1))
