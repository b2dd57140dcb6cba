"""The views of technion's page."""

from collections.abc import Sequence

from al_runner.report.statistics.curves import Curve, paired
from al_runner.report.statistics.equivalence import tost
from al_runner.report.statistics.paired import PROCEDURES
from al_runner.report.statistics.procedure import Procedure
from result_views.words import Rows, Table, by_arm, compared, curves, p_value, percent, shares, spread

MEASURES = ("accuracy", "precision", "recall", "F1", "AUROC")
STRATEGIES = ("random", "pca_kmeans")
GRIDS = {"10 × 90": ", schedule.query_size=[90]", "30 × 30": ", schedule.query_size=[30]"}
"""Queries × labels → what al-report adds to the name of a strategy where there are both."""
METRIC, BOUGHT = "test/accuracy", "bought 0"
PUBLISHED_TO = "910"
OF_GRIDS = PROCEDURES["t"]
"""Six seeds leave the sign-flip test no interval for two comparisons."""
MARGIN = 0.01
"""Of accuracy: what nobody would buy labels in another way for."""


def all_labels(rows: Rows) -> Table:
    """Runs on all labels: means and deviations for each number of epochs and learning rate."""
    found = {name: by_arm(rows, f"test/{name.lower()}") for name in MEASURES}
    return [
        ["training", *MEASURES],
        *([arm, *(spread(found[name][arm]) for name in MEASURES)] for arm in found[MEASURES[0]]),
    ]


def strategies(rows: Rows) -> Table:
    """Each strategy's mean accuracy, its difference from random's, and what it buys: one family."""
    found, normal = curves(rows, METRIC), shares(rows, BOUGHT)
    random = found.pop(STRATEGIES[0])
    header = ["strategy", "mean accuracy", "− random's", "p", "p (Holm)", "normal images bought"]
    none = ("–", "–", "–")
    table: Table = [header, [STRATEGIES[0], *_means(random), *none, percent(normal[STRATEGIES[0]])]]
    for name, tested in zip(found, _compared([(curve, random) for curve in found.values()]), strict=True):
        table.append([name, *_means(found[name]), *tested, percent(normal[name])])
    return table


def recall_and_precision(rows: Rows) -> Table:
    """Both at 910 labels, where the paper's results end, and their differences from random's: one family."""
    own = [row for row in rows if row["labels"] == PUBLISHED_TO]
    found = [by_arm(own, f"test/{name}") for name in ("recall", "precision")]
    names = [name for name in found[0] if name != STRATEGIES[0]]
    tests = compared([each[name] - each[STRATEGIES[0]] for name in names for each in found])
    header = ["strategy"]
    for name in ("recall", "precision"):
        header += [name, "− random's", "p (Holm)"]
    table: Table = [header, [STRATEGIES[0]]]
    for each in found:
        table[-1] += [f"{each[STRATEGIES[0]].mean():.3f}", "–", "–"]
    for place, name in enumerate(names):
        table.append([name])
        for each, (difference, _, holm) in zip(found, tests[2 * place :], strict=False):
            table[-1] += [f"{each[name].mean():.3f}", difference, holm]
    return table


def at_once(rows: Rows) -> Table:
    """Each strategy with many labels a query and with few, at the numbers of labels that both have."""
    found = curves(rows, METRIC)
    pairs = {name: [found[name + end] for end in reversed(GRIDS.values())] for name in STRATEGIES}
    few, many = reversed(GRIDS)
    header = ["strategy", f"mean accuracy, {many}", few, "difference", "p", "p (Holm)"]
    table: Table = [[*header, f"p of equivalence within {MARGIN}"]]
    for name, tested in zip(pairs, _compared([*pairs.values()], OF_GRIDS), strict=True):
        fine, coarse = paired(*pairs[name])
        same = tost(fine.area - coarse.area, MARGIN, OF_GRIDS)
        table.append([name, *_means(coarse, fine), *tested, p_value(str(float(same)))])
    return table


def against_random(rows: Rows) -> Table:
    """PCA then k-means beside random, in each grid, and how many normal images each buys."""
    found, normal = curves(rows, METRIC), shares(rows, BOUGHT)
    pairs = {grid: [found[name + end] for name in reversed(STRATEGIES)] for grid, end in GRIDS.items()}
    random, clusters = STRATEGIES
    bought = [f"normal images among those bought, {name}" for name in (random, clusters)]
    table: Table = [["queries", f"mean accuracy, {random}", clusters, "difference", "p", "p (Holm)", *bought]]
    for grid, tested in zip(pairs, _compared([*pairs.values()], OF_GRIDS), strict=True):
        ours, theirs = paired(*pairs[grid])
        parts = [percent(normal[name + GRIDS[grid]]) for name in (random, clusters)]
        table.append([grid, *_means(theirs, ours), *tested, *parts])
    return table


def _means(*each: Curve) -> list[str]:
    return [f"{curve.area.mean():.3f}" for curve in each]


def _compared(
    pairs: Sequence[Sequence[Curve]], procedure: Procedure = PROCEDURES["sign-flip"]
) -> list[tuple[str, str, str]]:
    """The differences of means over the budget: one family."""
    cut = [paired(one, other) for one, other in pairs]
    return compared([one.area - other.area for one, other in cut], procedure)
