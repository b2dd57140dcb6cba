"""The views of the page on representations, and its figure."""

import csv
import io
import math
from collections.abc import Mapping, Sequence
from pathlib import Path

import numpy as np

from result_views.drawing import drawn
from result_views.words import Rows, Table, interval, p_value

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


def figure(folder: Path) -> bytes:
    """Learning curves on SimCLR's features of PneumoniaMNIST, with their intervals."""
    text = (folder / "representations" / "representations_curves.csv").read_text(encoding="utf-8")
    curves: dict[str, list[list[float]]] = {}
    for row in csv.DictReader(io.StringIO(text)):
        if (row["recipe"], row["set"]) == ("simclr", "pneumoniamnist"):
            values = [float(row[key]) for key in ("labels", "mean", "low", "high")]
            curves.setdefault(row["strategy"], []).append(values)
    return drawn({name: np.array(curves[name]) for name in SHOWN}, 3.6, logarithmic=True)


SHOWN = ("random", "k_means", "badge", "typiclust_then_margin", "margin")
"""The strategies of the figure."""
