"""How many seeds a study needs: against formulas where there are some, and what the command says."""

import math
import re

import numpy as np
import pytest
from scipy import stats

from al_runner.report.cli import main
from al_runner.report.statistics.paired import PROCEDURES
from al_runner.report.statistics.power import Design, seeds_for
from al_runner.report.study.plan import Plan
from tests.report.conftest import WriteRun


@pytest.mark.parametrize("effect", [0.3, 1.0, 1.6])
def test_six_seeds_find_what_all_of_them_show(effect: float) -> None:
    """Then only 2 / 2^6 is below .05: all six differences have one sign."""
    assert Design(6).power(effect) == pytest.approx(stats.norm.cdf(effect) ** 6, abs=0.04)
    assert Design(6).power(-effect) == Design(6).power(effect)


@pytest.mark.parametrize(("seeds", "comparisons"), [(4, 1), (8, 1), (12, 3), (20, 2)])
def test_the_power_of_the_t_test_is_that_of_the_textbook(seeds: int, comparisons: int) -> None:
    critical = stats.t.isf(0.025 / comparisons, seeds - 1)
    for effect in (0.0, 0.5, 1.0):
        exact = stats.nct.sf(critical, seeds - 1, effect * math.sqrt(seeds))
        assert Design(seeds, "t", comparisons).power(effect) == pytest.approx(exact, abs=0.04)


@pytest.mark.parametrize("test", ["sign-flip", "wilcoxon"])
@pytest.mark.parametrize("seeds", [9, 13])
def test_the_power_is_the_share_of_studies_that_the_test_finds(test: str, seeds: int) -> None:
    values = np.random.default_rng(7).normal(0.8, 1, (seeds, 400))
    share = (PROCEDURES[test].shown(values, 0.05 / 2) == 1).mean()
    assert Design(seeds, test, 2).power(0.8) == pytest.approx(share, abs=0.05)


def test_what_is_found_as_a_rule_has_that_power() -> None:
    design = Design(10, "sign-flip", 2)
    reach = design.detectable(0.8)
    assert design.power(reach * 0.999) <= 0.8 <= design.power(reach * 1.001)
    assert seeds_for(reach, 0.79, "sign-flip", 2) == 10
    assert seeds_for(0.01, 0.8, "sign-flip", 2) == 0


def test_too_few_seeds_find_nothing() -> None:
    assert not Design(5).can_find
    assert not Design(6, comparisons=2).can_find
    assert Design(5, "t").can_find
    assert Design(5).power(100.0) == 0
    assert Design(5).detectable(0.8) == math.inf


def test_the_upper_limit_of_a_spread_is_above_it_in_80_percent_of_pilots() -> None:
    pilots = np.random.default_rng(0).normal(size=(5, 4000)).std(0, ddof=1)
    limits = [Plan("", 5, 1.0, float(spread), "t", 1).largest for spread in pilots]
    assert np.mean(np.array(limits) > 1) == pytest.approx(0.8, abs=0.02)


@pytest.fixture
def pilot(write_run: WriteRun, tmp_path: object) -> str:
    """Entropy is ahead by .02 on average, margin is random; a spread of .0224 (n − 1) both."""
    for seed, noise in enumerate((-0.02, -0.01, 0.01, 0.02, -0.02, 0.02)):
        write_run("random", seed, [0.5, 0.5])
        write_run("entropy", seed, [0.52 + noise, 0.52 + noise])
        write_run("margin", seed, [0.5, 0.5])
    return f"{tmp_path}/runs"


def test_the_command_says_how_many_seeds(pilot: str, capsys: pytest.CaptureFixture[str]) -> None:
    main([pilot, "--plan", "--effect", "0.02", "--where", "strategy=random,entropy"])
    out = capsys.readouterr().out
    spread = np.std([-0.02, -0.01, 0.01, 0.02, -0.02, 0.02], ddof=1)
    plan = Plan("entropy", 6, 0.02, float(spread), "sign-flip", 1)
    found, more = (f"{100 * plan.power(n):.0f} %" for n in (6, plan.seeds()))
    assert "entropy: 6 seeds find a difference of 0.020 in mean test/accuracy in " in out
    assert f" in {found} of studies, {plan.seeds()} in {more}." in out
    rows = dict(re.findall(r"^ +(\d+) +(\d+) %", out, re.MULTILINE))
    assert list(rows) == [str(n) for n in range(4, 21)]
    assert rows["5"] == "0"
    assert int(rows["20"]) > int(rows["10"]) > int(rows["6"]) > 0
    assert "0.019" in out
    assert "index.html" not in out


def test_a_plan_of_the_difference_that_the_pilot_has(pilot: str, capsys: pytest.CaptureFixture[str]) -> None:
    main([pilot, "--plan", "--test", "t"])
    out = capsys.readouterr().out
    assert "entropy: 6 seeds find a difference of 0.020" in out
    assert "which chance made smaller or larger" in out
    assert "corrected for 2 comparisons" in out
    assert "margin:" not in out, "its differences do not vary"


def test_what_cannot_be_planned_leaves_the_others(
    pilot: str, write_run: WriteRun, capsys: pytest.CaptureFixture[str]
) -> None:
    write_run("random", 0, [0.5, 0.5], name="another", fingerprint="md5:2")
    main([pilot, "--plan"])
    out = " ".join(capsys.readouterr().out.split())
    assert "entropy: 6 seeds find a difference of 0.020" in out
    assert "No plan: another has no strategy with two finished seeds" in out


@pytest.mark.parametrize(
    ("options", "line"),
    [
        (["--effect", "0.1"], "--effect needs --plan"),
        (["--plan", "--where", "strategy=random,margin"], "whose differences vary; run a pilot"),
        (["--plan", "--effect", "0"], "0 must be above 0"),
        (["--margin", "-0.1"], "-0.1 must be above 0"),
        (["--margin", "inf"], "inf is no finite number"),
        (["--margin", "nan"], "nan is no finite number"),
        (["--metric", ""], "--metric: must not be empty"),
        (["--baseline", " "], "--baseline: must not be empty"),
        (["--out", ""], "--out: must not be empty"),
    ],
)
def test_what_cannot_be_planned_is_refused(
    pilot: str, options: list[str], line: str, capsys: pytest.CaptureFixture[str]
) -> None:
    with pytest.raises(SystemExit) as ended:
        main([pilot, *options])
    assert ended.value.code == 2
    (error,) = capsys.readouterr().err.splitlines()
    assert line in error
