"""What the pages in docs/results show of their CSV files, where that is not the file as it is."""

from collections.abc import Callable, Mapping
from pathlib import Path

from result_views import alda, ideal, representations, technion, warren
from result_views.words import Rows, Table

__all__ = ["FIGURES", "VIEWS", "Table"]

VIEWS: Mapping[str, Callable[[Rows], Table]] = {
    # representations; GlaS ends at 70 labels
    "better up to 100": lambda rows: representations.better(rows, "100"),
    "better up to 500": lambda rows: representations.better(
        [row for row in rows if row["set"] != "glas"], "500"
    ),
    "from scratch": representations.from_scratch,
    "unlabeled": representations.unlabeled,
    # alda
    "test accuracy": lambda rows: alda.regimes(rows, "test/accuracy"),
    "validation accuracy": lambda rows: alda.regimes(rows, "val/accuracy_max"),
    "effects on test accuracy": lambda rows: alda.effects(rows, "test/accuracy"),
    "effects on validation accuracy": lambda rows: alda.effects(rows, "val/accuracy_max"),
    "every regime": alda.every_regime,
    # technion
    "all labels": technion.all_labels,
    "strategies of technion": technion.strategies,
    "recall and precision": technion.recall_and_precision,
    "at once": technion.at_once,
    "against random": technion.against_random,
    # ideal
    "strategies": ideal.strategies,
    "against the paper": ideal.against_the_paper,
    "what they buy": ideal.bought,
    "kinds of maps": ideal.kinds_of_maps,
    "ablations": ideal.ablations,
    "agreement": ideal.agreement,
    "of three": ideal.of_three,
    # warren
    "ablation": warren.ablation,
}
"""How a page shows a file."""

FIGURES: Mapping[str, Mapping[str, Callable[[Path], bytes]]] = {
    "ideal": {"ideal_auroc.svg": ideal.figure},
    "representations": {"representations_pneumoniamnist.svg": representations.figure},
}
"""Page → file → what draws it."""
