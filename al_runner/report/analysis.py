"""The numbers of one experiment: every arm by itself, and against the baseline. Pure functions."""

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np

from al_runner.report.curves import Array, Curve, paired
from al_runner.report.efficiency import labels_needed, labels_ratio
from al_runner.report.intervals import NOTHING, Estimate, bootstrap_interval, mean_estimate
from al_runner.report.paired import LEVEL, TESTS, holm, least_p, seeds_needed
from al_runner.report.penalty import Penalties, penalties
from al_runner.report.study import Arm, Experiment


@dataclass(frozen=True)
class Options:
    """What the user asks of the statistics.

    Attributes:
        metric: column of `rounds.csv`.
        test: `sign-flip`, `wilcoxon` or `t`.
        target: a score to reach, besides the baseline's last one and that of the full data.
    """

    metric: str
    test: str = "sign-flip"
    target: float | None = None

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
class Versus:
    """An arm against the baseline, paired by seed, over the numbers of labels that both measured.

    Attributes:
        seeds: the seeds that pair.
        dropped: seeds without a partner.
        labels: [B].
        difference: [B] estimates of arm − baseline.
        area: the difference of the areas under the budget curves.
        p: of the areas' difference; NaN with one seed.
        holm: p, corrected for the number of arms compared.
        comparisons: that number.
        exact: the test has a least p.
    """

    seeds: tuple[int, ...]
    dropped: tuple[int, ...]
    labels: Array
    difference: tuple[Estimate, ...]
    area: Estimate
    p: float
    holm: float
    comparisons: int
    exact: bool

    @property
    def significant(self) -> bool:
        """Whether a difference is shown."""
        return self.holm <= LEVEL

    @property
    def least(self) -> float:
        """The least corrected p that these seeds can reach."""
        return least_p(len(self.seeds), self.comparisons) if self.exact else 0.0

    @property
    def seeds_needed(self) -> int:
        """The number of seeds with which the test could show a difference."""
        return seeds_needed(self.comparisons)


@dataclass(frozen=True)
class ArmResult:
    """An arm's numbers.

    Attributes:
        arm: the arm.
        curve: its finished runs.
        area: under the budget curve, over the labels that all arms measured.
        final: the metric at the last of its own numbers of labels.
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
    """An experiment's numbers. `common` are the labels that all arms measured; `full` the full-data score."""

    experiment: Experiment
    options: Options
    arms: tuple[ArmResult, ...]
    common: Array
    full: Estimate | None
    penalties: Penalties

    @property
    def baseline(self) -> ArmResult | None:
        """The baseline's numbers."""
        has_one = self.arms and self.experiment.baseline and self.arms[0].arm is self.experiment.arms[0]
        return self.arms[0] if has_one else None

    @property
    def missing(self) -> list[Arm]:
        """Arms without a finished run that measured the metric."""
        return [arm for arm in self.experiment.arms if arm not in [result.arm for result in self.arms]]


def analyse(experiment: Experiment, options: Options) -> Analysis:
    """Every number of the report on one experiment."""
    measured = [(arm, curve) for arm in experiment.arms if (curve := arm.curve(options.metric)) is not None]
    curves = [curve for _, curve in measured]
    common = _common(curves)
    has_baseline = bool(measured) and experiment.baseline and measured[0][0] is experiment.arms[0]
    baseline = curves[0] if has_baseline else None
    full = _full(experiment, options.metric)
    against = [None if baseline is None or c is baseline else _versus(c, baseline, options) for c in curves]
    results = tuple(
        ArmResult(
            arm,
            curve,
            mean_estimate(curve.only(curve.seeds, common).area, bootstrap_interval)
            if len(common)
            else NOTHING,
            mean_estimate(curve.values[:, -1]),
            versus,
            tuple(_needs(curve, baseline, options, full)),
        )
        for (arm, curve), versus in zip(measured, _corrected(against), strict=True)
    )
    return Analysis(experiment, options, results, common, full, penalties(curves, TESTS[options.test]))


def _common(curves: Sequence[Curve]) -> Array:
    labels = [set(curve.labels.tolist()) for curve in curves]
    return np.array(sorted(set.intersection(*labels)) if labels else [], dtype=float)


def _full(experiment: Experiment, metric: str) -> Estimate | None:
    scores = [run.rows[-1][metric] for run in experiment.full if metric in run.rows[-1]]
    return mean_estimate(np.array(scores)) if scores else None


def _versus(curve: Curve, baseline: Curve, options: Options) -> Versus | None:
    """An arm against the baseline, not yet corrected; None without common seeds or labels."""
    ours, theirs = paired(curve, baseline)
    if not ours.values.size:
        return None
    d, area = ours.values - theirs.values, ours.area - theirs.area
    return Versus(
        seeds=ours.seeds,
        dropped=tuple(sorted(set(curve.seeds) ^ set(baseline.seeds))),
        labels=ours.labels,
        difference=tuple(mean_estimate(column) for column in d.T),
        area=mean_estimate(area, bootstrap_interval),
        p=float(TESTS[options.test](area)) if len(area) > 1 else np.nan,
        holm=np.nan,
        comparisons=1,
        exact=options.test != "t",
    )


def _corrected(against: Sequence[Versus | None]) -> list[Versus | None]:
    """Holm's correction over the arms that were tested."""
    p = np.array([versus.p for versus in against if versus is not None and not np.isnan(versus.p)])
    adjusted = iter(holm(p))
    return [
        versus
        if versus is None or np.isnan(versus.p)
        else replace(versus, holm=float(next(adjusted)), comparisons=len(p))
        for versus in against
    ]


def _needs(curve: Curve, baseline: Curve | None, options: Options, full: Estimate | None) -> list[Need]:
    """Labels needed for each target."""
    needs = []
    if baseline is not None and curve is not baseline:
        needs += _as_good_as(curve, baseline)
    if full is not None:
        needs.append(_reaching("the full-data score", full.value, curve, baseline))
    if options.target is not None:
        needs.append(_reaching(f"{options.target:g}", options.target, curve, baseline))
    return needs


LAST = "the baseline's last score"


def _as_good_as(curve: Curve, baseline: Curve) -> list[Need]:
    """What reaches the baseline's last score, seed by seed; the baseline needs its whole budget for it."""
    ours, theirs = paired(curve, baseline)
    if not ours.values.size:
        return []
    scores, budget = theirs.values[:, -1], theirs.labels[-1]
    labels = labels_needed(ours, scores)
    ratio = Estimate(labels.value / budget, labels.low / budget, labels.high / budget)
    return [Need(LAST, float(scores.mean()), labels, ratio)]


def _reaching(name: str, score: float, curve: Curve, baseline: Curve | None) -> Need:
    ratio = NOTHING
    if baseline is not None and curve is not baseline:
        ours, theirs = paired(curve, baseline)
        if len(ours.labels) > 1 and ours.seeds:
            ratio = labels_ratio(ours, theirs, score)
    return Need(name, score, labels_needed(curve, score), ratio)
