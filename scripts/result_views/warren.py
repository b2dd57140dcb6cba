"""The view of warren's page: how scores go with Dice."""

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from al_runner.report.statistics.intervals import mean_estimate
from result_views.words import Rows, Table, compared, interval

PAPERS = "nmi_entropy_coarse"
"""Entropy minus mutual information, both with weight 1."""
SCORES = {
    PAPERS: "entropy − normalized mutual information (the paper's)",
    f"{PAPERS} beta=0": "entropy alone",
    f"{PAPERS} alpha=0": "minus normalized mutual information alone",
    f"{PAPERS} information=plain": "entropy − plain mutual information",
    f"{PAPERS} entropy=per_foreground": "entropy for each foreground voxel − normalized mutual information",
    "entropy_per_foreground": "entropy for each foreground voxel alone",
}
"""Score as `scripts/other_scores.py` names it → in words."""


def ablation(rows: Rows) -> Table:
    """Each score's ρ with Dice, beside the paper's, paired by seed: one family. The lower, the better."""
    found = {score: _columns(rows, score) for score in SCORES}
    others = [score for score in SCORES if score != PAPERS]
    tests = compared([found[score]["rho"] - found[PAPERS]["rho"] for score in others])
    shown = dict(zip(others, tests, strict=True))
    table: Table = [
        ["score", "Pearson r", "Spearman ρ", "− the paper's ρ", "p", "p (Holm)", "Dice of the query"]
    ]
    for score, words in SCORES.items():
        of = found[score]
        ends = [_mean(of[column]) for column in ("r", "rho")]
        table.append([words, *ends, *shown.get(score, ["–"] * 3), f"{of['dice of the query'].mean():.3f}"])
    return table


def _columns(rows: Rows, score: str) -> dict[str, NDArray[np.float64]]:
    """The numbers of a score, in the order of the seeds."""
    own = sorted((row for row in rows if row["score"] == score), key=lambda row: int(row["seed"]))
    return {
        column: np.array([float(row[column]) for row in own])
        for column in ("r", "rho", "dice", "dice of the query")
    }


def _mean(values: Sequence[float] | NDArray[np.float64]) -> str:
    found = mean_estimate(np.asarray(values))
    return interval(found.value, found.low, found.high)
