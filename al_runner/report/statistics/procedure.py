"""What a verdict rests on: a paired test, and the interval that is its inverse."""

from abc import ABC, abstractmethod
from typing import ClassVar

import numpy as np

from al_runner.report.statistics.curves import Array
from al_runner.report.statistics.intervals import LEVEL, Estimate

ROUNDING = 0.5e-12
"""Sums of the same numbers in another order differ by rounding: this share of Σ |d| counts as 0."""


class Procedure(ABC):
    """A paired test of a mean difference, and the interval of the differences that it does not reject.

    The two cannot disagree: the interval at a level excludes 0 exactly where p is at most that level. Ties
    and rounding included, as both come from the same numbers.

    Attributes:
        discrete: whether p has few values, the more the seeds.
    """

    discrete: ClassVar[bool] = True

    @abstractmethod
    def tails(self, differences: Array) -> tuple[Array, Array]:
        """The one-sided p of a mean above 0, and that of one below.

        Args:
            differences: [S, ...], one for each seed.

        Returns:
            Each [...]; NaN where a difference is.
        """

    @abstractmethod
    def interval(self, differences: Array, level: float = LEVEL) -> tuple[Array, Array]:
        """The ends of {θ: p of the differences − θ is above the level}, which is closed.

        Args:
            differences: [S, ...], one for each seed.
            level: 1 − the coverage.

        Returns:
            Each [...]; −∞ and ∞ where no θ is rejected, as the seeds are too few.
        """

    def p(self, differences: Array) -> Array:
        """The two-sided p: twice the smaller of the one-sided ones, at most 1."""
        return np.minimum(1, 2 * np.minimum(*self.tails(differences)))

    def shown(self, differences: Array, level: float = LEVEL) -> Array:
        """1 where the mean is shown to be above 0, −1 where below, else 0: [...]."""
        above, below = self.tails(differences)
        return np.where(2 * above <= level, 1.0, np.where(2 * below <= level, -1.0, 0.0))

    def estimate(self, differences: Array, level: float = LEVEL) -> Estimate:
        """The mean of [S] with its interval, which is NaN with one seed."""
        mean = float(differences.mean())
        if len(differences) < 2:
            return Estimate(mean, np.nan, np.nan)
        low, high = self.interval(differences, level)
        return Estimate(mean, float(low), float(high))

    def least_p(self, seeds: int) -> float:
        """The least p that so many seeds can give: 2 / 2^S, where all differences have one sign."""
        return min(1.0, 2.0 / 2**seeds) if self.discrete else 0.0


def rounding(differences: Array) -> Array:
    """What is no more than rounding of a sum of [S, M]: [M]."""
    return ROUNDING * np.abs(differences).sum(0)
