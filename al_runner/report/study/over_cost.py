"""The learning curves of an experiment over what the labels cost, in place of their number."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from math import isnan, nan

import numpy as np

from al_runner.report.contents import IN_BRACKETS, Cell, PValue, Table
from al_runner.report.statistics.curves import Array, Curve
from al_runner.report.statistics.intervals import Estimate, mean_estimate
from al_runner.report.statistics.versus import Versus, corrected, versus
from al_runner.report.study.analysis import Analysis
from al_runner.report.study.arms import Arm

COST = "cost"
"""The column of `rounds.csv`."""
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
    """

    arm: Arm
    curve: Curve
    area: Estimate
    versus: Versus | None


def over_cost(analysis: Analysis) -> list[CostResult]:
    """The arms whose finished runs counted their cost, over the costs that all these runs reached.

    Each run's metric is linear between its rounds. Empty where the runs have no costs in common, or where the
    models are compared that runs leave: `notes` says which.
    """
    if analysis.experiment.by_outcome:
        return []
    found = {result.arm.label: _lines(result.arm, analysis.options.metric) for result in analysis.arms}
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
        CostResult(arm, curves[arm.label], mean_estimate(curves[arm.label].area), compared)
        for arm, compared in zip(arms, against, strict=True)
    ]


def notes(analysis: Analysis, results: Sequence[CostResult]) -> Iterator[str]:
    """Why nothing is compared, or not every arm."""
    if analysis.experiment.by_outcome:
        yield "Not compared over cost: the models compared are those that runs leave."
        return
    metric = analysis.options.metric
    uncounted = [result.arm.label for result in analysis.arms if not _lines(result.arm, metric)]
    if uncounted:
        yield f"Not compared over cost: no finished run counted it of {', '.join(uncounted)}."
    if not results and len(uncounted) < len(analysis.arms):
        yield "Not compared over cost: the finished runs have no range of costs in common."


def _lines(arm: Arm, metric: str) -> dict[int, Mapping[float, float]]:
    """Seed → cost → metric, both ascending; of rounds with one cost the last one counts."""
    lines = {
        run.seed: {
            row[COST]: row[metric] for row in run.rows if COST in row and not isnan(row.get(metric, nan))
        }
        for run in arm.longest
    }
    return {seed: lines[seed] for seed in sorted(lines) if lines[seed]}


def _curve(lines: Mapping[int, Mapping[float, float]], at: Array) -> Curve:
    """Every seed's line at some costs."""
    values = [np.interp(at, list(line), list(line.values())) for line in lines.values()]
    return Curve(at, tuple(lines), np.stack(values))


def unit(results: Sequence[CostResult]) -> str:
    """What the cost counts, in words."""
    units = {run.science.get("oracle.cost", COST) for result in results for run in result.arm.finished}
    return {"slices": "slices outlined", "foreground": "foreground pixels outlined"}.get(
        units.pop() if len(units) == 1 else COST, COST
    )


def table(analysis: Analysis, results: Sequence[CostResult]) -> Table:
    """One line for each arm."""
    at, counted = results[0].curve.labels, unit(results)
    columns = [
        analysis.experiment.noun,
        "finding",
        "seeds",
        "mean over the cost",
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
        f"The area under each run's curve from {at[0]:.0f} to {at[-1]:.0f} {counted}, which every finished "
        "run reached; linear between rounds. Differences are paired by seed; p is corrected for the number "
        f"of {analysis.experiment.nouns}, not for the comparison over labels, which is another question to "
        f"the same runs. {IN_BRACKETS}"
    )
    return Table("over_cost", f"{analysis.options.metric} over cost", columns, rows, note)
