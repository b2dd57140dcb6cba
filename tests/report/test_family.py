"""What one correction counts: all comparisons of a page; and the upper bound, which is none of them."""

from pathlib import Path

import numpy as np
import pytest

from al_runner.report.cli import main
from al_runner.report.statistics.family import holm
from al_runner.report.study.analysis import Options, analyse, analyses
from al_runner.report.study.folders import find
from al_runner.report.study.grouping import experiments
from al_runner.report.writing.need_tables import regrets
from al_runner.report.writing.tables import summary
from al_runner.report.writing.verdict import answers
from tests.report.conftest import WriteRun

pytestmark = pytest.mark.usefixtures("images")
ASKED = Options("test/accuracy")
ORACLE = {"_target_": "al_runner.strategies.greedy_oracle.GreedyOracle", "candidates": 20}


def test_all_comparisons_of_a_page_are_one_family(
    write_run: WriteRun, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    rng = np.random.default_rng(0)
    for name, gain in (("bloodmnist", 0.05), ("octmnist", 0.004)):
        for seed in range(8):
            for strategy in ("random", "entropy", "margin"):
                more = gain if strategy == "entropy" else 0
                values = np.array([0.5, 0.6 + more]) + rng.normal(0, 0.01, 2)
                write_run(strategy, seed, values.round(4).tolist(), name=name)
    page = analyses(experiments(find([tmp_path])), ASKED)
    apart = [analyse(each, ASKED) for each in experiments(find([tmp_path]))]
    found, alone = ([r.versus for a in all_ for r in a.others if r.versus] for all_ in (page, apart))
    assert [each.p for each in found] == [each.p for each in alone]
    np.testing.assert_allclose([each.holm for each in found], holm(np.array([each.p for each in alone])))
    assert {each.comparisons for each in found} == {4}
    assert {each.comparisons for each in alone} == {2}
    for each in found:
        assert (each.area.low > 0 or each.area.high < 0) == (each.holm <= 0.05)
    main([str(tmp_path / "runs")])
    out = capsys.readouterr().out
    assert "The 4 comparisons of this page are one family" in out
    assert "--where left out" not in out
    main([str(tmp_path / "runs"), "--where", "strategy=random,entropy", "--where", "dataset=bloodmnist"])
    out = capsys.readouterr().out
    assert "--where left out margin on bloodmnist, entropy on octmnist, margin on octmnist" in out
    assert "one family" not in out


def test_the_upper_bound_is_compared_with_nothing_and_others_have_a_regret(
    write_run: WriteRun, tmp_path: Path
) -> None:
    for seed in range(6):
        noise = 0.001 * seed
        write_run("random", seed, [0.5, 0.6 + noise])
        write_run("entropy", seed, [0.5, 0.7 - noise])
        write_run("greedy_oracle", seed, [0.5, 0.8], options=ORACLE)
    (experiment,) = experiments(find([tmp_path]))
    analysis = analyse(experiment, ASKED)
    assert analysis.bound is not None
    assert [each.arm.label for each in analysis.others] == ["entropy"]
    assert {each.versus.comparisons for each in analysis.others if each.versus} == {1}
    said = " ".join(answers(analysis))
    assert "greedy_oracle" not in said
    assert [row[1] for row in summary(analysis).rows] == ["baseline", "better", "upper bound"]
    table = regrets(analysis, analysis.bound)
    assert [row[0] for row in table.rows] == ["random", "entropy", "greedy_oracle"]
    random, entropy, oracle = (row[3] for row in table.rows)
    assert random.value == pytest.approx(np.mean([(0.2 - 0.001 * s) / 2 for s in range(6)]))
    assert entropy.value == pytest.approx(np.mean([(0.1 + 0.001 * s) / 2 for s in range(6)]))
    assert random.low == pytest.approx((0.2 - 0.005) / 2)
    assert oracle is None
    (against_it,) = experiments(find([tmp_path]), "greedy_oracle")
    assert analyse(against_it, ASKED).bound is None, "whoever asks for it compares with it"
