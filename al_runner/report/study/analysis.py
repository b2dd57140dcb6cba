"""The numbers of one experiment: every arm by itself, and against the baseline. Pure functions."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Literal

import numpy as np

from al_runner.report.statistics.curves import Array, Curve
from al_runner.report.statistics.intervals import LEVEL, NOTHING, Estimate, mean_estimate
from al_runner.report.statistics.paired import PROCEDURES
from al_runner.report.statistics.penalty import Penalties, penalties
from al_runner.report.statistics.procedure import Procedure
from al_runner.report.statistics.versus import Versus, corrected, versus
from al_runner.report.study.arms import Arm, Experiment
from al_runner.report.study.needs import FULL, LAST, Goals, Need
from al_runner.report.study.published import Published

Over = Literal["labels", "cost", "minutes"]


@dataclass(frozen=True)
class Options:
    """What the user asks of the statistics.

    Attributes:
        metric: column of `rounds.csv`.
        test: `sign-flip`, `wilcoxon` or `t`.
        target: a score to reach, besides the baseline's last one and that of the full data.
        also: further metrics whose curves are shown, without tests.
        published: what others measured, shown beside the curves.
        over: compare over `labels`, and also over their `cost` or over `minutes` of reading.
        margin: a difference that is too small to matter, in the metric's unit.
        mixed: also fit a mixed model over data sets.
        left_out: what `--where` left out that would have been compared: strategies or arms, by data set.
    """

    metric: str
    test: str = "sign-flip"
    target: float | None = None
    also: tuple[str, ...] = ()
    published: Published | None = None
    over: Over = "labels"
    margin: float | None = None
    left_out: tuple[str, ...] = ()
    mixed: bool = False

    @property
    def procedure(self) -> Procedure:
        """The test, and the interval that is its inverse."""
        return PROCEDURES[self.test]

    @property
    def metrics(self) -> tuple[str, ...]:
        """All metrics whose curves are shown, the one that is tested first."""
        return (self.metric, *self.also)

    @property
    def split(self) -> str:
        """The split that the metric belongs to."""
        return self.metric.split("/")[0]


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
        exchange: how many labels are as good as each of the baseline's `labels`, of `versus`; empty for the
            baseline, and where there is no curve.
        regret: how far its area is below the upper bound's, paired by seed, with an interval of 95 %; None
            for the bound, and without one or without common seeds.
    """

    arm: Arm
    curve: Curve
    area: Estimate
    final: Estimate
    versus: Versus | None
    needs: tuple[Need, ...]
    exchange: tuple[Estimate, ...] = ()
    regret: Estimate | None = None

    @property
    def as_good(self) -> Need | None:
        """What it needs to be as good as the baseline is with all its labels."""
        return next((need for need in self.needs if need.target == LAST), None)

    @property
    def saves(self) -> bool:
        """Whether it is shown to need fewer labels than the baseline.

        Both the test of the areas and the interval of the ratio are corrected for several strategies.
        """
        better = self.versus is not None and self.versus.finding == "better"
        return better and self.as_good is not None and self.as_good.ratio.high < 1


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
        bound: one of them that is no strategy, but an upper bound; it is compared with nothing. None where
            there is none, or it is the baseline.
        full: the full-data score.
        penalties: who beats whom.
    """

    experiment: Experiment
    options: Options
    arms: tuple[ArmResult, ...]
    baseline: ArmResult | None
    bound: ArmResult | None
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
        return [result for result in self.strategies if result is not self.baseline]

    @property
    def strategies(self) -> list[ArmResult]:
        """The arms without the upper bound."""
        return [result for result in self.arms if result is not self.bound]

    @property
    def missing(self) -> list[Arm]:
        """Arms without finished runs that measured the metric at a common number of labels."""
        return [arm for arm in self.experiment.arms if arm not in [result.arm for result in self.arms]]


def analyse(experiment: Experiment, options: Options) -> Analysis:
    """Every number of the report on one experiment, whose comparisons are a family of their own."""
    return analyses([experiment], options)[0]


def analyses(experiments: Sequence[Experiment], options: Options) -> list[Analysis]:
    """Every number of a page. All its comparisons with baselines are one family."""
    parts = [Part.of(experiment, options) for experiment in experiments]
    against = iter(corrected([pair for part in parts for pair in part.pairs], options.margin))
    return [part.analysis([next(against) for _ in part.pairs]) for part in parts]


@dataclass(frozen=True)
class Part:
    """What is known of an experiment before the comparisons of its page are corrected.

    Attributes:
        experiment: what is compared.
        options: what is asked.
        curves: of the arms that have one, in the experiment's order.
        common: the numbers of labels that all of them measured.
        pairs: each arm against the baseline, not yet corrected.
    """

    experiment: Experiment
    options: Options
    curves: Mapping[str, Curve]
    common: Array
    pairs: Sequence[Versus | None]

    @classmethod
    def of(cls, experiment: Experiment, options: Options) -> "Part":
        """Measure an experiment, and pair its arms with the baseline."""
        found = {arm.label: arm.curve(options.metric) for arm in experiment.arms}
        curves = {label: curve for label, curve in found.items() if curve is not None}
        common = _common(list(curves.values()))
        baseline = curves.get(experiment.arms[0].label) if experiment.baseline else None
        bound = _bound(experiment)
        pairs = [
            None if bound and label == bound.label else versus(curve, baseline, common, options.procedure)
            for label, curve in curves.items()
        ]
        return cls(experiment, options, curves, common, pairs)

    @property
    def baseline(self) -> Curve | None:
        """The baseline's curve, if there is one."""
        return self.curves.get(self.experiment.arms[0].label) if self.experiment.baseline else None

    def analysis(self, against: Sequence[Versus | None]) -> Analysis:
        """The experiment's numbers, given its corrected comparisons."""
        full = _full_scores(self.experiment, self.options.metric)
        targets = _targets(self.experiment, self.options, full, self.curves.values())
        goals = Goals(self.baseline, self.common, targets, self.options.procedure)
        arms = [arm for arm in self.experiment.arms if arm.label in self.curves]
        results = tuple(
            self._result(arm, compared, goals) for arm, compared in zip(arms, against, strict=True)
        )
        bound = _bound(self.experiment)
        return Analysis(
            self.experiment,
            self.options,
            results,
            results[0] if self.baseline is not None else None,
            next((result for result in results if result.arm is bound), None),
            self.common,
            mean_estimate(np.array(list(full.values()))) if full else None,
            penalties(list(self.curves.values()), self.options.procedure),
        )

    def _result(self, arm: Arm, compared: Versus | None, goals: Goals) -> ArmResult:
        curve, common, bound = self.curves[arm.label], self.common, _bound(self.experiment)
        best = None if bound is None or bound is arm else self.curves.get(bound.label)
        return ArmResult(
            arm,
            curve,
            mean_estimate(curve.only(curve.seeds, common).area) if len(common) else NOTHING,
            mean_estimate(curve.at(common[-1:])[:, 0]) if len(common) else NOTHING,
            compared,
            tuple(goals.needs(curve, LEVEL if compared is None else compared.level)),
            tuple(goals.exchange(curve, compared.level)) if compared is not None else (),
            None if best is None else _regret(curve, best, common, self.options),
        )


def _bound(experiment: Experiment) -> Arm | None:
    """The arm that is an upper bound, unless the others are to be compared with it."""
    baseline = experiment.arms[0] if experiment.baseline else None
    return next((arm for arm in experiment.arms if arm.is_bound and arm is not baseline), None)


def _regret(curve: Curve, bound: Curve, common: Array, options: Options) -> Estimate | None:
    """The mean over seeds of the bound's area − the curve's."""
    found = versus(bound, curve, common, options.procedure)
    return None if found is None else found.area


def _common(curves: Sequence[Curve]) -> Array:
    labels = [set(curve.labels.tolist()) for curve in curves]
    return np.array(sorted(set.intersection(*labels)) if labels else [], dtype=float)


def _full_scores(experiment: Experiment, metric: str) -> dict[int, float]:
    """Seed → score of the finished runs on all labels."""
    found = experiment.reference.measured(metric) if experiment.reference else {}
    return {seed: row[metric] for seed, (row, *_) in found.items()}


def _targets(
    experiment: Experiment, options: Options, full: Mapping[int, float], curves: Iterable[Curve]
) -> dict[str, Mapping[int, float]]:
    """Scores to reach besides the baseline's own: name → seed → score."""
    targets: dict[str, Mapping[int, float]] = {full_target(experiment): full} if full else {}
    if options.target is not None:
        seeds = [seed for curve in curves for seed in curve.seeds]
        targets[f"{options.target:g}"] = dict.fromkeys(seeds, options.target)
    return targets


def full_target(experiment: Experiment) -> str:
    """What the full-data score is called."""
    return f"{experiment.full_label}'s score" if experiment.named else FULL
