"""The numbers of one experiment: every arm by itself, and against the baseline. Pure functions."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from al_runner.report.statistics.curves import Array, Curve, crossing, paired
from al_runner.report.statistics.efficiency import labels_needed, labels_ratio
from al_runner.report.statistics.intervals import NOTHING, Estimate, mean_estimate
from al_runner.report.statistics.paired import TESTS
from al_runner.report.statistics.penalty import Penalties, penalties
from al_runner.report.statistics.versus import Versus, corrected, mean_area, versus
from al_runner.report.study.arms import Arm, Experiment
from al_runner.report.study.published import Published

LAST = "the baseline's last score"
FULL = "the full-data score"


@dataclass(frozen=True)
class Options:
    """What the user asks of the statistics.

    Attributes:
        metric: column of `rounds.csv`.
        test: `sign-flip`, `wilcoxon` or `t`.
        target: a score to reach, besides the baseline's last one and that of the full data.
        also: further metrics whose curves are shown, without tests.
        published: what others measured, shown beside the curves.
        over_cost: also compare over what the labels cost.
    """

    metric: str
    test: str = "sign-flip"
    target: float | None = None
    also: tuple[str, ...] = ()
    published: Published | None = None
    over_cost: bool = False

    @property
    def metrics(self) -> tuple[str, ...]:
        """All metrics whose curves are shown, the one that is tested first."""
        return (self.metric, *self.also)

    @property
    def split(self) -> str:
        """The split that the metric belongs to."""
        return self.metric.split("/")[0]


@dataclass(frozen=True)
class Need:
    """The labels that an arm needs to reach a target.

    Attributes:
        target: in words.
        score: its value (the mean over seeds).
        labels: how many.
        ratio: to the labels that the baseline needs.
    """

    target: str
    score: float
    labels: Estimate
    ratio: Estimate


@dataclass(frozen=True)
class ArmResult:
    """An arm's numbers.

    Attributes:
        arm: the arm.
        curve: its finished runs.
        area: under the budget curve, over the labels that all arms measured.
        final: the metric at the last of these.
        versus: against the baseline; None for the baseline, and without one or without common seeds.
        needs: labels needed to reach each target.
    """

    arm: Arm
    curve: Curve
    area: Estimate
    final: Estimate
    versus: Versus | None
    needs: tuple[Need, ...]


@dataclass(frozen=True)
class Analysis:
    """An experiment's numbers.

    Attributes:
        experiment: what was compared.
        options: what was asked.
        arms: those whose finished runs measured the metric at a common number of labels, in the
            experiment's order.
        baseline: one of them, if there is one.
        common: the numbers of labels that all of them measured.
        full: the full-data score.
        penalties: who beats whom.
    """

    experiment: Experiment
    options: Options
    arms: tuple[ArmResult, ...]
    baseline: ArmResult | None
    common: Array
    full: Estimate | None
    penalties: Penalties

    @property
    def last(self) -> float | None:
        """The last number of labels that all arms measured."""
        return float(self.common[-1]) if len(self.common) else None

    @property
    def one_point(self) -> bool:
        """Whether the models that the runs of each arm leave have one number of labels."""
        return self.experiment.by_outcome and all(len(result.curve.labels) < 2 for result in self.arms)

    @property
    def compared_at_one(self) -> bool:
        """Whether the models that the runs leave are compared at one number of labels, or at none."""
        return self.experiment.by_outcome and len(self.common) < 2

    @property
    def others(self) -> list[ArmResult]:
        """The arms that are compared with the baseline."""
        return [result for result in self.arms if result is not self.baseline]

    @property
    def missing(self) -> list[Arm]:
        """Arms without finished runs that measured the metric at a common number of labels."""
        return [arm for arm in self.experiment.arms if arm not in [result.arm for result in self.arms]]


def analyse(experiment: Experiment, options: Options) -> Analysis:
    """Every number of the report on one experiment."""
    curves = {arm.label: curve for arm in experiment.arms if (curve := arm.curve(options.metric)) is not None}
    arms = [arm for arm in experiment.arms if arm.label in curves]
    common = _common(list(curves.values()))
    baseline = curves.get(experiment.arms[0].label) if experiment.baseline else None
    full = _full_scores(experiment, options.metric)
    against = corrected(
        [versus(curves[arm.label], baseline, common, options.test) for arm in arms], options.test
    )
    results = tuple(
        ArmResult(
            arm,
            curve := curves[arm.label],
            mean_area(curve.only(curve.seeds, common).area, len(common)) if len(common) else NOTHING,
            mean_estimate(curve.at(common[-1:])[:, 0]) if len(common) else NOTHING,
            compared,
            tuple(_needs(curve, baseline, common, options, full, full_target(experiment))),
        )
        for arm, compared in zip(arms, against, strict=True)
    )
    return Analysis(
        experiment,
        options,
        results,
        results[0] if baseline is not None else None,
        common,
        mean_estimate(np.array(list(full.values()))) if full else None,
        penalties(list(curves.values()), TESTS[options.test]),
    )


def _common(curves: Sequence[Curve]) -> Array:
    labels = [set(curve.labels.tolist()) for curve in curves]
    return np.array(sorted(set.intersection(*labels)) if labels else [], dtype=float)


def _full_scores(experiment: Experiment, metric: str) -> dict[int, float]:
    """Seed → score of the finished runs on all labels."""
    found = experiment.reference.measured(metric) if experiment.reference else {}
    return {seed: row[metric] for seed, (row, *_) in found.items()}


def full_target(experiment: Experiment) -> str:
    """What the full-data score is called."""
    return f"{experiment.full_label}'s score" if experiment.named else FULL


def _needs(
    curve: Curve,
    baseline: Curve | None,
    common: Array,
    options: Options,
    full: Mapping[int, float],
    full_name: str,
) -> list[Need]:
    """Labels needed for each target; a target that was measured is as uncertain as its seeds say.

    Where one number of labels was tried, nothing is known about others.
    """
    needs: list[Need] = []
    if len(curve.labels) < 2:
        return needs
    if baseline is not None and curve is not baseline and len(common):
        needs += _as_good_as(curve, baseline, common)
    if full:
        needs.append(_need(full_name, curve, baseline, full))
    if options.target is not None:
        given = dict.fromkeys((*curve.seeds, *(baseline.seeds if baseline else ())), options.target)
        needs.append(_need(f"{options.target:g}", curve, baseline, given))
    return needs


def _as_good_as(curve: Curve, baseline: Curve, common: Array) -> list[Need]:
    """What reaches the baseline's last score, seed by seed, at the arm's own numbers of labels.

    The baseline itself needs its whole budget for it; where its mean was as good before, or it was not
    measured before, there is no ratio.
    """
    budget = common[-1]
    last = dict(zip(baseline.seeds, baseline.at(common[-1:])[:, 0].tolist(), strict=True))
    last = {seed: score for seed, score in last.items() if seed in curve.seeds}
    ours, theirs = (_until(each.minus(last), budget) for each in (curve, baseline))
    if not ours.seeds or len(ours.labels) < 2:
        return []
    needed, before = labels_needed(ours, 0.0), theirs.labels[theirs.labels < budget]
    as_good_before = not len(before) or crossing(theirs.labels, theirs.mean, 0.0) <= before[-1]
    shares = Estimate(needed.value / budget, needed.low / budget, needed.high / budget)
    score = float(np.mean(list(last.values())))
    return [Need(LAST, score, needed, NOTHING if as_good_before else shares)]


def _until(curve: Curve, budget: float) -> Curve:
    """The part of a curve with no more labels than the budget."""
    return curve.only(curve.seeds, curve.labels[curve.labels <= budget])


def _need(name: str, curve: Curve, baseline: Curve | None, scores: Mapping[int, float]) -> Need:
    """The labels that bring the differences to the target's scores, seed by seed, to 0 in the mean.

    With fewer than two common seeds the target is their mean for all, and there is no interval.
    """
    ours = curve.minus(scores)
    score = float(np.mean([scores[seed] for seed in ours.seeds] or list(scores.values())))
    if len(ours.seeds) < 2:
        known = labels_needed(curve, score)
        return Need(name, score, Estimate(known.value, np.nan, np.nan), NOTHING)
    ratio = NOTHING
    if baseline is not None and curve is not baseline:
        pair = paired(ours, baseline.minus(scores))
        if pair[0].values.size and len(pair[0].labels) > 1:
            ratio = labels_ratio(*pair, 0.0)
    return Need(name, score, labels_needed(ours, 0.0), ratio)
