import math

import numpy as np
import pytest

from al_runner.loop.criteria import AGREEMENT, Plateau, Stable, Target


def rows(metric: str, values: list[float | None]) -> list[dict[str, float]]:
    return [{} if value is None else {metric: value} for value in values]


def test_target() -> None:
    target = Target("val/accuracy", 0.9)
    assert target.reached(rows("val/accuracy", [0.1, 0.9])) == "val/accuracy reached 0.9"
    assert target.reached(rows("val/accuracy", [0.9, 0.89])) is None, "only the last round counts"
    assert target.reached([]) is None
    assert target.reached([{}]) is None
    assert target.reached(rows("val/accuracy", [math.nan])) is None


def test_a_target_that_the_low_end_of_the_interval_reaches() -> None:
    target = Target("test/auroc", 0.8, surely=True)
    measured = {"test/auroc": 0.95, "test/auroc_low": 0.79}
    assert target.reached([measured]) is None
    assert target.reached([{**measured, "test/auroc_low": 0.8}]) == "the low end of test/auroc reached 0.8"
    assert target.reached([{"test/auroc": 0.95}]) is None, "there is no interval"


@pytest.mark.parametrize(
    ("values", "ends"),
    [
        ([], False),
        ([0.5, 0.5], False),  # two rounds are not yet three
        ([0.5, 0.5, 0.5], True),
        ([0.5, 0.6, 0.6], False),  # risen within the last two
        ([0.5, 0.6, 0.6, 0.6], True),
        ([0.9, 0.5, 0.8, 0.85], True),  # rises, but not above the best
        ([0.5, 0.505, 0.509], True),  # by less than 0.01
        ([0.5, 0.505, 0.51], False),
        ([0.5, None, 0.5, None, 0.5], True),  # rounds that were not measured do not count
        ([0.5, None, 0.5, None], False),
        ([0.5, math.nan, 0.5, 0.6], False),
    ],
)
def test_plateau(values: list[float | None], ends: bool) -> None:
    reason = Plateau("val/auroc", 2, 0.01).reached(rows("val/auroc", values))
    assert reason == ("val/auroc has not risen by 0.01 for 2 rounds" if ends else None)


@pytest.mark.parametrize("seed", range(40))
def test_plateau_word_by_word(seed: int) -> None:
    """None of the last rounds is better by `rise` than the best before them."""
    generator = np.random.default_rng(seed)
    values = generator.uniform(size=generator.integers(12)).round(1).tolist()
    patience, rise = int(generator.integers(1, 5)), float(generator.uniform(0.01, 0.5))
    last = range(len(values) - patience, len(values))
    before = range(len(values) - patience)
    expected = len(before) > 0 and not any(all(values[k] >= values[j] + rise for j in before) for k in last)
    assert bool(Plateau("m", patience, rise).reached(rows("m", values))) == expected


@pytest.mark.parametrize(
    ("kappas", "ends"),
    [
        ([], False),
        ([1.0], False),
        ([0.98, 1.0], True),
        ([0.5, 0.98, 1.0], True),
        ([1.0, 0.97], False),
        ([math.nan, 1.0], False),
        ([1.0, math.nan], False),
        ([math.nan, 1.0, 1.0], True),
    ],
)
def test_stable(kappas: list[float], ends: bool) -> None:
    """Bloodgood and Vijay-Shanker (2009): the mean of the last k agreements reaches a cutoff."""
    found = [{}, *rows(AGREEMENT, list(kappas))]  # round 0 has no model before it
    reason = Stable(0.99, 2).reached(found)
    assert bool(reason) == ends == (len(kappas) >= 2 and bool(np.mean(kappas[-2:]) >= 0.99))
