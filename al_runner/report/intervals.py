"""95 % intervals for the mean over a few seeds, and for when a mean curve reaches a target. Pure functions.

One idea carries them all: the interval of a mean (`mean_interval`). The labels that a curve needs, and the
ratio of two curves' needs, are those values that such an interval does not exclude.
`scripts/check_statistics.py` measures how often each holds the truth.
"""

from dataclasses import dataclass
from functools import cache
from itertools import combinations_with_replacement
from math import factorial, prod

import numpy as np
from scipy import stats

from al_runner.report.curves import Array, Curve, Flags, crossing

ALPHA = 0.05
FEWEST = 6
"""Fewer seeds than this are too few to resample: even the range of five values holds their mean's truth in
15 of 16 cases only."""
ENUMERATED = 8
"""Up to so many seeds every resample is visited; there are 6,435 distinct ones of eight."""
RESAMPLES = 10_000
"""Drawn where there are more seeds."""
RATIOS = 401
"""Ratios that are tried, evenly spaced on a logarithmic scale."""


@dataclass(frozen=True)
class Estimate:
    """A number and its 95 % interval.

    `value` and `high` are inf where the number is beyond what was measured; `low` is 0 where it is below.
    All are NaN where nothing can be said.
    """

    value: float
    low: float
    high: float


def mean_estimate(values: Array) -> Estimate:
    """The mean of some seeds' values [S] with its 95 % interval, which is NaN with one seed."""
    mean = float(values.mean())
    if len(values) < 2:
        return Estimate(mean, np.nan, np.nan)
    low, high = mean_interval(values)
    return Estimate(mean, float(low), float(high))


def mean_interval(values: Array) -> tuple[Array, Array]:
    """95 % interval of the mean over seeds, by the studentized bootstrap (Efron, 1982; Hall, 1988).

    With mean m and standard deviation s (n − 1) of n seeds, and m*, s* those of a resample, the interval is
    m − q(.975)·s/√n … m − q(.025)·s/√n, q being the quantiles of t* = (m* − m) / (s*/√n) over all resamples.
    A percentile bootstrap of six values holds the truth in 85 % of cases; this one in 93 to 96 %.

    With fewer than six seeds, and where too many resamples consist of equal values, it is Student's t
    interval, which takes the values to be normally distributed.

    Args:
        values: [S, ...], S ≥ 2 seeds.

    Returns:
        Lower and upper ends, each [...].
    """
    n = len(values)
    mean, error = values.mean(0), values.std(0, ddof=1) / np.sqrt(n)
    t = stats.t.ppf(1 - ALPHA / 2, n - 1)
    if n < FEWEST:
        return mean - t * error, mean + t * error
    below, above = _studentized(values.reshape(n, -1))
    below, above = (np.where(np.isfinite(q), q, t).reshape(mean.shape) for q in (below, above))
    return mean - above * error, mean + below * error


def _studentized(values: Array) -> tuple[Array, Array]:
    """−q(.025) and q(.975) of t* for each column of [S, M]: both [M], as positive numbers as a rule."""
    counts, weights = _resamples(len(values))
    n = len(values)
    centered = values - values.mean(0)
    means = counts @ centered / n
    variances = np.maximum(counts @ centered**2 / n - means**2, 0) * n / (n - 1)
    # A resample of equal values has no spread but for rounding; its t* is infinite.
    flat = variances <= 1e-12 * centered.var(0, ddof=1)
    with np.errstate(divide="ignore", invalid="ignore"):
        t = np.where(flat, np.copysign(np.inf, means), means / np.sqrt(variances / n))
    order = np.argsort(t, axis=0, kind="stable")
    t, mass = np.take_along_axis(t, order, 0), weights[order]
    low = _first(t, np.cumsum(mass, 0))
    high = _first(t[::-1], np.cumsum(mass[::-1], 0))
    return -low, high


def _first(ordered: Array, mass: Array) -> Array:
    """The first value of each column at which the mass of what came so far is α/2."""
    at = (mass >= ALPHA / 2 - 1e-12).argmax(0)
    return np.take_along_axis(ordered, at[None], 0)[0]


@cache
def _resamples(n: int) -> tuple[Array, Array]:
    """How often each of n values is in a resample [R, n], and the resample's probability [R]."""
    if n > ENUMERATED:
        drawn = np.random.default_rng(0).multinomial(n, np.full(n, 1 / n), RESAMPLES)
        return drawn.astype(float), np.full(RESAMPLES, 1 / RESAMPLES)
    counts = [np.bincount(chosen, minlength=n) for chosen in combinations_with_replacement(range(n), n)]
    orders = [factorial(n) / prod(factorial(int(k)) for k in row) for row in counts]
    return np.array(counts, dtype=float), np.array(orders) / n**n


def labels_needed(curve: Curve, target: float | Array) -> Estimate:
    """How many labels the mean curve needs to reach a target, and its 95 % interval.

    The value is the least whole number of labels at which the mean over seeds is at or above the target,
    linear between measurements. Around it, the interval holds the numbers at which the interval of the mean
    difference to the target still holds 0. A target that is not reached is right-censored: `value` is inf,
    `low` the last number of labels that is excluded.

    Args:
        curve: of at least two seeds for an interval; `low` and `high` are NaN with one.
        target: a score, or one for each seed [S].
    """
    grid = whole_labels(curve.labels)
    gap = curve.at(grid) - np.reshape(target, (-1, 1))
    reached = np.flatnonzero(gap.mean(0) >= 0)
    value = float(grid[reached[0]]) if len(reached) else np.inf
    if len(gap) < 2:
        return Estimate(value, np.nan, np.nan)
    low, high = mean_interval(gap)
    return _around(value, grid, (high < 0) | (low > 0))


def whole_labels(labels: Array) -> Array:
    """The whole numbers from the first to the last number of labels; 1,001 of them where there are more."""
    first, last = labels[0], labels[-1]
    return np.unique(np.linspace(first, last, int(min(last - first, 1000)) + 1).round())


def labels_ratio(curve: Curve, reference: Curve, target: float) -> Estimate:
    """The ratio of the labels that two strategies need to reach a target, and its 95 % interval.

    The interval inverts a paired test. If the ratio is r, the curve at r·n labels and the reference at n are
    alike where both reach the target: n is where the mean of the two reaches it, and the ratios are kept for
    which the interval of the mean difference there, paired by seed, holds 0. A ratio that would need
    measurements beyond the budget is never excluded, so a target that one of them does not reach gives a
    one-sided interval, and one that neither reaches gives none.

    Args:
        curve: of the same seeds as `reference`, in the same order.
        reference: the baseline, as a rule.
        target: a score.
    """
    needed = [crossing(c.labels, c.mean, target) for c in (curve, reference)]
    at_once = [n <= c.labels[0] for n, c in zip(needed, (curve, reference), strict=True)]
    if all(np.isinf(needed)) or all(at_once):
        return Estimate(np.nan, np.nan, np.nan)
    value = float(needed[0] / needed[1])
    if len(curve.values) < 2:
        return Estimate(value, np.nan, np.nan)
    span = max(curve.labels[-1] / reference.labels[0], reference.labels[-1] / curve.labels[0])
    ratios = np.geomspace(1 / span, span, RATIOS)
    gaps = [_gap(curve, reference, target, ratio) for ratio in ratios]
    known = [at for at, gap in enumerate(gaps) if gap is not None]
    excluded: Flags = np.zeros(RATIOS, dtype=bool)
    if known:
        low, high = mean_interval(np.stack([gap for gap in gaps if gap is not None], 1))
        excluded[known] = (high < 0) | (low > 0)
    if np.isinf(needed[1]):  # the reference needs more than its budget: the ratio is at most this
        start = needed[0] / reference.labels[-1]
        return Estimate(value, 0.0, _around(start, ratios, excluded).high)
    if np.isinf(needed[0]):
        start = curve.labels[-1] / needed[1]
        return Estimate(value, _around(start, ratios, excluded).low, np.inf)
    return _around(value, ratios, excluded)


def _gap(curve: Curve, reference: Curve, target: float, ratio: float) -> Array | None:
    """Differences by seed [S] where the mean of both reaches the target, if the ratio is this."""
    first = max(reference.labels[0], curve.labels[0] / ratio)
    last = min(reference.labels[-1], curve.labels[-1] / ratio)
    knots = np.concatenate([[first, last], reference.labels, curve.labels / ratio])
    knots = np.unique(knots[(knots >= first) & (knots <= last)])
    if len(knots) < 2:
        return None
    at = crossing(knots, (reference.at(knots).mean(0) + curve.at(knots * ratio).mean(0)) / 2, target)
    if not first < at <= last:
        return None
    return (curve.at(np.array([at * ratio])) - reference.at(np.array([at])))[:, 0]


def _around(value: float, candidates: Array, excluded: Flags) -> Estimate:
    """From the last excluded candidate below the value to the first one above it."""
    below = candidates[excluded & (candidates <= value)]
    above = candidates[excluded & (candidates >= value)]
    return Estimate(value, float(below[-1]) if len(below) else 0.0, float(above[0]) if len(above) else np.inf)
