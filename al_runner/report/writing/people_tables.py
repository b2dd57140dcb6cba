"""The tables of runs that people labeled."""

from collections.abc import Iterator, Sequence

from al_runner.report.contents import Cell, Table
from al_runner.report.study.people import Labeling

RANDOM = (
    "Of the images that were drawn at random to measure on, with 95 % intervals: exact binomial ones for "
    "accuracies where each patient has one image, else by the bootstrap over patients."
)


def people_tables(found: Sequence[Labeling], metric: str) -> Iterator[Table]:
    """What people did, and what their random sample can tell."""
    if not found:
        return
    yield _effort(found)
    rows: list[list[Cell]] = [
        [each.strategy, each.run.seed, labels, estimate]
        for each in found
        for labels, estimate in each.estimates(metric)
    ]
    if rows:
        title = f"{metric}: what the random sample can tell"
        yield Table("sample", title, ["strategy", "seed", "labels", metric], rows, RANDOM)
    if any(each.agreed for each in found):
        yield _agreement(found)


def _effort(found: Sequence[Labeling]) -> Table:
    columns = ["strategy", "seed", "images", "cannot tell", "readers"]
    columns += ["seconds an image", "minutes in all", "labels", "ended"]
    rows: list[list[Cell]] = [
        [
            each.strategy,
            each.run.seed,
            len(each.answers),
            each.untold,
            _names(each),
            each.typical,
            each.minutes,
            each.n_labeled,
            each.ended,
        ]
        for each in found
    ]
    note = (
        "Seconds are the median of the answers that were timed. Minutes count every other one as that. "
        "Labels are those that the last model learned from, without the random sample."
    )
    return Table("labeling", "What people labeled", columns, rows, note)


def _names(each: Labeling) -> str:
    return ", ".join(name or "no name" for name in each.readers)


def _agreement(found: Sequence[Labeling]) -> Table:
    columns = ["strategy", "seed", "readers", "images of both", "same label", "kappa"]
    rows: list[list[Cell]] = [
        [each.strategy, each.run.seed, " and ".join(pair.readers), pair.samples, pair.same, pair.kappa]
        for each in found
        for pair in each.agreed
    ]
    note = "Cohen's kappa: 1 = they agree, 0 = as often as by chance. Cannot tell counts as a label."
    return Table("readers", "How far readers agree", columns, rows, note)
