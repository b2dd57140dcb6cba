"""What the pages in docs/results show of their CSV files, where that is not the file as it is."""

import csv
import io
import math
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path

import numpy as np
from matplotlib.figure import Figure
from numpy.typing import NDArray

from al_runner.report.contents import Figure as Drawing
from al_runner.report.figures.style import BASELINE, COLORS, grid, legend
from al_runner.report.statistics.family import holm, holm_levels
from al_runner.report.statistics.paired import PROCEDURES

Rows = Sequence[Mapping[str, str]]
Table = list[list[str]]

SETS = {
    "breastmnist": "BreastMNIST",
    "chest_xray": "chest X-rays",
    "glas": "GlaS",
    "hippocampus": "hippocampus",
    "pneumoniamnist": "PneumoniaMNIST",
}


def better(rows: Rows, budget: str) -> Table:
    """The strategies that are better than random up to a number of labels."""
    header = ["recipe", "set", "strategy", "difference in mean AUROC", "p (Holm)", "needs", "random needs"]
    shown = [row for row in rows if row["budget"] == budget and row["finding"] == "better"]
    shown.sort(key=lambda row: (row["recipe"], list(SETS).index(row["set"]), row["strategy"]))
    return [
        header,
        *(
            [
                f"`{row['recipe']}`",
                SETS[row["set"]],
                row["strategy"],
                interval(*(float(row[f"difference{end}"]) for end in ("", " low", " high"))),
                p_value(row["p (Holm)"]),
                needs(row, "labels needed"),
                needs(row, "random needs"),
            ]
            for row in shown
        ),
    ]


def interval(value: float, low: float, high: float) -> str:
    """A difference and its interval."""
    return f"{value:+.3f} [{low:+.3f}, {high:+.3f}]".replace("-", "−")


def p_value(text: str) -> str:
    """As al-report writes it."""
    p = float(text)
    return "< .001" if p < 0.001 else f"{p:.3f}".removeprefix("0").removesuffix(".000")


def needs(row: Mapping[str, str], key: str) -> str:
    """A number of labels, and its interval."""
    value, low, high = (float(row[f"{key}{end}"] or "inf") for end in ("", " low", " high"))
    if math.isinf(value):
        return "not reached"
    if value == high and low == 0:
        return f"at most {high:.0f}"
    return f"{value:.0f} [{low:.0f}, {'…)' if math.isinf(high) else f'{high:.0f}]'}"


def means(rows: Rows, data: str, strategy: str, recipes: Sequence[str], labels: Sequence[int]) -> Table:
    """Mean AUROCs of a strategy at some numbers of labels, a column for each recipe."""
    found = {
        (row["recipe"], int(row["labels"])): f"{float(row['mean']):.3f}".removeprefix("0")
        for row in rows
        if (row["set"], row["strategy"]) == (data, strategy)
    }
    return [[str(n), *(found.get((recipe, n), "") for recipe in recipes)] for n in labels]


def from_scratch(rows: Rows) -> Table:
    """Networks trained on the labels, from random weights or an encoder's, beside two encoders."""
    table: Table = [["set", "labels", *(f"`{recipe}` ({seeds})" for recipe, seeds in TRAINED.items())]]
    for data, labels in (("glas", (5, 10, 20, 30, 50, 70)), ("breastmnist", (5, 10, 20, 50, 100, 200, 500))):
        for place, line in enumerate(means(rows, data, "random", [*TRAINED], labels)):
            table.append(["" if place else SETS[data], *line])
    return table


TRAINED = {"scratch": "10 seeds", "finetune": "10", "simclr": "20", "imagenet": "20"}
"""Recipe → its seeds."""


def unlabeled(rows: Rows) -> Table:
    """Heads that also learn from unlabeled images, on SimCLR's features."""
    table: Table = [["set, strategy", "labels", "linear head", "`spreading`", "`pseudo`"]]
    for data, strategy, labels in GUESSED:
        for place, line in enumerate(means(rows, data, strategy, ("simclr", "spreading", "pseudo"), labels)):
            table.append(["" if place else f"{SETS[data]}, {strategy}", *line])
    return table


GUESSED = (
    ("breastmnist", "random", (10, 100, 500)),
    ("breastmnist", "badge", (100,)),
    ("pneumoniamnist", "random", (10, 100, 500)),
    ("pneumoniamnist", "typiclust", (10, 100, 500)),
    ("glas", "random", (10, 50)),
)
"""Set, strategy and numbers of labels of that table."""


def regimes(rows: Rows, metric: str) -> Table:
    """The comparison that was planned: each mean and deviation, and the difference of regime 6."""
    values, name = by_arm(rows, metric), METRICS[metric]
    base, other = "2_limited", "6_post_query"
    ((difference, p),) = compared([values[other] - values[base]])
    return [
        ["regime", "seeds", name, f"{name} − {base}", "p"],
        [base, str(len(values[base])), spread(values[base]), "–", "–"],
        [other, str(len(values[other])), spread(values[other]), difference, p],
    ]


def effects(rows: Rows, metric: str) -> Table:
    """Regimes 2, 3, 4 and 6 as an experiment with two factors, the query and the augmentation."""
    values = by_arm(rows, metric)
    neither, augmented, active, both = (values[name] for name in FACTORS)
    contrasts = {
        "entropy's labels instead of random ones": (active - neither + both - augmented) / 2,
        "augmentation instead of none": (augmented - neither + both - active) / 2,
        "both together, beyond their sum": both - augmented - active + neither,
    }
    found = compared([*contrasts.values()])
    return [
        ["effect", METRICS[metric], "p (Holm)"],
        *([name, *each] for name, each in zip(contrasts, found, strict=True)),
    ]


FACTORS = ("2_limited", "3_augmented", "4_active", "6_post_query")
"""The regimes with neither, augmentation, the query, both."""


def every_regime(rows: Rows) -> Table:
    """Means and deviations of these regimes."""
    found = [by_arm(rows, metric) for metric in METRICS]
    return [
        ["regime", *METRICS.values()],
        *([name, *(spread(values[name]) for values in found)] for name in FACTORS),
    ]


METRICS = {"val/accuracy_max": "validation accuracy (maximum)", "test/accuracy": "test accuracy"}


def by_arm(rows: Rows, metric: str) -> dict[str, NDArray[np.float64]]:
    """Arm → the values of a metric, in the order of the seeds, which all arms share."""
    scores: dict[str, dict[int, float]] = {}
    for row in rows:
        scores.setdefault(row["arm"], {})[int(row["seed"])] = float(row[metric])
    assert len({frozenset(of) for of in scores.values()}) == 1, "a seed is missing"
    return {name: np.array([of[seed] for seed in sorted(of)]) for name, of in scores.items()}


def compared(differences: Sequence[NDArray[np.float64]]) -> list[tuple[str, str]]:
    """Each difference with its interval, and its p, by the exact sign-flip test: one family."""
    procedure = PROCEDURES["sign-flip"]
    p = np.array([float(procedure.p(each)) for each in differences])
    found = [
        procedure.estimate(each, float(level))
        for each, level in zip(differences, holm_levels(p), strict=True)
    ]
    return [
        (interval(each.value, each.low, each.high), p_value(str(adjusted)))
        for each, adjusted in zip(found, holm(p), strict=True)
    ]


def all_labels(rows: Rows) -> Table:
    """Runs on all labels: means and deviations for each number of epochs and learning rate."""
    found = {name: by_arm(rows, f"test/{name.lower()}") for name in MEASURES}
    return [
        ["training", *MEASURES],
        *([arm, *(spread(found[name][arm]) for name in MEASURES)] for arm in found[MEASURES[0]]),
    ]


MEASURES = ("accuracy", "precision", "recall", "F1", "AUROC")


def spread(values: NDArray[np.float64]) -> str:
    """A mean and a standard deviation over seeds."""
    return f"{values.mean():.3f} ± {values.std(ddof=1):.3f}"


VIEWS: Mapping[str, Callable[[Rows], Table]] = {
    "better up to 100": lambda rows: better(rows, "100"),
    "better up to 500": lambda rows: better([row for row in rows if row["set"] != "glas"], "500"),
    "from scratch": from_scratch,
    "unlabeled": unlabeled,
    "test accuracy": lambda rows: regimes(rows, "test/accuracy"),
    "validation accuracy": lambda rows: regimes(rows, "val/accuracy_max"),
    "effects on test accuracy": lambda rows: effects(rows, "test/accuracy"),
    "effects on validation accuracy": lambda rows: effects(rows, "val/accuracy_max"),
    "every regime": every_regime,
    "all labels": all_labels,
}
"""How a page shows a file. (GlaS ends at 70 labels.)"""


def pneumoniamnist(folder: Path) -> bytes:
    """Learning curves on SimCLR's features of PneumoniaMNIST, with their intervals."""
    text = (folder / "representations" / "representations_curves.csv").read_text(encoding="utf-8")
    curves: dict[str, list[list[float]]] = {}
    for row in csv.DictReader(io.StringIO(text)):
        if (row["recipe"], row["set"]) == ("simclr", "pneumoniamnist"):
            values = [float(row[key]) for key in ("labels", "mean", "low", "high")]
            curves.setdefault(row["strategy"], []).append(values)
    drawing, (axes,) = grid(1, 3.6)
    for name, color in {"random": BASELINE, **dict(zip(SHOWN, COLORS, strict=False))}.items():
        labels, mean, low, high = np.array(curves[name]).T
        axes.plot(labels, mean, "-o", markersize=3, color=color, label=name)
        axes.fill_between(labels, low, high, color=color, alpha=0.15, linewidth=0)
    axes.set_xscale("log")
    axes.set_xlabel("labels")
    axes.set_ylabel("test/auroc")
    axes.grid()
    legend(drawing)
    return _svg(drawing)


SHOWN = ("k_means", "badge", "typiclust_then_margin", "margin")
"""The strategies of the figure, besides random."""


def _svg(drawing: Figure) -> bytes:
    return Drawing("figure", "", "", drawing).image("svg")


FIGURES: Mapping[str, Mapping[str, Callable[[Path], bytes]]] = {
    "representations": {"representations_pneumoniamnist.svg": pneumoniamnist}
}
"""Page → file → what draws it."""
