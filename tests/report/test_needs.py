"""How many labels are needed to be as good as the baseline, and what that saves."""

import math

import numpy as np
import pytest

from al_runner.report.statistics.curves import Curve
from al_runner.report.statistics.efficiency import ratio_of_needs
from al_runner.report.statistics.intervals import Estimate
from al_runner.report.statistics.sign_flip import SignFlip
from al_runner.report.study.needs import LAST, Goals, Need
from tests.report import twins
from tests.report.test_statistics import LOOSE, alike, curve_of, measured, numbers

LABELS = (4, 8, 12, 16)


def pair(rng: np.random.Generator, seeds: int) -> tuple[Curve, Curve]:
    """Two curves of the same seeds that need not rise everywhere; in binary fractions, so sums are exact."""
    found = []
    for speed in rng.uniform(0, 0.3, 2):
        steps = rng.normal(speed, 0.1, (seeds, len(LABELS)))
        found.append(curve_of(LABELS, (np.cumsum(steps, 1) * 1024).round() / 1024))
    return found[0], found[1]


@pytest.mark.parametrize("seeds", [2, 3, 5, 6])
def test_as_good_as_the_baseline_agrees_with_a_scan(seeds: int) -> None:
    rng = np.random.default_rng(seeds)
    seen = []
    for _ in range(30 if seeds < 6 else 10):
        curve, baseline = pair(rng, seeds)
        goals = Goals(baseline, curve.labels, {}, SignFlip())
        found = {need.target: need for need in goals.needs(curve, LOOSE)}
        assert list(found) == [LAST, "the baseline's score at 8 labels", "the baseline's score at 12 labels"]
        for place, need in zip((3, 1, 2), found.values(), strict=True):
            theirs = twins.as_good_as(measured(curve), measured(baseline), place, LOOSE)
            for ours, twin in zip((need.labels, need.baseline, need.ratio), theirs, strict=True):
                alike(numbers(ours), twin)
            assert need.score == pytest.approx(baseline.mean[place])
            seen.append(need.ratio)
    if seeds == 5:
        assert any(ratio.high < 1 for ratio in seen)
        assert any(ratio.low > 1 for ratio in seen)


@pytest.mark.parametrize(
    ("needed", "baseline", "ratio"),
    [
        ((10, 8, 14), (96, 70, 100), (10 / 96, 8 / 100, 14 / 70)),
        ((10, 0, 14), (96, 0, 100), (10 / 96, 0, math.inf)),
        ((10, 8, math.inf), (96, 70, 100), (10 / 96, 8 / 100, math.inf)),
        ((math.inf, 100, math.inf), (96, 70, 100), (math.inf, 1, math.inf)),
        ((10, math.nan, math.nan), (96, math.nan, math.nan), (10 / 96, math.nan, math.nan)),
    ],
)
def test_the_ratio_of_two_needs(
    needed: tuple[float, float, float],
    baseline: tuple[float, float, float],
    ratio: tuple[float, float, float],
) -> None:
    alike(numbers(ratio_of_needs(Estimate(*needed), Estimate(*baseline))), ratio)


def only(curve: Curve, baseline: Curve) -> Need:
    common = np.intersect1d(curve.labels, baseline.labels)
    return next(iter(Goals(baseline, common, {}, SignFlip()).needs(curve, LOOSE)))


def test_a_baseline_needs_no_more_than_it_had() -> None:
    """However its curve runs: with its last number of labels, it has its last score."""
    rng = np.random.default_rng(3)
    for _ in range(20):
        curve, baseline = pair(rng, 4)
        need = only(curve, baseline)
        assert need.baseline.low < need.baseline.value <= need.baseline.high <= LABELS[-1]


def test_arms_of_other_seeds_are_compared_by_their_own() -> None:
    """What is known of the baseline by some seeds is not taken for others."""
    rng = np.random.default_rng(4)
    curve, baseline = pair(rng, 5)
    goals = Goals(baseline, curve.labels, {}, SignFlip())
    for seeds in ([0, 1, 2, 3, 4], [0, 1, 2], [2, 3, 4]):
        some = curve.only(seeds, curve.labels)
        alone = Goals(baseline.only(seeds, baseline.labels), curve.labels, {}, SignFlip())
        assert list(goals.needs(some, LOOSE)) == list(alone.needs(some, LOOSE))


def test_what_the_baseline_needs_is_unknown_where_it_was_run_with_no_fewer() -> None:
    curve, baseline = curve_of([8, 16], [[0.5, 0.7], [0.5, 0.8]]), curve_of([16], [[0.6], [0.6]])
    need = only(curve, baseline)
    assert need.labels.value == 12  # the first whole number from 11.2 on, where 0.5 + 0.25 (n − 8) / 8 = 0.6
    assert np.isnan(numbers(need.baseline)).all()
    assert np.isnan(numbers(need.ratio)).all()


def test_a_target_says_what_the_baseline_needs_for_it() -> None:
    curve, baseline = (curve_of([10, 20], [[0.0, top], [0.0, top]]) for top in (1.0, 0.5))
    scores = {"0.5": {0: 0.5, 1: 0.5}}
    need = list(Goals(baseline, curve.labels, scores, SignFlip()).needs(curve))[-1]
    assert (need.target, need.labels.value, need.baseline.value) == ("0.5", 15, 20)
    (own,) = Goals(baseline, curve.labels, scores, SignFlip()).needs(baseline)
    assert own.labels.value == 20
    assert np.isnan(own.baseline.value)
