"""How many labels an arm needs to reach a score, and how many the baseline needs for it. Pure functions."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, replace
from functools import partial

import numpy as np

from al_runner.report.statistics.curves import Array, Curve, paired
from al_runner.report.statistics.efficiency import Shown, labels_needed, labels_ratio, ratio_of_needs
from al_runner.report.statistics.exchange import exchange
from al_runner.report.statistics.intervals import LEVEL, NOTHING, Estimate
from al_runner.report.statistics.procedure import Procedure

LAST = "the baseline's last score"
FULL = "the full-data score"
PARTS = (0.25, 0.5, 0.75)
"""Of the budget: the baseline's scores there are targets, too."""


@dataclass(frozen=True)
class Need:
    """The labels that an arm needs to reach a target.

    Attributes:
        target: in words.
        score: its value (the mean over seeds).
        labels: how many.
        baseline: how many the baseline needs, by the seeds of both; NaN where it is not known.
        ratio: of the two.
    """

    target: str
    score: float
    labels: Estimate
    baseline: Estimate = NOTHING
    ratio: Estimate = NOTHING


@dataclass(frozen=True)
class Goals:
    """What the arms of an experiment are to reach; what the baseline needs for it is computed once.

    Attributes:
        baseline: its curve, if there is one.
        common: the numbers of labels that all arms measured.
        targets: name → seed → score, besides the scores of the baseline.
        procedure: the test whose inverse the intervals are.
    """

    baseline: Curve | None
    common: Array
    targets: Mapping[str, Mapping[int, float]]
    procedure: Procedure
    known: dict[tuple[float, tuple[int, ...], float], Estimate] = field(
        default_factory=dict, init=False, repr=False
    )

    def needs(self, curve: Curve, level: float = LEVEL) -> Iterator[Need]:
        """Labels that an arm needs for each target; one that was measured is as uncertain as its seeds say.

        All intervals are at one level: that at which the arm's comparison with the baseline is decided.

        Where one number of labels was tried, nothing is known about others.
        """
        if len(curve.labels) < 2:
            return
        if self.baseline is not None and curve is not self.baseline and len(self.common):
            yield from self._as_good_as(curve, self.baseline, level)
        for name, scores in self.targets.items():
            yield _need(name, curve, self.baseline, scores, self._shown(level))

    def exchange(self, curve: Curve, level: float) -> list[Estimate]:
        """How many labels of an arm are as good as each number of the baseline's that all arms measured."""
        if self.baseline is None or len(self.common) < 2:
            return []
        ours, theirs = paired(_until(curve, self.common[-1]), self.baseline)
        return exchange(ours, theirs.only(theirs.seeds, self.common), self._shown(level))

    def _shown(self, level: float) -> Shown:
        return partial(self.procedure.shown, level=level)

    def _as_good_as(self, curve: Curve, baseline: Curve, level: float) -> Iterator[Need]:
        """What reaches the baseline's scores, the last one first, then those at parts of its budget."""
        common, last = self.common, self.common[-1]
        parts = {float(common[np.abs(common - part * last).argmin()]) for part in PARTS} - {common[0], last}
        for at in (last, *sorted(parts)):
            name = LAST if at == last else f"the baseline's score at {at:g} labels"
            scores = dict(zip(baseline.seeds, baseline.at(np.array([at]))[:, 0].tolist(), strict=True))
            ours = _until(curve.minus(scores), last)
            if ours.seeds and len(ours.labels) > 1:
                score = float(np.mean([scores[seed] for seed in ours.seeds]))
                needed = labels_needed(ours, 0.0, self._shown(level))
                own = self._own(baseline, at, ours.seeds, level)
                yield Need(name, score, needed, own, ratio_of_needs(needed, own))

    def _own(self, baseline: Curve, at: float, seeds: tuple[int, ...], level: float) -> Estimate:
        """What the baseline itself needs for its score at a number of labels, by some of its seeds.

        That number is enough, but its mean may have been as good before. NaN where it was run with no fewer.
        """
        if (at, seeds, level) not in self.known:
            upto = baseline.only(seeds, baseline.labels[baseline.labels <= at])
            needed = NOTHING
            if len(upto.labels) > 1:
                needed = labels_needed(upto, upto.values[:, -1], self._shown(level))
                needed = replace(needed, high=min(needed.high, at))
            self.known[at, seeds, level] = needed
        return self.known[at, seeds, level]


def _until(curve: Curve, budget: float) -> Curve:
    """The part of a curve with no more labels than the budget."""
    return curve.only(curve.seeds, curve.labels[curve.labels <= budget])


def _need(name: str, curve: Curve, baseline: Curve | None, scores: Mapping[int, float], shown: Shown) -> Need:
    """The labels that bring the differences to the target's scores, seed by seed, to 0 in the mean.

    With fewer than two common seeds the target is their mean for all, and there is no interval.
    """
    ours = curve.minus(scores)
    score = float(np.mean([scores[seed] for seed in ours.seeds] or list(scores.values())))
    if len(ours.seeds) < 2:
        known = labels_needed(curve, score, shown)
        return Need(name, score, Estimate(known.value, np.nan, np.nan))
    needed = labels_needed(ours, 0.0, shown)
    if baseline is not None and curve is not baseline:
        pair = paired(ours, baseline.minus(scores))
        if pair[0].values.size and len(pair[0].labels) > 1:
            own, ratio = labels_needed(pair[1], 0.0, shown), labels_ratio(*pair, 0.0, shown)
            return Need(name, score, needed, own, ratio)
    return Need(name, score, needed)
