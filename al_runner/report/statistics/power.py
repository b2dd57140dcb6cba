"""How often a study of so many seeds would find a difference. Pure functions."""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache

import numpy as np

from al_runner.report.statistics.curves import Array
from al_runner.report.statistics.intervals import LEVEL
from al_runner.report.statistics.paired import PROCEDURES
from al_runner.report.statistics.sign_flip import SignFlip

SEEDS = range(4, 21)
"""Numbers of seeds that are tried."""
ADVISED = 10
"""Seeds to run where nothing is known yet."""
USUAL = 0.8
"""The power that a study is planned for."""
STUDIES = 1000
"""Simulated for each: a share of 50 % has a standard error of 1.6 points."""
PLANNED = {**PROCEDURES, "sign-flip": SignFlip(enumerated=11, drawn=2**11)}
"""With fewer sets of signs than studies are analyzed with, which takes less than a point of the power."""


@dataclass(frozen=True)
class Design:
    """A study that may be run.

    Differences are taken to be normally distributed. The claim is one of a family, and is decided at the
    first step of Holm's correction, as if no other were true: with others that are, the power is higher.

    Attributes:
        seeds: how many.
        test: `sign-flip`, `wilcoxon` or `t`.
        comparisons: the size of the family.
    """

    seeds: int
    test: str = "sign-flip"
    comparisons: int = 1

    @property
    def can_find(self) -> bool:
        """Whether the test can reach the level at all."""
        return PROCEDURES[self.test].least_p(self.seeds) * self.comparisons <= LEVEL

    def power(self, effect: float) -> float:
        """The probability of finding a difference of `effect` standard deviations, on its own side.

        An interval moves with the data. So the intervals of studies without a difference tell this of every
        difference: it is found where its own size is farther from 0 than the end of the interval.
        """
        return float((_reaches(self) < abs(effect)).mean())

    def detectable(self, power: float) -> float:
        """The difference, in standard deviations, that is found with a probability; inf where none is."""
        return float(np.quantile(_reaches(self), power, method="higher"))


@cache
def _reaches(design: Design) -> Array:
    """How far below 0 the interval begins, in studies of normal differences of mean 0 and variance 1."""
    values = np.random.default_rng(0).standard_normal((design.seeds, STUDIES))
    low, _ = PLANNED[design.test].interval(values, LEVEL / design.comparisons)
    return -low


def seeds_for(effect: float, power: float, test: str, comparisons: int, tried: Sequence[int] = SEEDS) -> int:
    """The fewest of some numbers of seeds that find an effect with a probability; 0 where none does."""
    return next((n for n in tried if Design(n, test, comparisons).power(effect) >= power), 0)
