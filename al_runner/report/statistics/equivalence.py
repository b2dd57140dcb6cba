"""Whether a difference is shown to be smaller than a margin. Pure functions."""

from dataclasses import dataclass

import numpy as np

from al_runner.report.statistics.curves import Array
from al_runner.report.statistics.intervals import LEVEL, Estimate
from al_runner.report.statistics.procedure import Procedure


@dataclass(frozen=True)
class Equivalence:
    """Two one-sided tests (TOST; Schuirmann, 1987): is the mean difference above −margin and below margin?

    Attributes:
        margin: in the metric's unit.
        p: the larger of the two one-sided p.
        holm: p, corrected for the number of arms compared.
        estimate: the mean difference and its interval of 1 − 2 · level, which lies within ±margin exactly
            where both tests reject at the level: 90 %, or what Holm's correction asks for.
    """

    margin: float
    p: float
    holm: float
    estimate: Estimate

    @property
    def shown(self) -> bool:
        """Whether the difference is shown to be smaller than the margin."""
        return self.holm <= LEVEL


def tost(differences: Array, margin: float, procedure: Procedure) -> float:
    """The p of equivalence: the larger of the one-sided p of a mean above −margin, and of one below margin.

    Args:
        differences: [S], S ≥ 2 seeds.
        margin: above 0.
        procedure: the test that is made twice.
    """
    (above, _), (_, below) = procedure.tails(differences + margin), procedure.tails(differences - margin)
    return float(np.maximum(above, below))


def tost_estimate(differences: Array, margin: float, procedure: Procedure, level: float) -> Estimate:
    """The mean of [S] and the interval of what neither one-sided test at a level rejects.

    Each end comes from the differences to its own margin, as its test does, so rounding parts none from it.
    """
    low = procedure.interval(differences + margin, 2 * level)[0] - margin
    high = procedure.interval(differences - margin, 2 * level)[1] + margin
    return Estimate(float(differences.mean()), float(low), float(high))
