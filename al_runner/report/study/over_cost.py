"""The learning curves of an experiment over what the labels cost, in place of their number: slices that were
outlined, or minutes that people read.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from math import isnan, nan

import numpy as np

from al_runner.report.contents import IN_BRACKETS, Cell, PValue, Table
from al_runner.report.statistics.curves import Array, Curve
from al_runner.report.statistics.intervals import LEVEL, Estimate, mean_estimate
from al_runner.report.statistics.versus import Versus, corrected, versus
from al_runner.report.study.analysis import Analysis, Options
from al_runner.report.study.arms import Arm
from al_runner.report.study.needs import Goals, Need

UNITS = {"slices": "slices outlined", "foreground": "foreground pixels outlined"}
SECONDS = 60
"""Needs are whole numbers: of minutes they would be coarse."""
POINTS = 201
"""At which curves are taken: runs do not measure at equal costs."""


@dataclass(frozen=True)
class CostResult:
    """An arm's numbers.

    Attributes:
        arm: the arm.
        curve: its finished runs at equal costs, which stand where numbers of labels stand elsewhere.
        area: under it.
        versus: against the baseline; None for the baseline, and without one or without common seeds.
        needs: of the cost, to reach each target.
    """

    arm: Arm
    curve: Curve
    area: Estimate
    versus: Versus | None
    needs: tuple[Need, ...] = ()


def over_cost(analysis: Analysis) -> list[CostResult]:
    """The arms whose finished runs counted their cost, over the costs that all these runs reached.

    Each run's metric is linear between its rounds. Empty where the runs have no costs in common, or where the
    models are compared that runs leave: `notes` says which.
    """
    if analysis.experiment.by_outcome:
        return []
    found = {result.arm.label: _lines(result.arm, analysis.options) for result in analysis.arms}
    lines = [line for of_arm in found.values() for line in of_arm.values()]
    if not lines:
        return []
    first, last = max(min(line) for line in lines), min(max(line) for line in lines)
    if first >= last:
        return []
    at = np.linspace(first, last, POINTS)
    curves = {label: _curve(of_arm, at) for label, of_arm in found.items() if of_arm}
    baseline = curves.get(analysis.baseline.arm.label) if analysis.baseline else None
    arms = [result.arm for result in analysis.arms if result.arm.label in curves]
    options = analysis.options
    pairs = [versus(curves[arm.label], baseline, at, options.procedure) for arm in arms]
    against = corrected(pairs, options.margin)
    return [
        CostResult(
            arm,
            curve := curves[arm.label],
            mean_estimate(curve.area),
            compared,
            tuple(_needs(analysis, curve, baseline, compared.level if compared else LEVEL)),
        )
        for arm, compared in zip(arms, against, strict=True)
    ]


def _needs(analysis: Analysis, curve: Curve, baseline: Curve | None, level: float) -> Iterator[Need]:
    """What an arm needs of the cost to be as good as the baseline at last, and to reach the target."""
    fine = SECONDS if analysis.options.over == "minutes" else 1
    ours, theirs = (each and replace(each, labels=each.labels * fine) for each in (curve, baseline))
    if ours is None:
        return
    target = analysis.options.target
    asked = {} if target is None else {f"{target:g}": dict.fromkeys(curve.seeds, target)}
    goals = Goals(
        theirs if curve is not baseline else ours, ours.labels[-1:], asked, analysis.options.procedure
    )
    for need in goals.needs(ours, level):
        yield replace(need, labels=_by(need.labels, fine), baseline=_by(need.baseline, fine))


def _by(estimate: Estimate, divisor: float) -> Estimate:
    return Estimate(estimate.value / divisor, estimate.low / divisor, estimate.high / divisor)


def notes(analysis: Analysis, results: Sequence[CostResult]) -> Iterator[str]:
    """Why nothing is compared, or not every arm."""
    over = analysis.options.over
    if analysis.experiment.by_outcome:
        yield f"Not compared over {over}: the models compared are those that runs leave."
        return
    uncounted = [result.arm.label for result in analysis.arms if not _lines(result.arm, analysis.options)]
    if uncounted:
        names, no_run = ", ".join(uncounted), f"Not compared over {over}: no finished run"
        says = f"of {names} says how long people read" if over == "minutes" else f"counted it of {names}"
        yield f"{no_run} {says}."
    if not results and len(uncounted) < len(analysis.arms):
        these = "minutes" if over == "minutes" else "costs"
        yield f"Not compared over {over}: the finished runs have no range of {these} in common."


def _lines(arm: Arm, options: Options) -> dict[int, Mapping[float, float]]:
    """Seed → cost → metric, both ascending; of rounds with one cost the last one counts."""
    over, metric = options.over, options.metric
    lines = {
        run.seed: {
            row[over]: row[metric] for row in run.rows if over in row and not isnan(row.get(metric, nan))
        }
        for run in arm.longest
    }
    return {seed: lines[seed] for seed in sorted(lines) if lines[seed]}


def _curve(lines: Mapping[int, Mapping[float, float]], at: Array) -> Curve:
    """Every seed's line at some costs."""
    values = [np.interp(at, list(line), list(line.values())) for line in lines.values()]
    return Curve(at, tuple(lines), np.stack(values))


def unit(analysis: Analysis, results: Sequence[CostResult]) -> str:
    """What the cost counts, in words."""
    if analysis.options.over == "minutes":
        return "minutes of reading"
    units = {run.science.get("oracle.cost", "cost") for result in results for run in result.arm.finished}
    return UNITS.get(units.pop() if len(units) == 1 else "cost", "cost")


def table(analysis: Analysis, results: Sequence[CostResult]) -> Table:
    """One line for each arm."""
    at, counted = results[0].curve.labels, unit(analysis, results)
    over = analysis.options.over
    columns = [
        analysis.experiment.noun,
        "finding",
        "seeds",
        f"mean over the {over}",
        "difference",
        "p",
        "p (Holm)",
    ]
    rows: list[list[Cell]] = []
    for result in results:
        found = result.versus
        is_baseline = analysis.baseline is not None and result.arm is analysis.baseline.arm
        numbers: list[Cell] = ["baseline" if is_baseline else "not compared", None, None, None]
        if found is not None:
            numbers = [found.finding, found.area, PValue(found.p), PValue(found.holm)]
        finding, *compared = numbers
        rows.append([result.arm.label, finding, len(result.curve.seeds), result.area, *compared])
    note = (
        f"The area under each run's curve from {_number(at[0])} to {_number(at[-1])} {counted}, which every "
        "finished run reached; linear between rounds. Differences are paired by seed; p is corrected for the "
        f"number of {analysis.experiment.nouns}, not for the comparison over labels, which is another "
        f"question to the same runs. {IN_BRACKETS}"
    )
    return Table(f"over_{over}", f"{analysis.options.metric} over {over}", columns, rows, note)


def needed(analysis: Analysis, results: Sequence[CostResult]) -> Table | None:
    """The cost that each arm needs to reach each target; None where there is no target."""
    over, counted = analysis.options.over, unit(analysis, results)
    columns = [analysis.experiment.noun, "target", "score", f"{over} needed", "the baseline needs", "ratio"]
    rows: list[list[Cell]] = [
        [result.arm.label, need.target, need.score, need.labels, need.baseline, need.ratio]
        for result in results
        for need in result.needs
    ]
    note = f"In {counted}, where the mean over seeds, made to rise, reaches the target. {IN_BRACKETS}"
    return (
        Table(f"{over}_needed", f"{analysis.options.metric}: {over} needed", columns, rows, note)
        if rows
        else None
    )


def _number(value: float) -> str:
    """A cost of a few minutes has decimals."""
    return f"{value:.1f}" if value < 10 and value % 1 else f"{value:.0f}"
