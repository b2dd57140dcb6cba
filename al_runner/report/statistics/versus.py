"""An arm against the baseline, paired by seed. Pure functions."""

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np

from al_runner.report.statistics.curves import Array, Curve, paired
from al_runner.report.statistics.effect import standardized
from al_runner.report.statistics.equivalence import Equivalence, tost, tost_estimate
from al_runner.report.statistics.family import holm, holm_levels
from al_runner.report.statistics.intervals import LEVEL, NOTHING, Estimate
from al_runner.report.statistics.procedure import Procedure


@dataclass(frozen=True)
class Versus:
    """An arm against the baseline, paired by seed, over the numbers of labels that all arms measured.

    Attributes:
        procedure: the test, and the interval that is its inverse.
        seeds: the seeds that pair.
        dropped: seeds without a partner.
        labels: [B].
        difference: [B] the mean over seeds of arm − baseline at each number of labels, with its interval,
            each by itself.
        areas: [S], the difference of the areas under each seed's budget curves; of the scores where there is
            one.
        area: its mean, with the interval at `level`.
        p: of the mean; NaN with one seed.
        holm: p, corrected for the number of arms compared.
        level: at which Holm's correction decides this comparison: .05, or less.
        comparisons: the number of arms compared.
        effect: the mean in units of the spread over seeds, with its interval at `level`.
        equivalence: whether the mean is shown to be smaller than a margin; None where none was asked for.
    """

    procedure: Procedure
    seeds: tuple[int, ...]
    dropped: tuple[int, ...]
    labels: Array
    difference: tuple[Estimate, ...]
    areas: Array
    area: Estimate
    p: float
    holm: float = np.nan
    level: float = LEVEL
    comparisons: int = 1
    effect: Estimate = NOTHING
    equivalence: Equivalence | None = None

    @property
    def tested(self) -> bool:
        """Whether there were seeds enough for a test."""
        return not np.isnan(self.p)

    @property
    def bounded(self) -> bool:
        """Whether so many seeds can show any difference: if not, the interval has no ends."""
        return self.tested and self.procedure.least_p(len(self.seeds)) <= self.level

    @property
    def spread(self) -> float:
        """The standard deviation (n − 1) of the areas' difference over seeds; NaN with one seed."""
        return float(self.areas.std(ddof=1)) if len(self.areas) > 1 else np.nan

    @property
    def finding(self) -> str:
        """The finding in a few words."""
        if not self.tested:
            return "not tested"
        side = self.procedure.shown(self.areas, self.level)
        if side:
            return "better" if side > 0 else "worse"
        if self.equivalence is not None and self.equivalence.shown:
            return f"equivalent within {self.equivalence.margin:g}"
        return "not significant"


def versus(curve: Curve, baseline: Curve | None, common: Array, procedure: Procedure) -> Versus | None:
    """An arm against the baseline, not yet corrected; None without common seeds or labels."""
    if baseline is None or curve is baseline:
        return None
    ours, theirs = (each.only(each.seeds, common) for each in paired(curve, baseline))
    if not ours.values.size:
        return None
    areas = ours.area - theirs.area
    return Versus(
        procedure=procedure,
        seeds=ours.seeds,
        dropped=tuple(sorted(set(curve.seeds) ^ set(baseline.seeds))),
        labels=ours.labels,
        difference=tuple(procedure.estimate(column) for column in (ours.values - theirs.values).T),
        areas=areas,
        area=procedure.estimate(areas),
        p=float(procedure.p(areas)) if len(areas) > 1 else np.nan,
    )


def corrected(against: Sequence[Versus | None], margin: float | None = None) -> list[Versus | None]:
    """Holm's correction over the arms that were tested, and all that is told at the level it leaves to each.

    Args:
        against: the arms of one family.
        margin: a difference that is too small to matter; the tests of equivalence are a family of their own.
    """
    tested = [each for each in against if each is not None and each.tested]
    p = np.array([each.p for each in tested])
    adapted = {
        id(each): _decided(each, adjusted, level, len(tested))
        for each, adjusted, level in zip(tested, holm(p).tolist(), holm_levels(p).tolist(), strict=True)
    }
    if margin is not None:
        for each, found in zip(tested, _equivalences(tested, margin), strict=True):
            adapted[id(each)] = replace(adapted[id(each)], equivalence=found)
    return [each if each is None else adapted.get(id(each), each) for each in against]


def _decided(each: Versus, adjusted: float, level: float, comparisons: int) -> Versus:
    area = each.procedure.estimate(each.areas, level)
    effect = standardized(each.areas, area)
    return replace(each, holm=adjusted, level=level, comparisons=comparisons, area=area, effect=effect)


def _equivalences(tested: Sequence[Versus], margin: float) -> list[Equivalence]:
    p = np.array([tost(each.areas, margin, each.procedure) for each in tested])
    return [
        Equivalence(margin, float(own), adjusted, tost_estimate(each.areas, margin, each.procedure, level))
        for each, own, adjusted, level in zip(
            tested, p, holm(p).tolist(), holm_levels(p).tolist(), strict=True
        )
    ]
