"""Tests, and intervals that are their inverse: they may never disagree."""

import math
from collections.abc import Callable, Iterator

import numpy as np
import pytest
from scipy import stats

from al_runner.report.statistics.curves import Array
from al_runner.report.statistics.effect import standardized
from al_runner.report.statistics.equivalence import tost, tost_estimate
from al_runner.report.statistics.family import holm, holm_levels, seeds_needed
from al_runner.report.statistics.intervals import LEVEL, Estimate
from al_runner.report.statistics.paired import PROCEDURES, PairedT
from al_runner.report.statistics.procedure import Procedure
from al_runner.report.statistics.sign_flip import SignFlip
from al_runner.report.statistics.signed_rank import SignedRank
from tests.report import twins
from tests.report.test_statistics import alike

FLIP, RANK, T = SignFlip(), SignedRank(), PairedT()


def differences(kind: str, n: int, rng: np.random.Generator) -> Array:
    scores = np.array([0.6, 0.7, 0.8, 0.9])
    return {
        "continuous": lambda: rng.normal(0.5, 1, n),
        "whole": lambda: rng.integers(-3, 4, n).astype(float),
        "tenths": lambda: rng.integers(-3, 4, n) / 10,
        "scores": lambda: rng.choice(scores, n) - rng.choice(scores, n),
        "zero": lambda: np.zeros(n),
    }[kind]()


KINDS = ["continuous", "whole", "tenths", "scores", "zero"]
EXACT: list[tuple[Procedure, Callable[[twins.Values], float]]] = [
    (FLIP, twins.sign_flip),
    (RANK, twins.wilcoxon),
]


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("n", [1, 2, 5, 7, 9])
@pytest.mark.parametrize(("ours", "theirs"), EXACT)
def test_exact_tests_agree_with_all_changes_of_signs(
    kind: str, n: int, ours: Procedure, theirs: Callable[[twins.Values], float]
) -> None:
    rng = np.random.default_rng(n)
    d = np.stack([differences(kind, n, rng) for _ in range(4)], 1)
    alike(ours.p(d), [theirs(column) for column in d.T.tolist()])
    alike(ours.p(-3 * d), ours.p(d))
    alike(ours.p(d[:, 0]), ours.p(d)[0])


def permuted_signs(d: Array) -> float:
    """The p of scipy's exact test of a mean of 0."""
    found = stats.permutation_test(
        (d,),
        lambda x, axis: abs(x.sum(axis)),
        permutation_type="samples",
        alternative="greater",
        n_resamples=np.inf,
    )
    return float(found.pvalue)


@pytest.mark.parametrize("n", [2, 6, 8])
def test_sign_flip_agrees_with_scipy(n: int) -> None:
    rng = np.random.default_rng(n)
    for d in (differences("continuous", n, rng), differences("whole", n, rng)):
        alike(FLIP.p(d), permuted_signs(d))


@pytest.mark.parametrize("n", [3, 6, 10, 16])
def test_wilcoxon_agrees_with_scipy(n: int) -> None:
    d = np.random.default_rng(n).normal(0.4, 1, n)
    alike(RANK.p(d), stats.wilcoxon(d, method="exact").pvalue)


def test_many_seeds_are_tested_by_drawn_signs() -> None:
    d = np.random.default_rng(0).normal(0.35, 1, 17)
    alike(FLIP.p(d), permuted_signs(d), rel=0, within=0.01)
    alike(RANK.p(d), stats.wilcoxon(d, method="exact").pvalue)
    assert FLIP.p(d) == FLIP.p(d.copy())


@pytest.mark.parametrize("n", [2, 5, 30])
def test_paired_t_agrees_with_scipy(n: int) -> None:
    a, b = np.random.default_rng(n).normal(0.1, 1, (2, n, 3))
    alike(T.p(a - b), stats.ttest_rel(a, b).pvalue)
    alike(T.p(b - a), T.p(a - b))


@pytest.mark.parametrize("procedure", PROCEDURES.values())
def test_no_difference_has_p_one_and_the_same_difference_the_least(procedure: Procedure) -> None:
    assert procedure.p(np.zeros((6, 2))).tolist() == [1, 1]
    least = 0 if procedure is PROCEDURES["t"] else 2 / 2**6
    assert procedure.least_p(6) == least
    alike(procedure.p(np.full((6, 1), 0.1)), [least])
    alike(procedure.p(np.full((6, 1), -0.5)), [least])


def test_holm_worked_by_hand() -> None:
    # m = 4: 4 · .005, 3 · .01, 2 · .03, and .04, which is raised to the .06 before it.
    alike(holm(np.array([0.01, 0.04, 0.03, 0.005])), [0.03, 0.06, 0.06, 0.02])
    alike(holm(np.array([[0.5, 0.6], [0.001, 0.5]])), [[1, 1], [0.004, 1]])
    assert holm(np.array([])).tolist() == []


@pytest.mark.parametrize("seed", range(6))
def test_holm_is_the_least_level_that_rejects(seed: int) -> None:
    rng = np.random.default_rng(seed)
    p = rng.uniform(size=(3, 4)) ** 3
    p = p.round(1) if seed % 2 else p
    alike(holm(p).ravel(), twins.holm(p.ravel().tolist()))
    order = rng.permutation(12)
    alike(holm(p.ravel()[order]), holm(p).ravel()[order])


@pytest.mark.parametrize("comparisons", [1, 2, 3, 6, 10, 45, 1000])
def test_the_fewest_seeds_are_the_first_whose_least_p_is_small(comparisons: int) -> None:
    first = next(s for s in range(1, 60) if comparisons * 2 / 2**s <= 0.05)
    assert seeds_needed(comparisons) == first
    same = np.column_stack([np.full(first, 1.0), *np.ones((min(comparisons, 10) - 1, first))])
    alike(holm(FLIP.p(same)), np.full(same.shape[1], FLIP.least_p(first) * same.shape[1]))


# ------------------------------------------------------------------------------------------------ intervals


def studies(n: int, size: int = 20) -> Iterator[Array]:
    """Of n seeds, [S, 20] each: far from 0, near it, with ties, zeros and rounding, and at their own ends."""
    rng = np.random.default_rng(n)
    for kind in KINDS:
        d = np.stack([differences(kind, n, rng) for _ in range(size)], 1)
        yield d
        yield d - rng.choice(d, axis=0).mean()
        yield d + rng.integers(-2, 3, size) / 10
        low, high = FLIP.interval(d, 0.2)
        yield d - np.where(np.isfinite(low), low, 0)  # 0 is the end of some interval now
        yield d - np.where(np.isfinite(high), high, 0)


@pytest.mark.parametrize("procedure", PROCEDURES.values(), ids=PROCEDURES)
@pytest.mark.parametrize("n", range(2, 21))
def test_an_interval_excludes_0_exactly_where_the_test_rejects_it(procedure: Procedure, n: int) -> None:
    told = set()
    if procedure is PROCEDURES["sign-flip"] and n > 13:
        procedure = SignFlip(11, 2**11)  # the same with fewer sets
    for d in studies(n):
        if procedure is PROCEDURES["t"]:  # equal values have a deviation that is rounding
            d = d[:, d.std(0) > 1e-9]
        p = procedure.p(d)
        for level in (0.05, 0.05 / 3, 0.1, 0.2):
            low, high = procedure.interval(d, level)
            assert ((p <= level) == ((low > 0) | (high < 0))).all()
            side = procedure.shown(d, level)
            assert (side == np.where(low > 0, 1, np.where(high < 0, -1, 0))).all()
            told |= set(side.tolist())
            if level == LEVEL:
                bounded = procedure.least_p(n) <= level
                assert (np.isfinite(low) == bounded).all()
                assert (np.isfinite(high) == bounded).all()
    assert told == {-1, 0, 1} or (n < 5 and told <= {-1, 0, 1})


@pytest.mark.parametrize("n", [16, 17])
def test_so_it_is_with_as_many_signs_as_the_report_takes(n: int) -> None:
    for d in studies(n, 2):
        low, high = FLIP.interval(d)
        assert ((FLIP.p(d) <= LEVEL) == ((low > 0) | (high < 0))).all()


@pytest.mark.parametrize(("procedure", "twin"), EXACT, ids=["sign-flip", "wilcoxon"])
@pytest.mark.parametrize("kind", ["continuous", "tenths"])
@pytest.mark.parametrize(("n", "level"), [(3, 0.3), (5, 0.2), (6, 0.05), (8, 0.05), (8, 0.0125)])
def test_an_interval_holds_what_the_test_does_not_reject(
    procedure: Procedure, twin: Callable[[twins.Values], float], kind: str, n: int, level: float
) -> None:
    rng = np.random.default_rng(n)
    for _ in range(3):
        d = differences(kind, n, rng)
        low, high = map(float, procedure.interval(d, level))
        near = [end + step for end in (low, high) for step in (-1e-6, 0.0, 1e-6)]
        places = [*near, *np.linspace(d.min() - 0.1, d.max() + 0.1, 23)]
        for theta, left in twins.inverse(d.tolist(), twin, level, places):
            assert left == (low - 1e-9 <= theta <= high + 1e-9), theta


@pytest.mark.parametrize("procedure", PROCEDURES.values(), ids=PROCEDURES)
@pytest.mark.parametrize("n", [6, 9, 17])
def test_an_interval_moves_with_the_differences(procedure: Procedure, n: int) -> None:
    d = np.random.default_rng(n).gamma(1.0, size=(n, 2, 3))
    low, high = procedure.interval(d)
    assert low.shape == (2, 3)
    alike(procedure.interval(-d), (-high, -low))
    alike(procedure.interval(3 * d + 2), (3 * low + 2, 3 * high + 2))
    for place in np.ndindex(2, 3):
        alike(procedure.interval(d[:, *place]), (low[place], high[place]))
    wider = procedure.interval(d, 0.02)
    assert (wider[0] <= low).all()
    assert (wider[1] >= high).all()


@pytest.mark.parametrize("procedure", PROCEDURES.values(), ids=PROCEDURES)
def test_what_is_unknown_stays_so(procedure: Procedure) -> None:
    d = np.random.default_rng(0).normal(size=(7, 3))
    d[2, 1] = np.nan
    assert np.isnan(procedure.p(d)).tolist() == [False, True, False]
    assert np.isnan(procedure.interval(d)[0]).tolist() == [False, True, False]
    assert procedure.shown(d, 1.0)[1] == 0


def test_the_signed_rank_interval_is_that_of_the_textbook() -> None:
    """n = 8: P(T ≤ 3) = 5/256, so it goes from the fourth smallest Walsh average to the fourth largest."""
    d = np.random.default_rng(1).normal(size=8)
    averages = sorted((a + b) / 2 for i, a in enumerate(d) for b in d[i:])
    alike(RANK.interval(d), (averages[3], averages[-4]))


def test_one_seed_has_no_interval_and_five_have_none_by_an_exact_test() -> None:
    assert math.isnan(FLIP.estimate(np.array([0.1])).low)
    five = FLIP.estimate(np.array([0.1, 0.2, 0.1, 0.3, 0.1]))
    assert (five.low, five.high) == (-math.inf, math.inf)
    assert five.value == pytest.approx(0.16)


# -------------------------------------------------------------------------------------------------- families


@pytest.mark.parametrize("seed", range(8))
def test_holms_levels_reject_what_holm_rejects(seed: int) -> None:
    rng = np.random.default_rng(seed)
    p = rng.uniform(size=7) ** 4
    p = p.round(2) if seed % 2 else p
    levels = holm_levels(p)
    alike(levels, twins.holm_levels(p.tolist(), LEVEL))
    assert ((p <= levels) == (holm(p) <= LEVEL)).all()
    assert (levels <= LEVEL).all()


def test_holms_levels_worked_by_hand() -> None:
    # .001 ≤ .05 / 4; .01 ≤ .05 / 3; .03 > .05 / 2, and so is all that follows.
    alike(holm_levels(np.array([0.03, 0.001, 0.5, 0.01])), [0.05 / 2, 0.05 / 4, 0.05 / 2, 0.05 / 3])
    alike(holm_levels(np.array([0.2])), [0.05])
    assert holm_levels(np.array([])).shape == (0,)


# ----------------------------------------------------------------------------------------------- equivalence


@pytest.mark.parametrize("procedure", PROCEDURES.values(), ids=PROCEDURES)
@pytest.mark.parametrize("n", [3, 6, 8, 11])
def test_equivalence_is_shown_exactly_where_its_interval_is_within_the_margin(
    procedure: Procedure, n: int
) -> None:
    rng, shown = np.random.default_rng(n), set()
    for kind in ("continuous", "tenths", "scores"):
        for _ in range(25):
            d = differences(kind, n, rng)
            d = d - rng.choice([0, d.mean()])
            margin = float(rng.choice([0.1, 0.2, 0.5, 1.0, 2.0]))
            if d.std() < 1e-9:
                continue
            for level in (0.05, 0.025):
                p, estimate = tost(d, margin, procedure), tost_estimate(d, margin, procedure, level)
                assert (p <= level) == (-margin < estimate.low and estimate.high < margin)
                plain = procedure.interval(d, 2 * level)
                alike((estimate.low, estimate.high), plain)
                shown.add(p <= level)
    assert shown == ({True, False} if n > 3 or procedure is PROCEDURES["t"] else {False})


def test_equivalence_by_t_tests_agrees_with_scipy() -> None:
    d = np.random.default_rng(3).normal(0.05, 0.2, 9)
    above = stats.ttest_1samp(d, -0.3, alternative="greater").pvalue
    below = stats.ttest_1samp(d, 0.3, alternative="less").pvalue
    alike(tost(d, 0.3, T), max(above, below))


@pytest.mark.parametrize("n", [4, 6])
def test_equivalence_by_sign_flips_agrees_with_all_changes_of_signs(n: int) -> None:
    d = np.random.default_rng(n).normal(0, 0.1, n)
    alike(
        tost(d, 0.15, FLIP),
        max(
            twins.sign_flip_above([x + 0.15 for x in d.tolist()]),
            twins.sign_flip_above([0.15 - x for x in d.tolist()]),
        ),
    )


# -------------------------------------------------------------------------------------- standardized effects


@pytest.mark.parametrize("n", [3, 6, 12])
def test_a_standardized_effect_is_the_mean_over_the_spread(n: int) -> None:
    """With the interval that Steiger and Fouladi give: both ends have 2.5 % beyond the t that was found."""
    d = np.random.default_rng(n).normal(0.8, 1, n)
    found = standardized(d, T.estimate(d))
    nu, t = n - 1, d.mean() / stats.sem(d)
    bias = math.gamma(nu / 2) / (math.sqrt(nu / 2) * math.gamma((nu - 1) / 2))
    assert found.value == pytest.approx(bias * d.mean() / d.std(ddof=1))
    assert stats.nct.sf(t, nu, found.low * math.sqrt(n)) == pytest.approx(0.025, abs=1e-6)
    assert stats.nct.cdf(t, nu, found.high * math.sqrt(n)) == pytest.approx(0.025, abs=1e-6)
    back = standardized(-3 * d, T.estimate(-3 * d))
    alike((back.value, back.low, back.high), (-found.value, -found.high, -found.low), within=1e-6)


@pytest.mark.parametrize("procedure", PROCEDURES.values(), ids=PROCEDURES)
def test_a_standardized_effect_excludes_0_where_the_test_does(procedure: Procedure) -> None:
    rng, seen = np.random.default_rng(0), set()
    for _ in range(60):
        d = rng.normal(rng.normal(0, 0.7), 1, int(rng.integers(4, 12)))
        mean = procedure.estimate(d, float(rng.choice([0.05, 0.02])))
        found = standardized(d, mean)
        assert (found.low > 0, found.high < 0) == (mean.low > 0, mean.high < 0)
        assert math.isinf(found.low) == math.isinf(mean.low)
        assert found.low < found.value < found.high
        seen.add((found.low > 0, found.high < 0))
    assert len(seen) == 3


def test_what_does_not_spread_has_no_standardized_effect() -> None:
    for d in (np.full(6, 0.1), np.zeros(6), np.array([0.3])):
        assert math.isnan(standardized(d, Estimate(float(d.mean()), 0.0, 1.0)).value)
    far = 1 + 1e-3 * np.arange(8.0)
    found = standardized(far, T.estimate(far))
    assert found.value > 100
    assert math.isnan(found.low)
