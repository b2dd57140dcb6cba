"""How numbers are written, and what compares runs: what the pages have in common."""

from collections.abc import Mapping, Sequence

import numpy as np
from numpy.typing import NDArray

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
