"""The mixed model over data sets, against the analysis of variance, which is exact for balanced runs."""

from pathlib import Path

import numpy as np
import pytest
from scipy import stats

from al_runner.report.cli import main
from al_runner.report.statistics.family import holm
from al_runner.report.statistics.mixed import mixed
from tests.report.conftest import WriteRun

pytest.importorskip("statsmodels")
pytestmark = pytest.mark.usefixtures("images")
STRATEGIES = ("random", "entropy", "margin")


def drawn(sets: int = 6, seeds: int = 4) -> np.ndarray:
    """Scores [N, k, S] with an effect of each kind."""
    rng = np.random.default_rng(2)
    level, of_set = rng.normal(0, 0.1, (sets, 1, 1)), rng.normal(0, 0.02, (sets, 3, 1))
    of_seed, rest = rng.normal(0, 0.02, (sets, 1, seeds)), rng.normal(0, 0.01, (sets, 3, seeds))
    return 0.7 + level + of_set + of_seed + rest + 0.03 * np.array([0, 1, 0])[:, None]


def test_it_is_the_analysis_of_variance_of_balanced_runs() -> None:
    values = drawn()
    n, k, _ = values.shape
    scores = {
        f"set {i}": {name: dict(enumerate(values[i, j])) for j, name in enumerate(STRATEGIES)}
        for i in range(n)
    }
    cells = values.mean(2)
    centered = cells - cells.mean(1, keepdims=True) - cells.mean(0) + cells.mean()
    error = np.sqrt(2 * (centered**2).sum() / ((n - 1) * (k - 1)) / n)
    gains = cells.mean(0)[1:] - cells.mean(0)[0]
    p = 2 * stats.t.sf(np.abs(gains / error), (n - 1) * (k - 1))
    found = mixed(scores, "random")
    assert [each.label for each in found] == ["entropy", "margin"]
    np.testing.assert_allclose([each.difference.value for each in found], gains, rtol=1e-4, atol=1e-6)
    np.testing.assert_allclose([each.p for each in found], p, rtol=0.02)
    np.testing.assert_allclose([each.holm for each in found], holm(p), rtol=0.02)
    for each in found:
        assert (each.difference.low > 0 or each.difference.high < 0) == (each.holm <= 0.05)


def test_the_report_has_it_where_it_is_asked_for(
    write_run: WriteRun, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    values = drawn(5, 3)
    for i, name in enumerate(("a", "b", "c", "d", "e")):
        for j, strategy in enumerate(STRATEGIES):
            for seed in range(3):
                write_run(strategy, seed, [0.5, round(float(values[i, j, seed]), 4)], name=name)
    main([str(tmp_path / "runs"), "--mixed-model"])
    assert "the mixed model" in capsys.readouterr().out
    (table,) = (tmp_path / "runs" / "report" / "tables").glob("*mixed_model.csv")
    assert [row.split(",")[0] for row in table.read_text().splitlines()[1:]] == ["entropy", "margin"]
