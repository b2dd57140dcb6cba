"""95 % intervals for the mean over a few seeds. Pure functions.

`scripts/check_statistics.py` measures how often each holds the truth.
"""

from dataclasses import dataclass

import numpy as np
from scipy import stats

from al_runner.report.statistics.curves import Array

LEVEL = 0.05
"""Of every claim and, for what is no claim, of every interval."""


@dataclass(frozen=True)
class Estimate:
    """A number and its interval, of 95 % or of the level of a corrected test.

    `value` and `high` are inf where a number of labels is beyond what was measured; `low` is 0 where it is
    below. `low` and `high` of a difference are −inf and inf where its seeds are too few for an interval.
    All are NaN where nothing can be said.
    """

    value: float
    low: float
    high: float


NOTHING = Estimate(np.nan, np.nan, np.nan)


@dataclass(frozen=True)
class Spread:
    """The mean over seeds and their standard deviation (n − 1), which is NaN with one seed."""

    value: float
    deviation: float

    @classmethod
    def of(cls, values: Array) -> "Spread":
        """Of some seeds' values [S]."""
        return cls(float(values.mean()), float(values.std(ddof=1)) if len(values) > 1 else np.nan)


def student_interval(values: Array, level: float = LEVEL) -> tuple[Array, Array]:
    """Student's t interval (1908): m ± t(1 − level / 2; n − 1)·s/√n; takes the values to be normal.

    Args:
        values: [S, ...], S ≥ 2 seeds.
        level: 1 − the coverage.

    Returns:
        Lower and upper ends, each [...].
    """
    n = len(values)
    margin = stats.t.ppf(1 - level / 2, n - 1) * values.std(0, ddof=1) / np.sqrt(n)
    return values.mean(0) - margin, values.mean(0) + margin


def mean_estimate(values: Array) -> Estimate:
    """The mean of some seeds' values [S] with Student's interval, which is NaN with one seed.

    Of an arm by itself: its mean is compared with no other, so there is no test to invert.
    """
    mean = float(values.mean())
    if len(values) < 2:
        return Estimate(mean, np.nan, np.nan)
    low, high = student_interval(values)
    return Estimate(mean, float(low), float(high))
