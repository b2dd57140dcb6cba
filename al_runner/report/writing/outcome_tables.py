"""The tables of what the runs leave."""

from collections.abc import Iterator

from al_runner.report.contents import Cell, PValue, Table
from al_runner.report.statistics.intervals import Spread
from al_runner.report.study.analysis import Analysis
from al_runner.report.study.outcomes import MAX, Outcome, changes, outcomes, shown_metrics, validation


def outcome_tables(analysis: Analysis) -> Iterator[Table]:
    """The scores, and where there is a baseline their differences to it."""
    found = outcomes(analysis)
    if found:
        yield _scores(analysis, found)
    if found and analysis.baseline is not None and analysis.others:
        yield _differences(analysis, analysis.baseline.arm.label, found)


def _scores(analysis: Analysis, found: list[Outcome]) -> Table:
    """Mean and deviation of each arm (alda, Fig. 4)."""
    metrics = shown_metrics(analysis)
    rows: list[list[Cell]] = []
    for each in found:
        seeds = max(len(scores) for scores in each.scores.values())
        spreads = [Spread.of(each.values(metric)) if each.scores[metric] else None for metric in metrics]
        rows.append([each.label, each.labels, seeds, *spreads])
    columns = [analysis.experiment.noun, "labels", "seeds", *metrics]
    note = "Mean ± standard deviation over seeds (n − 1) of the model that each run leaves."
    if any(metric.endswith(MAX) for metric in metrics):
        note += f" {MAX}: the maximum over the epochs of its training."
    return Table("outcomes", "The models that the runs leave", columns, rows, note)


def _differences(analysis: Analysis, baseline: str, found: list[Outcome]) -> Table:
    """Differences to the baseline, paired by seed, in the validation metric and in what was asked."""
    metrics = dict.fromkeys((validation(analysis, found), analysis.options.metric))
    changed = {metric: changes(analysis, metric) for metric in metrics if metric is not None}
    rows: list[list[Cell]] = []
    for label, labels in dict.fromkeys(key for each in changed.values() for key in each):
        known = [each.get((label, labels)) for each in changed.values()]
        cells = [
            cell for each in known for cell in ((each.difference, PValue(each.p)) if each else (None, None))
        ]
        rows.append([label, labels, max(each.seeds for each in known if each), *cells])
    names = [name for metric in changed for name in (metric, f"p ({metric})")]
    note = (
        "Paired by seed. p: of the paired test, corrected by Holm over the rows, for each metric by itself. "
        "The intervals are at the level of the corrected test: they exclude 0 exactly where p ≤ .05."
    )
    columns = [analysis.experiment.noun, "labels", "seeds", *names]
    return Table(
        "outcome_differences",
        f"The models that the runs leave: difference to {baseline}",
        columns,
        rows,
        note,
    )
