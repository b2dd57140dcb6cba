"""What al-report --plan says."""

from collections.abc import Iterator, Sequence

from al_runner.errors import InputError
from al_runner.report.contents import Cell, Section, Table, number
from al_runner.report.statistics.power import SEEDS, USUAL
from al_runner.report.study.analysis import Analysis
from al_runner.report.study.plan import Plan, plans
from al_runner.report.writing.verdict import TESTS


def plans_of(pilots: Sequence[Analysis], effect: float | None) -> list[Section]:
    """How many seeds studies like some pilots need; one without a spread over seeds says so.

    Args:
        pilots: one for each experiment.
        effect: a difference to be found; None = the pilot's own.

    Raises:
        InputError: no pilot has a spread over seeds.
    """
    found = [(pilot, plans(pilot, effect)) for pilot in pilots]
    if not any(each for _, each in found):
        raise InputError(f"--plan: {_lacks(pilots[0])}")
    return [
        _section(pilot, each, effect)
        if each
        else Section(pilot.experiment.title, [f"No plan: {_lacks(pilot)}."], [], [], [])
        for pilot, each in found
    ]


def _lacks(pilot: Analysis) -> str:
    experiment = pilot.experiment
    return (
        f"{experiment.title} has no {experiment.noun} with two finished seeds beside the baseline's whose "
        "differences vary; run a pilot of at least four seeds"
    )


def _section(pilot: Analysis, found: Sequence[Plan], effect: float | None) -> Section:
    """How many seeds a study like this one needs, for each of its arms."""
    answers = [_answer(each, pilot.options.metric) for each in found]
    return Section(pilot.experiment.title, answers, list(_notes(found, effect)), [_table(found)], [])


def _answer(each: Plan, metric: str) -> str:
    """What the pilot's seeds find of an arm, and what it takes to find it as a rule."""
    enough, most = each.seeds(), SEEDS[-1]
    more = f"{enough} in {_share(each.power(enough))}" if enough else f"{most} in {_share(each.power(most))}"
    return (
        f"{each.label}: {each.pilot} seeds find a difference of {number(each.effect)} in mean {metric} in "
        f"{_share(each.power(each.pilot))} of studies, {more}."
    )


def _share(share: float) -> str:
    return f"{100 * share:.0f} %"


def _notes(found: Sequence[Plan], effect: float | None) -> Iterator[str]:
    test, comparisons = TESTS[found[0].test], found[0].comparisons
    family = f", corrected for {comparisons} comparisons" if comparisons > 1 else ""
    yield (
        f"By the {test} at .05{family}, with normal differences of the pilot's spread. A study is often "
        f"planned for {_share(USUAL)}."
    )
    spreads = "; ".join(_spread(each) for each in found)
    yield f"Few seeds do not know their spread well. It is, and with 80 % confidence is below: {spreads}."
    if effect is None:
        yield "The differences are the pilot's, which chance made smaller or larger; --effect takes another."


def _spread(each: Plan) -> str:
    enough = each.seeds(each.largest) or f"more than {SEEDS[-1]}"
    limit = f"{number(each.spread)}, {number(each.largest)}"
    return f"{each.label} {limit} (then {_share(USUAL)} takes {enough} seeds)"


def _table(found: Sequence[Plan]) -> Table:
    """The power by the number of seeds."""
    columns = ["seeds", *(f"{each.label}: {number(each.effect)}" for each in found)]
    rows: list[list[Cell]] = [[n, *(_share(each.power(n)) for each in found)] for n in SEEDS]
    return Table("plan", "Share of studies that find the difference", columns, rows)
