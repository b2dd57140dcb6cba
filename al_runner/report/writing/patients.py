"""What a difference owes to the patients of the test split, in words."""

from collections.abc import Mapping

from al_runner.report.contents import Cell, Table, bounds
from al_runner.report.statistics.patients import Conditional
from al_runner.report.statistics.versus import Versus
from al_runner.report.study.analysis import Analysis

Found = Mapping[str, Conditional]


def sentence(versus: Versus, found: Conditional | None) -> str:
    """Beside a verdict: its interval if not only seeds but also test patients were others."""
    if found is None:
        return ""
    both = f" With other test patients, too, the difference is within {bounds(found.both)}"
    inside = found.both.low <= 0 <= found.both.high
    if versus.finding in ("better", "worse") and inside:
        return f"{both}: it may be due to the {found.patients} of this test split."
    return f"{both}."


def table(analysis: Analysis, found: Found, grouped: bool) -> Table:
    """The intervals for other seeds, for other patients, and for both."""
    columns = [analysis.experiment.noun, "other seeds", "other test patients", "both"]
    rows: list[list[Cell]] = [
        [result.arm.label, result.versus.area, found[result.arm.label].others, found[result.arm.label].both]
        for result in analysis.others
        if result.versus is not None and result.arm.label in found
    ]
    patients = next(iter(found.values())).patients
    whose = (
        f"The test split has {patients} patients, drawn again 1,000 times with all their images"
        if grouped
        else f"The {patients} test images were drawn again 1,000 times, each as a patient: it is not known "
        "whose they are. Where patients have several, the intervals are too short"
    )
    note = (
        "The difference to the baseline, and where it may be: for other seeds and these test images, for "
        f"these models and other patients, and for both. {whose}. The level is that of the verdict."
    )
    title = f"{analysis.options.metric}: differences, and what they are conditional on"
    return Table("conditional", title, columns, rows, note)
