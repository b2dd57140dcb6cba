"""How numbers are written, and what compares runs: what the pages have in common."""

from collections.abc import Callable, Mapping, Sequence

import numpy as np
from numpy.typing import NDArray

from al_runner.report.statistics.curves import Curve
from al_runner.report.statistics.family import holm, holm_levels
from al_runner.report.statistics.paired import PROCEDURES
from al_runner.report.statistics.procedure import Procedure

Rows = Sequence[Mapping[str, str]]
Table = list[list[str]]


def interval(value: float, low: float, high: float) -> str:
    """A difference and its interval."""
    return f"{value:+.3f} [{low:+.3f}, {high:+.3f}]".replace("-", "−")


def p_value(text: str) -> str:
    """As al-report writes it."""
    p = float(text)
    return "< .001" if p < 0.001 else f"{p:.3f}".removeprefix("0").removesuffix(".000")


def spread(values: NDArray[np.float64]) -> str:
    """A mean and a standard deviation over seeds."""
    return f"{values.mean():.3f} ± {values.std(ddof=1):.3f}"


def by_arm(rows: Rows, metric: str) -> dict[str, NDArray[np.float64]]:
    """Arm → the values of a metric, in the order of the seeds, which all arms share."""
    scores: dict[str, dict[int, float]] = {}
    for row in rows:
        scores.setdefault(row["arm"], {})[int(row["seed"])] = float(row[metric])
    assert len({frozenset(of) for of in scores.values()}) == 1, "a seed is missing"
    return {name: np.array([of[seed] for seed in sorted(of)]) for name, of in scores.items()}


def curves(rows: Rows, metric: str, name: Callable[[str], str] = str) -> dict[str, Curve]:
    """Arm, as a page calls it → its learning curves."""
    found: dict[str, dict[int, list[dict[str, float]]]] = {}
    for row in rows:
        runs = found.setdefault(name(row["arm"]), {})
        score = {"n_labeled": float(row["labels"]), metric: float(row[metric])}
        runs.setdefault(int(row["seed"]), []).append(score)
    return {arm: Curve.of(runs, metric) for arm, runs in found.items()}


def shares(
    rows: Rows, column: str, labels: str | None = None, name: Callable[[str], str] = str
) -> dict[str, float]:
    """Arm → the share of a class in what was bought up to some labels (None = all), the mean over seeds."""
    last = str(max(int(row["labels"]) for row in rows)) if labels is None else labels
    found: dict[str, list[float]] = {}
    for row in rows:
        if row["labels"] == last and row[column]:
            found.setdefault(name(row["arm"]), []).append(float(row[column]))
    return {arm: float(np.mean(of)) for arm, of in found.items()}


def percent(share: str | float) -> str:
    """As the pages write it."""
    return f"{float(share):.0%}".replace("%", " %")


def compared(
    differences: Sequence[NDArray[np.float64]], procedure: Procedure = PROCEDURES["sign-flip"]
) -> list[tuple[str, str, str]]:
    """Each difference with its interval, its p, and that after Holm: one family."""
    p = np.array([float(procedure.p(each)) for each in differences])
    table = []
    for own, level, raw, adjusted in zip(differences, holm_levels(p), p, holm(p), strict=True):
        each = procedure.estimate(own, float(level))
        table.append((interval(each.value, each.low, each.high), p_value(str(raw)), p_value(str(adjusted))))
    return table
