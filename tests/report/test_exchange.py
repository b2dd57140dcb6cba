"""Labels of one strategy as a function of the labels of another."""

import math
from functools import partial

import numpy as np
import pytest
from sklearn.isotonic import isotonic_regression

from al_runner.report.statistics.curves import Curve
from al_runner.report.statistics.exchange import exchange
from al_runner.report.statistics.sign_flip import SignFlip
from tests.report import twins
from tests.report.test_statistics import LOOSE, curve_of, learner, measured, numbers

SHOWN = partial(SignFlip().shown, level=LOOSE)


def pair(seed: int, seeds: int) -> tuple[Curve, Curve]:
    rng = np.random.default_rng(seed)
    return learner(rng, seeds, 0.12), learner(rng, seeds, 0.08)


@pytest.mark.parametrize("seed", range(20))
def test_a_curve_made_to_rise_is_scikit_learns(seed: int) -> None:
    curve, _ = pair(seed, 3)
    np.testing.assert_allclose(curve.risen, isotonic_regression(curve.mean), rtol=1e-9)
    np.testing.assert_allclose(curve.risen, twins.rising(curve.mean.tolist()), rtol=1e-9)


@pytest.mark.parametrize("seed", range(12))
def test_the_exchange_agrees_with_a_scan(seed: int) -> None:
    curve, reference = pair(seed, 4)
    ours = exchange(curve, reference, SHOWN)
    theirs = twins.exchange(measured(curve), measured(reference), LOOSE)
    assert len(ours) == len(reference.labels)
    for each, twin in zip(ours, theirs, strict=True):
        np.testing.assert_allclose(numbers(each), twin, atol=1e-6)
        assert each.low <= each.value <= each.high


def test_to_itself_every_label_is_worth_one_where_it_rises() -> None:
    values = np.array([[0.1, 0.3, 0.5, 0.6], [0.2, 0.3, 0.4, 0.7]])
    curve = curve_of([10, 20, 30, 40], values)
    assert [each.value for each in exchange(curve, curve, SHOWN)] == [10, 20, 30, 40]


def test_a_lucky_measurement_is_no_crossing() -> None:
    """The score of 20 labels is reached at 20 by chance and lost again: made to rise, it is reached at 40."""
    curve = curve_of([10, 20, 30, 40], [[0.1, 0.5, 0.1, 0.6]] * 2)
    reference = curve_of([10, 20, 30, 40], [[0.1, 0.2, 0.5, 0.7]] * 2)
    third = exchange(curve, reference, SHOWN)[2].value
    assert curve.mean[1] >= reference.mean[2]
    assert third == math.ceil(30 + 10 * (0.5 - 0.3) / 0.3)


def test_what_is_not_reached_is_censored() -> None:
    low, high = (curve_of([10, 20, 30], [row] * 6) for row in ([0.1, 0.2, 0.3], [0.2, 0.3, 0.4]))
    last = exchange(low, high, partial(SignFlip().shown, level=0.05))[-1]
    assert numbers(last) == (np.inf, 30, np.inf)
    assert [each.value for each in exchange(curve_of([10, 20], [[0.1, 0.2]]), low, SHOWN)] == [10, 20, np.inf]
