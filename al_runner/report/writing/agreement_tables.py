"""Tables about how alike strategies choose and rank."""

from collections.abc import Iterator, Sequence

from al_runner.report.contents import Cell, Table
from al_runner.report.study.agreement import Agreement, shared_by_three
from al_runner.report.study.arms import Arm

MOST_ARMS = 8
"""Up to which every three of them are compared: 56 triples."""


def agreement_tables(alike: Sequence[Agreement], arms: Sequence[Arm]) -> Iterator[Table]:
    """Of pairs and of triples, where there are any."""
    if alike:
        yield of_pairs(alike)
    if len(arms) <= MOST_ARMS and (rows := list(_of_three(arms))):
        yield Table(
            "agreement_of_three",
            "Common picks of three",
            ["first", "second", "third", "round", "common share so far"],
            rows,
            "Means over common seeds.",
        )


def of_pairs(found: Sequence[Agreement]) -> Table:
    """How alike two arms chose, by round."""
    rows: list[list[Cell]] = [
        [pair.first, pair.second, *values]
        for pair in found
        for values in zip(pair.rounds, pair.common, pair.ndcg, pair.whole, pair.by_chance, strict=True)
    ]
    columns = [
        *("reference", "strategy", "round", "common share so far", "nDCG of the query"),
        *("nDCG of the pool", "by chance"),
    ]
    return Table(
        "agreement",
        "Agreement of what was chosen",
        columns,
        rows,
        "Means over common seeds. nDCG of the pool: of the whole order before the query, among what both "
        "leave unlabeled (runs with keep_pool=true); by chance: what a random order has.",
    )


def _of_three(arms: Sequence[Arm]) -> Iterator[list[Cell]]:
    for found in shared_by_three(arms):
        for number, common in zip(found.rounds, found.common, strict=True):
            yield [*found.labels, number, common]
