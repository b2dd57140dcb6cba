"""The tables of what labels are worth: needed for a target, against the baseline's, and below the bound."""

from collections.abc import Iterator

from al_runner.report.contents import Cell, Table
from al_runner.report.study.analysis import Analysis, ArmResult


def need_tables(analysis: Analysis) -> Iterator[Table]:
    """Those for which there are numbers."""
    if analysis.bound is not None:
        yield regrets(analysis, analysis.bound)
    if any(result.needs for result in analysis.arms):
        yield needed(analysis)
    if any(result.exchange for result in analysis.arms):
        yield exchanged(analysis)


def regrets(analysis: Analysis, bound: ArmResult) -> Table:
    """How far each arm is below the upper bound."""
    columns = [analysis.experiment.noun, "seeds", "mean over the budget", "regret"]
    rows: list[list[Cell]] = [
        [result.arm.label, len(result.curve.seeds), result.area, result.regret]
        for result in analysis.strategies
    ]
    rows.append([bound.arm.label, len(bound.curve.seeds), bound.area, None])
    note = (
        f"The regret: the mean over the budget of {bound.arm.label}, less that of the strategy, paired by "
        f"seed, with a 95 % interval. {bound.arm.label} looks at the labels of the split that it is measured "
        "on, as nobody else can. It is greedy, so a better order of the same samples may exist."
    )
    return Table("regret", f"{analysis.options.metric}: regret to the upper bound", columns, rows, note)


def needed(analysis: Analysis) -> Table:
    """Labels needed to reach each target."""
    whole = ["labels needed", "the baseline needs"]
    columns = [analysis.experiment.noun, "target", "score", *whole, "ratio to the baseline's"]
    rows: list[list[Cell]] = [
        [result.arm.label, need.target, need.score, need.labels, need.baseline, need.ratio]
        for result in analysis.arms
        for need in result.needs
    ]
    note = (
        "The number of labels at which the mean over seeds, made to rise (isotonic regression), reaches the "
        "target, linear between measurements; a target that is not reached within the budget needs more "
        "labels than were tried. "
        "The intervals are inverses of the test, at the level that its correction leaves to the strategy; "
        "they are not corrected for several targets."
    )
    title = f"{analysis.options.metric}: labels needed"
    return Table("labels_needed", title, columns, rows, note, frozenset(whole))


def exchanged(analysis: Analysis) -> Table:
    """Labels that are as good as each number of labels of the baseline."""
    shown = [result for result in analysis.arms if result.exchange]
    labels, baseline = [result.arm.label for result in shown], analysis.experiment.arms[0].label
    rows: list[list[Cell]] = [
        [int(n), *(result.exchange[place] for result in shown)] for place, n in enumerate(analysis.common)
    ]
    note = (
        "The labels needed for the mean that the baseline, made to rise, has with so many labels. The "
        "intervals are inverses of the test, at the level that its correction leaves to the strategy, each "
        "for its own row. The last rows end with the budget."
    )
    title = f"{analysis.options.metric}: labels that are as good as those of {baseline}"
    columns = [f"labels of {baseline}", *labels]
    return Table("exchange", title, columns, rows, note, frozenset(labels))
