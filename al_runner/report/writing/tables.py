"""The tables of one experiment."""

from collections.abc import Iterator, Sequence

import numpy as np

from al_runner.report.contents import IN_BRACKETS, Cell, PValue, Table, count
from al_runner.report.statistics.curves import Curve
from al_runner.report.statistics.intervals import Estimate, mean_estimate
from al_runner.report.statistics.penalty import Penalties
from al_runner.report.study.agreement import Agreement
from al_runner.report.study.analysis import Analysis, ArmResult
from al_runner.report.study.arms import Arm
from al_runner.report.writing.agreement_tables import agreement_tables
from al_runner.report.writing.need_tables import need_tables
from al_runner.report.writing.outcome_tables import outcome_tables


def tables(analysis: Analysis, alike: Sequence[Agreement]) -> Iterator[Table]:
    """All of them, the summary first."""
    yield summary(analysis)
    if analysis.experiment.by_outcome:
        yield from outcome_tables(analysis)
    if not analysis.one_point:
        yield by_labels(analysis)
    if (beside := published(analysis)) is not None:
        yield beside
    if not analysis.experiment.by_outcome and any(result.versus is not None for result in analysis.arms):
        yield differences(analysis)
    if any(result.versus is not None and result.versus.tested for result in analysis.arms):
        yield effects(analysis)
    yield from need_tables(analysis)
    if len(analysis.arms) > 1:
        yield penalty(analysis, analysis.penalties)
    yield from agreement_tables(alike, analysis.experiment.arms)
    yield runs(analysis)


def summary(analysis: Analysis) -> Table:
    """One line for each arm."""
    metric, experiment = analysis.options.metric, analysis.experiment
    mean = metric if analysis.compared_at_one else "mean over the budget"
    columns = [experiment.noun, "finding", "seeds", mean, "difference", "p", "p (Holm)"]
    several = [] if analysis.compared_at_one else ["last score"]
    rows: list[list[Cell]] = []
    for result in analysis.arms:
        versus = result.versus
        compared: list[Cell] = ["not compared", None, None, None]
        if versus is not None:
            compared = [versus.finding, versus.area, PValue(versus.p), PValue(versus.holm)]
        elif result in (analysis.baseline, analysis.bound):
            compared[0] = "baseline" if result is analysis.baseline else "upper bound"
        finding, *numbers = compared
        last: list[Cell] = [result.final] if several else []
        rows.append([result.arm.label, finding, len(result.curve.seeds), result.area, *numbers, *last])
    if analysis.full is not None:
        numbers = [None, None, None, None, analysis.full] if several else [analysis.full, None, None, None]
        rows.append([experiment.full_label, "reference", _seeds(experiment.reference, metric), *numbers])
    return Table("summary", f"{metric}: summary", [*columns, *several], rows, _summary_note(analysis))


def effects(analysis: Analysis) -> Table:
    """How large each difference is: by itself, beside its spread, and beside a margin."""
    margin = analysis.options.margin
    columns = [analysis.experiment.noun, "difference", "spread over seeds", "standardized effect"]
    if margin is not None:
        columns += ["difference, beside the margin", "p (equivalence)", "p (equivalence, Holm)"]
    rows: list[list[Cell]] = []
    for result in analysis.arms:
        versus = result.versus
        if versus is None or not versus.tested:
            continue
        row: list[Cell] = [result.arm.label, versus.area, versus.spread, versus.effect]
        if versus.equivalence is not None:
            same = versus.equivalence
            row += [same.estimate, PValue(same.p), PValue(same.holm)]
        rows.append(row)
    note = (
        "The spread is the standard deviation of the paired differences (n − 1). The standardized effect is "
        "the mean over the spread: d_z, with Hedges' correction; its interval is that of the difference, "
        "carried over by the noncentral t distribution."
    )
    if margin is not None:
        note += (
            f" Equivalence within {margin:g}: two one-sided tests. The interval beside the margin lies "
            "within it exactly where both reject: it is of 90 %, or of more where the test is corrected."
        )
    return Table("effects", f"{analysis.options.metric}: how large the differences are", columns, rows, note)


def _seeds(arm: Arm | None, metric: str) -> int:
    return 0 if arm is None else len(arm.measured(metric))


def _summary_note(analysis: Analysis) -> str:
    experiment, last = analysis.experiment, analysis.last
    if analysis.compared_at_one:
        at = "" if last is None else f" at {count(last)} labels"
        apart = experiment.named and analysis.full is not None
        full = f" ({experiment.full_label}: all labels)" if apart else ""
        what = f"Of the models that the runs leave{at}{full}; differences to the baseline are paired by seed."
    else:
        what = (
            "The mean over the budget is the area under the learning curve over the labels that all "
            f"{experiment.nouns} measured; differences to the baseline are paired by seed."
        )
        what += "" if last is None else f" The last score is that at {count(last)} labels."
        what += " All are of the models that the runs leave." if experiment.by_outcome else ""
    return f"{what} {IN_BRACKETS}"


def by_labels(analysis: Analysis) -> Table:
    """The learning curves."""
    labels = sorted({n for result in analysis.arms for n in result.curve.labels.tolist()})
    columns = ["labels", *(result.arm.label for result in analysis.arms)]
    rows = [[int(n), *(_at(result, n) for result in analysis.arms)] for n in labels]
    metric = analysis.options.metric
    slug = "curves" if metric not in analysis.options.also else f"curves_{metric.replace('/', '_')}"
    return Table(slug, f"{metric} by labels", columns, rows, "Mean and 95 % interval.")


def published(analysis: Analysis) -> Table | None:
    """Ours beside what others published, at their numbers of labels; None where nothing was."""
    theirs, experiment = analysis.options.published, analysis.experiment
    if theirs is None:
        return None
    metrics = [
        name for name in analysis.options.metrics if any(theirs.of(arm, name) for arm in experiment.arms)
    ]
    if not metrics:
        return None
    rows: list[list[Cell]] = []
    for arm in experiment.arms:
        points, curves = [theirs.of(arm, name) for name in metrics], [arm.curve(name) for name in metrics]
        for n in sorted({n for each in points for n in each}):
            cells = [(_mean_at(curve, n), each.get(n)) for curve, each in zip(curves, points, strict=True)]
            rows.append([arm.label, n, *(cell for pair in cells for cell in pair)])
    columns = [experiment.noun, "labels", *(f"{who}{name}" for name in metrics for who in ("", "published "))]
    note = f"Published: {theirs.source}; part of no statistic. Ours: mean and 95 % interval over seeds."
    return Table("published", "Beside published figures", columns, rows, note)


def _at(result: ArmResult, labels: float) -> Estimate | None:
    return _mean_at(result.curve, labels)


def _mean_at(curve: Curve | None, labels: float) -> Estimate | None:
    """The mean over seeds where so many labels were measured."""
    if curve is None or labels not in curve.labels:
        return None
    return mean_estimate(curve.values[:, np.flatnonzero(curve.labels == labels)[0]])


def differences(analysis: Analysis) -> Table:
    """Each arm's curve minus the baseline's."""
    compared = [result for result in analysis.arms if result.versus is not None]
    found = [
        {int(n): d for n, d in zip(result.versus.labels, result.versus.difference, strict=True)}
        for result in compared
        if result.versus is not None
    ]
    labels = sorted({n for by_label in found for n in by_label})
    columns = ["labels", *(result.arm.label for result in compared)]
    rows = [[n, *(by_label.get(n) for by_label in found)] for n in labels]
    note = (
        "Paired by seed. Each interval is for its own number of labels, not for all of them at once: it is "
        "the inverse of the test, of 95 %."
    )
    return Table("differences", f"{analysis.options.metric}: difference to the baseline", columns, rows, note)


def penalty(analysis: Analysis, found: Penalties) -> Table:
    """Who beats whom, before and after Holm's correction."""
    labels = [result.arm.label for result in analysis.arms]
    columns = [
        analysis.experiment.noun,
        *(f"beats {label}" for label in labels),
        *(f"corrected: {label}" for label in labels),
    ]
    matrix = np.concatenate([found.raw, found.holm], 1)
    rows: list[list[Cell]] = [[label, *map(float, row)] for label, row in zip(labels, matrix, strict=True)]
    note = f"Share of the numbers of labels with p ≤ .05; corrected over {found.tests} tests."
    return Table("penalties", f"{analysis.options.metric}: who beats whom", columns, rows, note)


def runs(analysis: Analysis) -> Table:
    """Every run, finished or not."""
    metric, experiment = analysis.options.metric, analysis.experiment
    columns = [experiment.noun, "seed", "status", "labels", metric, "folder"]
    rows: list[list[Cell]] = []
    reference = experiment.reference if experiment.named else None
    for arm in experiment.arms if reference is None else (reference, *experiment.arms):
        for run in arm.runs:
            last = run.outcome or {}
            score = None if arm.by_outcome and not run.finished else last.get(metric)
            facts: list[Cell] = [int(last.get("n_labeled", 0)), score, str(run.folder)]
            rows.append([arm.label, run.seed, run.manifest["status"], *facts])
    return Table("runs", "Runs", columns, rows)
