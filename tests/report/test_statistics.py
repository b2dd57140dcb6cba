import math
from collections.abc import Sequence
from functools import partial

import numpy as np
import pytest
from scipy import stats
from sklearn.metrics import ndcg_score

from al_runner.report.statistics.curves import Array, Curve, crossing, paired
from al_runner.report.statistics.efficiency import (
    MOST_LABELS,
    RATIOS,
    labels_needed,
    labels_ratio,
    whole_labels,
)
from al_runner.report.statistics.intervals import (
    Estimate,
    Spread,
    mean_estimate,
    student_interval,
)
from al_runner.report.statistics.paired import PROCEDURES
from al_runner.report.statistics.penalty import penalties
from al_runner.report.statistics.sign_flip import SignFlip
from al_runner.report.study.agreement import common_share, ndcg, ndcg_by_chance, ndcg_of_orders
from tests.report import twins

LOOSE = 0.3
"""A level at which three seeds tell something."""


shown = partial(SignFlip().shown, level=LOOSE)


def alike(ours: object, theirs: object, rel: float = 1e-9, within: float = 1e-9) -> None:
    np.testing.assert_allclose(np.asarray(ours, float), np.asarray(theirs, float), rtol=rel, atol=within)


def curve_of(labels: Sequence[float] | Array, values: Sequence[Sequence[float]] | Array) -> Curve:
    return Curve(np.array(labels, dtype=float), tuple(range(len(values))), np.array(values, dtype=float))


def measured(curve: Curve) -> twins.Measured:
    return curve.labels.tolist(), curve.values.tolist()


def numbers(estimate: Estimate) -> tuple[float, float, float]:
    return estimate.value, estimate.low, estimate.high


def learner(rng: np.random.Generator, seeds: int, speed: float = 0.1) -> Curve:
    """A learning curve on a random grid of labels that need not rise everywhere."""
    size = int(rng.integers(2, 7))
    labels = np.sort(rng.choice(np.arange(5, 40), size, replace=False))
    return curve_of(labels, np.cumsum(rng.normal(speed, 0.08, (seeds, size)), 1))


# ------------------------------------------------------------------------------------------ learning curves


@pytest.mark.parametrize("seed", range(5))
def test_a_curve_is_what_its_definitions_say(seed: int) -> None:
    rng = np.random.default_rng(seed)
    curve = learner(rng, seeds=int(rng.integers(2, 6)))
    labels, values = measured(curve)
    where = rng.uniform(labels[0], labels[-1], 9)
    alike(curve.at(where), [[twins.at(labels, row, x) for x in where] for row in values])
    alike(curve.at(curve.labels), values)
    alike(curve.area, [twins.area(labels, row) for row in values])
    alike(curve.mean, [twins.mean(column) for column in zip(*values, strict=True)])
    spreads = [Spread.of(column).deviation for column in curve.values.T]
    alike(spreads, [twins.deviation(column) for column in zip(*values, strict=True)])


@pytest.mark.parametrize("seed", range(5))
def test_a_crossing_is_the_first_one(seed: int) -> None:
    rng = np.random.default_rng(seed)
    x, y = np.sort(rng.uniform(0, 100, 12)), rng.uniform(0, 1, 12)
    targets = [*rng.uniform(-0.1, 1.1, 20), *y]
    alike([crossing(x, y, t) for t in targets], [twins.crossing(x.tolist(), y.tolist(), t) for t in targets])
    assert crossing(x, y, y[0]) == x[0]
    assert crossing(x, y, y.max() + 1e-8) == math.inf
    assert crossing(x, y, y.max() + 1e-15) == x[y.argmax()]
    assert crossing(x[:1], y[:1], y[0]) == x[0]


def test_a_curve_is_made_of_what_all_seeds_measured() -> None:
    nan = math.nan
    rows = {
        7: [{"n_labeled": n, "auroc": 0.1 * n, "fit": 1.0} for n in (10, 20, 30, 40)],
        2: [{"n_labeled": n, "auroc": v} for n, v in ((40, 0.4), (30, nan), (20, 0.2), (10, 0.1))],
        5: [{"n_labeled": 10, "auroc": 0.7}, {"n_labeled": 20}, {"n_labeled": 40, "auroc": 0.9}],
    }
    curve = Curve.of(rows, "auroc")
    assert curve.seeds == (2, 5, 7)
    assert measured(curve) == twins.common(rows, "auroc")
    assert curve.labels.tolist() == [10, 40]
    with pytest.raises(ValueError, match="in common"):
        Curve.of({0: rows[7][1:2], 1: rows[5]}, "auroc")
    with pytest.raises(ValueError, match="in common"):
        Curve.of(rows, "accuracy")


def test_one_seed_has_no_deviation_and_one_measurement_is_its_area() -> None:
    single = curve_of([10, 20], [[0.1, 0.2]])
    assert np.isnan([Spread.of(column).deviation for column in single.values.T]).all()
    assert curve_of([10], [[0.1], [0.3]]).area.tolist() == [0.1, 0.3]


def test_a_pair_is_cut_to_what_both_have() -> None:
    first = Curve(np.array([10.0, 20, 30]), (0, 2, 3), np.arange(9.0).reshape(3, 3))
    second = Curve(np.array([5.0, 10, 30, 40]), (1, 2, 3, 0), np.arange(16.0).reshape(4, 4))
    a, b = paired(first, second)
    assert a.seeds == b.seeds == (0, 2, 3)
    assert a.labels.tolist() == b.labels.tolist() == [10, 30]
    assert a.values.tolist() == [[0, 2], [3, 5], [6, 8]]
    assert b.values.tolist() == [[13, 14], [5, 6], [9, 10]]
    nothing, _ = paired(first, Curve(first.labels, (7, 8), first.values[:2]))
    assert nothing.seeds == ()


# ------------------------------------------------------------------------------------------------ intervals


@pytest.mark.parametrize("n", [2, 6, 11])
def test_student_interval_agrees_with_scipy(n: int) -> None:
    values = np.random.default_rng(n).normal(size=(n, 3))
    peer = stats.ttest_1samp(values, 0).confidence_interval(0.95)
    alike(student_interval(values), (peer.low, peer.high))
    estimate = mean_estimate(values[:, 0])
    alike(numbers(estimate), (values[:, 0].mean(), peer.low[0], peer.high[0]))
    assert np.isnan([mean_estimate(values[:1, 0]).low, mean_estimate(values[:1, 0]).high]).all()


@pytest.mark.parametrize(("first", "last"), [(10, 10), (10, 11), (1, 401), (1, 402), (20, 5000), (7, 60_000)])
def test_whole_labels_are_whole_and_not_too_many(first: float, last: float) -> None:
    grid = whole_labels(np.array([first, (first + last) // 2, last], dtype=float))
    assert (grid == grid.round()).all()
    assert len(grid) == len(set(grid)) == min(last - first + 1, MOST_LABELS)
    alike(grid, twins.whole_labels([first, last]), rel=0, within=0 if last - first < MOST_LABELS else 1)
    assert (grid[0], grid[-1]) == (first, last)


@pytest.mark.parametrize("seeds", [1, 2, 3, 5, 6, 7])
def test_labels_needed_agree_with_a_scan(seeds: int) -> None:
    rng = np.random.default_rng(seeds)
    seen = []
    for _ in range({6: 10, 7: 3}.get(seeds, 40)):
        curve = learner(rng, seeds)
        for target in (*rng.uniform(curve.mean.min(), curve.mean.max(), 2), curve.mean.max() + 0.05):
            theirs = twins.labels_needed(*measured(curve), target, LOOSE)
            alike(numbers(labels_needed(curve, target, shown)), theirs)
            seen.append(theirs)
    assert {math.isinf(value) for value, _, _ in seen} == {True, False}
    if seeds == 5:
        assert any(low > 0 and value < high < math.inf for value, low, high in seen)


@pytest.mark.parametrize("seeds", [3, 6])
def test_labels_needed_for_a_target_of_each_seed(seeds: int) -> None:
    rng = np.random.default_rng(seeds)
    for _ in range(5):
        curve, targets = learner(rng, seeds), rng.normal(0.3, 0.1, seeds)
        theirs = twins.labels_needed(*measured(curve), targets.tolist(), LOOSE)
        alike(numbers(labels_needed(curve, targets, shown)), theirs)
        moved = Curve(curve.labels, curve.seeds, curve.values - targets[:, None])
        alike(numbers(labels_needed(moved, 0, shown)), theirs)


def test_labels_needed_at_the_ends_of_the_budget() -> None:
    curve = curve_of([10, 20, 30], [[0.1, 0.4, 0.3], [0.3, 0.5, 0.4], [0.2, 0.6, 0.2]])
    at_once = labels_needed(curve, 0.19, shown)
    assert (at_once.value, at_once.low) == (10, 0)
    assert at_once.high < 20
    assert numbers(labels_needed(curve, 5.0, shown)) == (math.inf, 30, math.inf)
    assert labels_needed(curve, 0.25, shown).value == 13  # and not where it crosses again, on its way down
    assert labels_needed(curve, 0.45, shown).value == math.inf  # which a lucky measurement at 20 was above
    alone = labels_needed(curve.only([0], curve.labels), 0.25, shown)
    assert alone.value == 16
    assert math.isnan(alone.low)
    assert math.isnan(alone.high)


def test_labels_needed_on_a_coarse_grid() -> None:
    rng = np.random.default_rng(0)
    curve = curve_of([10, 900, 2500], np.cumsum(rng.normal(0.3, 0.05, (4, 3)), 1))
    theirs = twins.labels_needed(*measured(curve), 0.5, LOOSE)
    alike(numbers(labels_needed(curve, 0.5, shown)), theirs)
    exact = math.ceil(twins.crossing([10, 900, 2500], curve.mean.tolist(), 0.5))
    assert exact <= theirs[0] < exact + 7


def falling(rng: np.random.Generator, seeds: int, labels: Sequence[float]) -> Curve:
    """A curve that rises, falls, and may rise again, with little noise."""
    means = np.array([0.3, 0.9, *rng.uniform(0.3, 0.9, len(labels) - 2)])
    return curve_of(list(labels), means + rng.normal(0, 0.05, (seeds, len(labels))))


@pytest.mark.parametrize("seed", range(6))
@pytest.mark.parametrize("labels", [(5, 12, 20, 31, 44), (20, 300, 640, 1000, 1500)], ids=["fine", "coarse"])
def test_labels_needed_by_curves_that_fall(seed: int, labels: tuple[float, ...]) -> None:
    """What is told before the risen curve is there, told to be below where it is, or neither."""
    rng = np.random.default_rng(seed)
    curve = falling(rng, 6, labels)
    for target in (*rng.uniform(0.3, 0.9, 2), 0.85):
        theirs = twins.labels_needed(*measured(curve), target, 0.05)
        ours = numbers(labels_needed(curve, target, SignFlip().shown))
        alike(ours, theirs)
        if math.isfinite(ours[0]):
            assert SignFlip().shown(curve.at(np.array([ours[0]])) - target)[0] >= 0
            assert ours[1] < ours[0] <= ours[2] or ours[0] == labels[0]


def test_labels_needed_do_not_depend_on_the_level() -> None:
    """The interval does: a stricter one is wider."""
    curve = curve_of([10, 20, 30], np.array([0.9, 0.5, 0.5]) + np.linspace(-0.01, 0.01, 6)[:, None])
    found = [labels_needed(curve, 0.8, partial(SignFlip().shown, level=level)) for level in (0.05, 0.01)]
    assert [each.value for each in found] == [10, 10]
    assert found[1].high > found[0].high


def test_a_number_at_which_the_mean_is_told_to_be_below_is_none() -> None:
    """The risen curve is at .7 with 36 labels; the mean is told to be below until 37."""
    steps, spread = np.linspace(-1, 1, 8)[:, None], np.array([0.001, 0.5, 0.001, 0.001])
    curve = curve_of([10, 20, 30, 40], np.array([0.5, 0.6, 0.2, 0.95]) + steps * spread)
    found = labels_needed(curve, 0.7, SignFlip().shown)
    assert np.interp(36, curve.labels, curve.risen) > 0.7
    assert (found.value, found.low) == (37, 36)


def test_a_target_far_below_the_first_measurement_may_need_no_labels() -> None:
    curve = curve_of([10, 20], [[0.50, 0.7], [0.51, 0.8], [0.52, 0.7]])
    ours = numbers(labels_needed(curve, 0.1, shown))
    assert ours == twins.labels_needed(*measured(curve), 0.1, LOOSE) == (10, 0, 10)


@pytest.mark.parametrize("last", [(0.5, 0.6, 0.85), (0.5, 0.7, 0.75), (0.6, 0.65, 0.7)])
def test_a_curve_reaches_its_own_mean(last: tuple[float, ...]) -> None:
    curve = curve_of([10, 20], [[0.3, value] for value in last])
    assert curve.mean[-1] == 0.65
    assert labels_needed(curve, 0.65, shown).value == 20


@pytest.mark.parametrize("seeds", [1, 2, 3, 5, 6])
def test_the_ratio_of_labels_agrees_with_a_scan(seeds: int) -> None:
    rng = np.random.default_rng(seeds)
    seen = []
    for _ in range(12 if seeds < 6 else 2):
        curve, reference = learner(rng, seeds, 0.13), learner(rng, seeds, 0.08)
        for target in rng.uniform(0, 0.6, 2):
            theirs = twins.labels_ratio(measured(curve), measured(reference), target, LOOSE)
            alike(numbers(labels_ratio(curve, reference, target, shown)), theirs)
            seen.append(theirs)
    if seeds == 3:
        assert any(low > 0 and high < math.inf for _, low, high in seen)


def rising(speeds: Sequence[float], noise: float, seeds: int) -> tuple[Curve, ...]:
    labels = np.arange(10, 101, 10.0)
    rng = np.random.default_rng(seeds)
    return tuple(
        curve_of(labels, 1 - np.exp(-speed * labels / 100) + rng.normal(0, noise, (seeds, 10)))
        for speed in speeds
    )


@pytest.mark.parametrize("seeds", [2, 3, 5, 6, 8, 9])
@pytest.mark.parametrize("target", [0.3, 0.6, 0.8, 0.95, 1.5])
def test_swapping_the_arms_inverts_their_ratio(seeds: int, target: float) -> None:
    curve, reference = rising((2.5, 1.2), 0.02, seeds)
    ours, theirs = (
        labels_ratio(curve, reference, target, shown),
        labels_ratio(reference, curve, target, shown),
    )
    with np.errstate(divide="ignore"):
        alike(1 / np.array(numbers(ours)), (theirs.value, theirs.high, theirs.low))


def test_a_ratio_to_itself_is_one() -> None:
    (curve,) = rising((2.5,), 0.02, 6)
    value, low, high = numbers(labels_ratio(curve, curve, 0.6, shown))
    assert value == 1
    assert 0 < low < 1
    assert low * high == pytest.approx(1)


def test_a_ratio_scales_with_the_labels() -> None:
    curve, reference = rising((2.5, 1.2), 0.02, 5)
    plain = labels_ratio(curve, reference, 0.5, shown)
    both = [Curve(7 * c.labels, c.seeds, 2 * c.values + 3) for c in (curve, reference)]
    alike(numbers(labels_ratio(*both, 2 * 0.5 + 3, shown)), numbers(plain))
    one = labels_ratio(Curve(3 * curve.labels, curve.seeds, curve.values), reference, 0.5, shown)
    alike(
        np.log(numbers(one)), np.log(3 * np.array(numbers(plain))), within=2 * math.log(30) / (RATIOS - 1) * 2
    )


def test_a_target_that_one_arm_reaches_gives_a_one_sided_interval() -> None:
    curve, reference = rising((3.0, 1.0), 0.01, 5)
    ours = labels_ratio(curve, reference, 0.7, shown)
    assert (ours.value, ours.low) == (0, 0)
    assert ours.high < 1
    theirs = labels_ratio(reference, curve, 0.7, shown)
    assert (theirs.value, theirs.high) == (math.inf, math.inf)
    assert theirs.low > 1


def test_an_arm_far_behind_bounds_the_ratio_too() -> None:
    """The mean of both does not reach the target within the budget, but one of them does, early."""
    noise = np.random.default_rng(0).normal(0, 0.003, (2, 6, 2))
    curve, reference = (
        curve_of([10, 100], np.array([0.11, end]) + each)
        for end, each in zip((0.95, 0.63), noise, strict=True)
    )
    _, low, high = numbers(labels_ratio(curve, reference, 0.8, shown))
    assert low == 0
    assert 0.8 < high < 0.95
    alike((low, high), twins.labels_ratio(measured(curve), measured(reference), 0.8, LOOSE)[1:])


def test_a_target_that_neither_reaches_or_both_reach_at_once_gives_none() -> None:
    curve, reference = rising((3.0, 1.0), 0.01, 5)
    assert np.isnan(numbers(labels_ratio(curve, reference, 2.0, shown))).all()
    assert np.isnan(numbers(labels_ratio(curve, reference, 0.01, shown))).all()
    alone = labels_ratio(curve.only([0], curve.labels), reference.only([0], reference.labels), 0.4, shown)
    assert alone.value > 0
    assert np.isnan((alone.low, alone.high)).all()


# -------------------------------------------------------------------------------------------- penalty matrix


def arm(rng: np.random.Generator, seeds: Sequence[int], labels: Sequence[int], level: float) -> Curve:
    return Curve(np.array(labels, float), tuple(seeds), level + rng.normal(0, 0.1, (len(seeds), len(labels))))


def cells(curve: Curve) -> dict[int, dict[float, float]]:
    rows = zip(curve.seeds, curve.values.tolist(), strict=True)
    return {seed: dict(zip(curve.labels.tolist(), row, strict=True)) for seed, row in rows}


@pytest.mark.parametrize("name", list(PROCEDURES))
@pytest.mark.parametrize("seed", range(3))
def test_the_penalty_matrix_agrees_with_its_twin(name: str, seed: int) -> None:
    rng = np.random.default_rng(seed)
    curves = [
        arm(rng, range(7), (10, 20, 30, 40), 0.0),
        arm(rng, range(8), (10, 20, 30, 40), 0.1),
        arm(rng, range(1, 9), (5, 10, 20, 40, 50), 0.2),
        arm(rng, range(7, 14), (10, 20), 0.3),  # one seed in common with the second
        arm(rng, (20, 21), (10, 20), 0.4),
    ]
    twin = {
        "sign-flip": twins.sign_flip,
        "wilcoxon": twins.wilcoxon,
        "t": lambda d: float(stats.ttest_1samp(d, 0).pvalue),
    }[name]
    ours = penalties(curves, PROCEDURES[name])
    raw, corrected, tests = twins.penalties([cells(curve) for curve in curves], twin)
    alike(ours.raw, raw)
    alike(ours.holm, corrected)
    assert ours.tests == tests
    back = penalties(curves[::-1], PROCEDURES[name])
    alike(back.raw[::-1, ::-1], raw)
    alike(back.holm[::-1, ::-1], corrected)


def test_a_pair_with_nothing_in_common_is_unknown() -> None:
    rng = np.random.default_rng(0)
    strangers = [arm(rng, (0, 1), (10,), 0.0), arm(rng, (2, 3), (10,), 0.0), arm(rng, (0, 1), (20,), 0.0)]
    ours = penalties(strangers, SignFlip())
    alike(ours.raw, np.where(np.eye(3), 0, np.nan))
    alike(ours.holm, ours.raw)
    assert ours.tests == 0
    assert penalties(strangers[:1], SignFlip()).raw.tolist() == [[0]]


# ------------------------------------------------------------------------------------------------ agreement


@pytest.mark.parametrize("n", [1, 2, 7, 10, 25, 40])
def test_ndcg_agrees_with_its_twin_and_scikit_learn(n: int) -> None:
    rng = np.random.default_rng(n)
    reference = rng.choice(100, n, replace=False).tolist()
    rankings = [
        reference,
        reference[::-1],
        rng.permutation(reference).tolist(),
        rng.permutation(100).tolist(),
    ]
    for ranking in [*rankings, rng.choice(100, n, replace=False).tolist(), reference[: n // 2]]:
        ours = ndcg(reference, ranking)
        assert ours == pytest.approx(twins.ndcg(reference, ranking), abs=1e-9)
        assert 0 <= ours <= 1
        if set(ranking) >= set(reference):
            gains = [
                2 ** (5.5 - (10 * reference.index(x) // n) / 2) - 1 if x in reference else 0 for x in ranking
            ]
            if len(ranking) > 1:
                assert ours == pytest.approx(ndcg_score([gains], [range(len(ranking), 0, -1)]), abs=1e-9)
    assert ndcg(reference, reference) == 1
    assert ndcg(reference, [-1, -2]) == 0
    assert ndcg(reference, []) == 0


def test_ndcg_of_ten_has_the_grades_of_the_paper() -> None:
    gains = [2**grade - 1 for grade in (5.5, 5, 4.5, 4, 3.5, 3, 2.5, 2, 1.5, 1)]
    best = sum(gain / math.log2(place + 2) for place, gain in enumerate(gains))
    for place, gain in enumerate(gains):
        assert ndcg(range(10), [place]) == pytest.approx(gain / best)


@pytest.mark.parametrize("n", [1, 2, 5, 7])
def test_ndcg_by_chance_is_the_mean_of_all_orders(n: int) -> None:
    assert ndcg_by_chance(n) == pytest.approx(twins.ndcg_by_chance(n), abs=1e-9)


def test_a_whole_order_is_compared_among_what_both_have() -> None:
    assert ndcg_of_orders([1, 2, 3], [1, 2, 3]) == (1, pytest.approx(twins.ndcg_by_chance(3)))
    found, chance = ndcg_of_orders([9, 1, 2, 8, 3], [3, 7, 2, 1])
    assert found == pytest.approx(twins.ndcg([1, 2, 3], [3, 2, 1]))
    assert found < chance
    assert all(map(math.isnan, ndcg_of_orders([1], [2])))
    rng = np.random.default_rng(0)
    drawn = [ndcg_of_orders(range(300), rng.permutation(300).tolist()) for _ in range(200)]
    assert np.mean([value for value, _ in drawn]) == pytest.approx(drawn[0][1], abs=0.01)


def test_the_share_of_common_picks() -> None:
    assert common_share([1, 2, 3], [3, 9, 1, 7], [1, 9, 3]) == pytest.approx(2 / 3)
    assert common_share([1, 2, 3], [3, 9, 1], [9, 4]) == 0
    assert common_share([1, 2, 3], [3, 9, 1, 7]) == pytest.approx(2 / 3)
    assert common_share([1, 2], [3]) == 0
    assert common_share([5], [4, 5, 6]) == common_share([4, 5, 6], [5]) == 1
    assert math.isnan(common_share([], [1]))
    assert math.isnan(common_share([1], []))
