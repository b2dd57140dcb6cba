"""An arm against the baseline, paired by seed. Pure functions."""

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np

from al_runner.report.statistics.curves import Array, Curve, paired
from al_runner.report.statistics.intervals import (
    Estimate,
    bootstrap_interval,
    mean_estimate,
    student_interval,
)
from al_runner.report.statistics.paired import LEVEL, TESTS, holm, least_p


@dataclass(frozen=True)
class Versus:
    """An arm against the baseline, paired by seed, over the numbers of labels that all arms measured.

    Attributes:
        seeds: the seeds that pair.
        dropped: seeds without a partner.
        labels: [B].
        difference: [B] the mean over seeds of arm − baseline at each number of labels, with its interval.
        area: the difference of the areas under the budget curves; of the scores where there is one.
        p: of the areas' difference; NaN with one seed.
        holm: p, corrected for the number of arms compared.
        least: the least corrected p that these seeds can reach; 0 for a t test.
        comparisons: the number of arms compared.
    """

    seeds: tuple[int, ...]
    dropped: tuple[int, ...]
    labels: Array
    difference: tuple[Estimate, ...]
    area: Estimate
    p: float
    holm: float = np.nan
    least: float = 0.0
    comparisons: int = 1

    @property
    def tested(self) -> bool:
        """Whether there were seeds enough for a test."""
        return not np.isnan(self.p)

    @property
    def finding(self) -> str:
        """The finding in a word or two."""
        if not self.tested:
            return "not tested"
        if self.holm > LEVEL:
            return "not significant"
        return "better" if self.area.value > 0 else "worse"


def versus(curve: Curve, baseline: Curve | None, common: Array, test: str) -> Versus | None:
    """An arm against the baseline, not yet corrected; None without common seeds or labels."""
    if baseline is None or curve is baseline:
        return None
    ours, theirs = (each.only(each.seeds, common) for each in paired(curve, baseline))
    if not ours.values.size:
        return None
    area = ours.area - theirs.area
    return Versus(
        seeds=ours.seeds,
        dropped=tuple(sorted(set(curve.seeds) ^ set(baseline.seeds))),
        labels=ours.labels,
        difference=tuple(mean_estimate(column) for column in (ours.values - theirs.values).T),
        area=mean_area(area, len(ours.labels)),
        p=float(TESTS[test](area)) if len(area) > 1 else np.nan,
    )


def corrected(against: Sequence[Versus | None], test: str) -> list[Versus | None]:
    """Holm's correction over the arms that were tested, and the least p that it leaves within reach."""
    tested = [each for each in against if each is not None and each.tested]
    adjusted = holm(np.array([each.p for each in tested]))
    least = holm(np.array([least_p(len(each.seeds)) for each in tested]))
    if test == "t":
        least[:] = 0
    adapted = {
        id(each): replace(each, holm=float(p), least=float(reachable), comparisons=len(tested))
        for each, p, reachable in zip(tested, adjusted, least, strict=True)
    }
    return [each if each is None else adapted.get(id(each), each) for each in against]


def mean_area(areas: Array, labels: int) -> Estimate:
    """The mean of areas [S] over so many numbers of labels; over a single one it is a score's."""
    return mean_estimate(areas, bootstrap_interval if labels > 1 else student_interval)
