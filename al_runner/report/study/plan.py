"""How many seeds a study needs, from the spread of a pilot's paired differences. Pure functions."""

from dataclasses import dataclass

import numpy as np
from scipy import stats

from al_runner.report.statistics.power import SEEDS, USUAL, Design, seeds_for
from al_runner.report.statistics.versus import Versus
from al_runner.report.study.analysis import Analysis

CAUTIOUS = 0.8
"""The true spread is below its upper limit with this confidence (Browne, 1995)."""


@dataclass(frozen=True)
class Plan:
    """How often a study would find that an arm differs from the baseline by so much.

    Attributes:
        label: the arm's.
        pilot: the number of seeds that the spread is from.
        effect: the difference, in the metric's unit.
        spread: the standard deviation of the paired differences of the areas.
        test: of the page.
        comparisons: the size of the page's family.
    """

    label: str
    pilot: int
    effect: float
    spread: float
    test: str
    comparisons: int

    @property
    def largest(self) -> float:
        """The upper limit of the spread (one-sided, 80 %): few seeds do not know it well."""
        freedom = self.pilot - 1
        return float(self.spread * np.sqrt(freedom / stats.chi2.ppf(1 - CAUTIOUS, freedom)))

    def power(self, seeds: int, spread: float | None = None) -> float:
        """The share of studies with so many seeds that find it."""
        return Design(seeds, self.test, self.comparisons).power(self.effect / (spread or self.spread))

    def seeds(self, spread: float | None = None) -> int:
        """The fewest seeds that find it in 80 % of studies; 0 where 20 do not."""
        return seeds_for(self.effect / (spread or self.spread), USUAL, self.test, self.comparisons, SEEDS)


def plans(analysis: Analysis, effect: float | None) -> list[Plan]:
    """One for each arm that has a spread; None = the differences that the pilot has."""
    compared = {result.arm.label: result.versus for result in analysis.others}
    tested = {label: each for label, each in compared.items() if each is not None and each.tested}
    return [
        _plan(label, each, effect, analysis.options.test) for label, each in tested.items() if each.spread > 0
    ]


def _plan(label: str, pilot: Versus, effect: float | None, test: str) -> Plan:
    size = abs(pilot.area.value) if effect is None else effect
    return Plan(label, len(pilot.seeds), size, pilot.spread, test, pilot.comparisons)
