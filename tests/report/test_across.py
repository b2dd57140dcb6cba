"""Strategies over data sets: ranks, pairs, stability."""

import math
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from scipy import stats

from al_runner.report.statistics import friedman
from al_runner.report.statistics.family import holm
from al_runner.report.statistics.ranks import pairs, ranking, stability, without_each
from al_runner.report.study.across import across
from al_runner.report.study.analysis import Options, analyse
from al_runner.report.study.folders import find
from al_runner.report.study.grouping import experiments
from al_runner.report.study.origins import in_blocks
from al_runner.report.writing.across import over_data_sets
from tests.report import twins

WriteRun = Callable[..., Path]
SETS = ("organamnist", "organcmnist", "bloodmnist", "dermamnist", "octmnist", "pathmnist")


def named(table: np.ndarray) -> dict[str, np.ndarray]:
    return {f"set {i}": row for i, row in enumerate(table)}


def scores(n: int, k: int, ties: bool = False) -> np.ndarray:
    rng = np.random.default_rng(10 * n + k)
    return rng.integers(0, 4, (n, k)) / 4 if ties else rng.normal(size=(n, k))


@pytest.mark.parametrize(("n", "k"), [(2, 3), (5, 3), (3, 4), (2, 5)])
@pytest.mark.parametrize("ties", [False, True])
def test_friedman_is_that_of_all_permuted_tables(n: int, k: int, ties: bool) -> None:
    ours = ranking(named(scores(n, k, ties)))
    ranks, p = twins.friedman(scores(n, k, ties).tolist())
    np.testing.assert_allclose(ours.ranks, ranks)
    assert ours.p == pytest.approx(p, abs=1e-12)
    assert ours.exact
    assert ours.blocks == tuple(f"set {i}" for i in range(n))


@pytest.mark.parametrize(("n", "statistic", "p"), [(4, 6.5, 0.042), (5, 6.4, 0.039), (6, 7.0, 0.029)])
def test_friedman_is_that_of_the_tables_for_three_strategies(n: int, statistic: float, p: float) -> None:
    """Hollander and Wolfe: P(χ² ≥ 6.5) = .042 for 4 blocks of 3, and so on."""
    rng = np.random.default_rng(n)
    tables = (rng.normal(size=(n, 3)) for _ in range(1000))
    table = next(t for t in tables if abs(stats.friedmanchisquare(*t.T).statistic - statistic) < 1e-9)
    assert ranking(named(table)).p == pytest.approx(p, abs=5e-4)


@pytest.mark.parametrize(("n", "k"), [(60, 3), (40, 5)])
def test_friedman_tends_to_iman_davenport(n: int, k: int) -> None:
    table = scores(n, k) + 0.15 * np.arange(k)
    assert ranking(named(table)).p == pytest.approx(twins.iman_davenport(table.tolist()), abs=0.02)


def test_drawn_tables_agree_with_all(monkeypatch: pytest.MonkeyPatch) -> None:
    table = named(scores(6, 4) + 0.3 * np.arange(4))
    exact = ranking(table)
    monkeypatch.setattr(friedman, "STATES", 1)
    drawn = ranking(table)
    assert (exact.exact, drawn.exact) == (True, False)
    assert drawn.p == pytest.approx(exact.p, abs=4 * math.sqrt(exact.p / friedman.DRAWN))


def test_two_strategies_are_compared_by_wilcoxons_test() -> None:
    table = np.random.default_rng(0).normal(size=(8, 2))
    p = stats.wilcoxon(table[:, 0], table[:, 1], method="exact").pvalue
    assert ranking(named(table)).p == pytest.approx(p)


@pytest.mark.parametrize("ties", [False, True])
def test_concordance_agrees_with_its_twin(ties: bool) -> None:
    """The mean of Spearman's ρ knows W without ties; with them, Friedman's χ² does: W = χ² / (N (k − 1))."""
    table = scores(7, 4, ties)
    ours = ranking(named(table)).concordance
    assert ours == pytest.approx(stats.friedmanchisquare(*table.T).statistic / (7 * 3))
    if not ties:
        assert ours == pytest.approx(twins.kendall_w(table.tolist()))


@pytest.mark.parametrize(
    ("k", "q"), [(2, 1.960), (3, 2.343), (4, 2.569), (5, 2.728), (6, 2.850), (10, 3.164)]
)
def test_the_critical_difference_is_demsars(k: int, q: float) -> None:
    ours = ranking(named(scores(14, k)))
    assert ours.critical_difference == pytest.approx(q * math.sqrt(k * (k + 1) / (6 * 14)), rel=5e-4)


def test_the_critical_difference_is_that_of_scikit_posthocs() -> None:
    posthocs = pytest.importorskip("scikit_posthocs")
    table = scores(9, 4) + 1.0 * np.arange(4)
    ours = ranking(named(table))
    p = posthocs.posthoc_nemenyi_friedman(table).to_numpy()
    apart = np.abs(ours.ranks[:, None] - ours.ranks) > ours.critical_difference
    assert 0 < apart.sum() < 12
    np.testing.assert_array_equal(apart, p < 0.05)


def test_pairs_are_those_of_scipy_corrected() -> None:
    table = scores(9, 3) + 0.7 * np.arange(3)
    which = [(1, 0), (2, 0), (2, 1)]
    found = pairs(named(table), which)
    p = [stats.wilcoxon(table[:, i], table[:, j], method="exact").pvalue for i, j in which]
    np.testing.assert_allclose([pair.p for pair in found], p)
    np.testing.assert_allclose([pair.holm for pair in found], holm(np.array(p)))
    for pair, (i, j) in zip(found, which, strict=True):
        assert pair.ahead == (table[:, i] > table[:, j]).sum()
        shown = pair.difference.low > 0 or pair.difference.high < 0
        assert shown == (pair.holm <= 0.05)


def test_what_is_left_out_changes_the_ranking_as_tau_says() -> None:
    table = scores(6, 5) + 0.2 * np.arange(5)
    whole, others = ranking(named(table)), without_each(named(table))
    found = stability(whole.ranks, others)
    for place, (tau, name) in enumerate(zip(found.taus, found.left_out, strict=True)):
        rows = [twins.row_ranks(row) for k, row in enumerate(table.tolist()) if k != place]
        means = [twins.mean(column) for column in zip(*rows, strict=True)]
        np.testing.assert_allclose(others[name], means)
        assert tau == pytest.approx(twins.kendall_tau(whole.ranks.tolist(), means))
    name, least = found.least
    assert least == min(found.taus) == found.taus[found.left_out.index(name)]
    best = [np.argmin(each) == np.argmin(whole.ranks) for each in others.values()]
    assert found.first == sum(best)


def test_data_sets_of_one_origin_are_one_block() -> None:
    found = {
        "organamnist": np.array([1.0, 2, 6]),
        "pathmnist": np.array([5.0, 4, 3]),
        "organmnist3d": np.array([3.0, 8, 0]),
        "organsmnist": np.array([2.0, 2, 0]),
        "chestmnist": np.array([2.0, 2, 0]),
        "pneumoniamnist": np.array([1.0, 2, 3]),
        "nih_chestxray14": np.array([4.0, 4, 0]),
        "chest_xray": np.array([3.0, 2, 1]),
    }
    blocks = in_blocks(found)
    assert list(blocks) == ["OrganMNIST", "pathmnist", "ChestX-ray14", "pediatric chest X-rays"]
    np.testing.assert_allclose(blocks["OrganMNIST"], [2, 4, 2])
    np.testing.assert_allclose(blocks["pathmnist"], [5, 4, 3])
    np.testing.assert_allclose(blocks["ChestX-ray14"], [3, 3, 0])
    np.testing.assert_allclose(blocks["pediatric chest X-rays"], [2, 2, 2])
    assert list(in_blocks({"chest_xray": np.ones(2)})) == ["chest_xray"]


@pytest.mark.drawn
def test_five_data_sets_are_ranked(write_run: WriteRun, tmp_path: Path) -> None:
    for name in SETS:
        for k, strategy in enumerate(("random", "margin", "entropy")):
            for seed in range(2):
                gain = 0.05 * k + (0.02 if name == "octmnist" else 0) - 0.08 * (seed * k == 2)
                write_run(strategy, seed, [0.5, 0.6 + gain], name=name)
    analyses = [analyse(each, Options("test/accuracy")) for each in experiments(find([tmp_path]), "random")]
    section = over_data_sets(analyses)
    assert section is not None
    said = " ".join([*section.answers, *section.notes])
    assert "Over 5 data sets the strategies differ (Friedman's test" in said, "two of one origin count once"
    assert "exact p < .001; concordance of the data sets W = 1.00)" in said
    assert "No strategy is shown to differ from random over data sets (signed-rank test" in said
    assert "So many comparisons need at least 7 data sets" in said
    assert "organamnist and organcmnist have one origin and count as one data set, OrganMNIST" in said
    assert "without one seed: Kendall's τ to the whole one is at least 0.33 (without seed 0)" in said
    assert "the best is the same in 1 of 2 cases" in said
    ranks, pairs_, stable = section.tables
    assert dict(zip(ranks.columns, ranks.rows[-1], strict=True)) == {
        "data set": "mean rank",
        "random": 3,
        "margin": 2,
        "entropy": 1,
    }
    assert [row[:3] for row in pairs_.rows] == [
        ["entropy", "random", "5 of 5"],
        ["margin", "random", "5 of 5"],
    ]
    assert "With 5 data sets no p can be .05 or less" in pairs_.note
    assert [row[0] for row in stable.rows] == [
        "bloodmnist", "dermamnist", "octmnist", "OrganMNIST", "pathmnist", "seed 0", "seed 1"
    ]  # fmt: skip
    (figure,) = section.figures
    assert figure.image("png").startswith(b"\x89PNG")
    assert "entropy 1.00, margin 2.00 and random 3.00" in figure.alt
    assert over_data_sets(analyses[:-1]) is None, "four independent data sets are too few"


def test_seven_data_sets_show_it(write_run: WriteRun, tmp_path: Path) -> None:
    for place, name in enumerate((*SETS[1:], "breastmnist", "retinamnist")):
        for k, strategy in enumerate(("random", "margin", "entropy")):
            write_run(strategy, 0, [0.5, 0.6 + 0.05 * k - 0.01 * place * (k == 2)], name=name)
    analyses = [analyse(each, Options("test/accuracy")) for each in experiments(find([tmp_path]), "random")]
    section = over_data_sets(analyses)
    assert section is not None
    said = " ".join(section.answers)
    assert "entropy is better than random (p = .031); margin is better than random (p = .031)" in said
    found = across(analyses)
    assert found is not None
    assert found.by_seed is None, "every strategy has one seed"
