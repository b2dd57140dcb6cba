"""The paired tests over seeds that `--test` offers, each with its own interval. Pure functions."""

from collections.abc import Mapping

import numpy as np
from scipy import stats

from al_runner.report.statistics.curves import Array
from al_runner.report.statistics.intervals import LEVEL, student_interval
from al_runner.report.statistics.procedure import Procedure
from al_runner.report.statistics.sign_flip import SignFlip
from al_runner.report.statistics.signed_rank import SignedRank


class PairedT(Procedure):
    """The paired t test and its interval (Student, 1908); takes the differences to be normal."""

    discrete = False

    def tails(self, differences: Array) -> tuple[Array, Array]:
        """As in `Procedure`, of at least two seeds."""
        n, mean, deviation = len(differences), differences.mean(0), differences.std(0, ddof=1)
        with np.errstate(divide="ignore", invalid="ignore"):
            t = np.where(mean == 0, 0, mean / (deviation / np.sqrt(n)))
        return stats.t.sf(t, n - 1), stats.t.cdf(t, n - 1)

    def interval(self, differences: Array, level: float = LEVEL) -> tuple[Array, Array]:
        """As in `Procedure`, of at least two seeds."""
        return student_interval(differences, level)


PROCEDURES: Mapping[str, Procedure] = {"sign-flip": SignFlip(), "wilcoxon": SignedRank(), "t": PairedT()}
