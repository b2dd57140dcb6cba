"""Curves over what labels cost, against sums written out by hand, and what the command says of them."""

import csv
import shutil
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import pytest

from al_runner.report.cli import main
from al_runner.report.study.analysis import Options, analyse
from al_runner.report.study.folders import find
from al_runner.report.study.grouping import experiments
from al_runner.report.study.over_cost import notes, over_cost
from al_runner.report.writing.sections import sections
from tests.report.conftest import WriteRun


def add_costs(folder: Path, each: Sequence[float], column: str = "cost") -> None:
    """As a run with oracle.cost=slices writes them."""
    with (folder / "rounds.csv").open() as file:
        rows = list(csv.DictReader(file))
    for row, cost in zip(rows, np.cumsum(each), strict=True):
        row[column] = str(cost)
    with (folder / "rounds.csv").open("w") as file:
        writer = csv.DictWriter(file, list(rows[0]))
        writer.writeheader()
        writer.writerows(rows)


@pytest.fixture
def costly(study: Path) -> Path:
    """Entropy's labels cost twice as much as random's; margin would be one comparison too many."""
    shutil.rmtree(study / "phantom" / "margin")
    for folder in study.glob("*/*/seed-*"):
        seed = int(folder.name.split("-")[1])
        per_round = {"random": [50, 50, 50, 50], "entropy": [50, 100, 100, 100]}
        add_costs(folder, [cost + seed for cost in per_round[folder.parent.name]])
    return study


def test_is_the_mean_over_the_costs_that_all_reached(costly: Path) -> None:
    runs = find([costly])
    (experiment,) = experiments(runs)
    found = over_cost(analyse(experiment, Options("test/accuracy", over="cost")))
    assert [result.arm.label for result in found] == ["random", "entropy"]
    first, last = 55, 200  # seed 5's first round, and all of seed 0's rounds by random
    fine = np.linspace(first, last, 20_001)
    areas = {}
    for result in found:
        rows = {run.seed: run.rows for run in result.arm.finished}
        lines = [
            np.interp(fine, [r["cost"] for r in rows[s]], [r["test/accuracy"] for r in rows[s]])
            for s in range(6)
        ]
        areas[result.arm.label] = np.array([line.mean() for line in lines])
        assert (result.curve.labels[0], result.curve.labels[-1]) == (first, last)
        assert result.curve.area == pytest.approx(areas[result.arm.label], abs=2e-4)
        assert result.area.value == pytest.approx(areas[result.arm.label].mean(), abs=2e-4)
    compared = found[1].versus
    assert compared is not None
    assert compared.area.value == pytest.approx((areas["entropy"] - areas["random"]).mean(), abs=2e-4)
    assert compared.finding == "worse"  # over labels it is better
    assert compared.comparisons == 1


def test_the_command_shows_both(costly: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    main([str(costly), "--over", "cost", "--out", str(tmp_path / "report")])
    assert "entropy: better than random" in capsys.readouterr().out
    page = (tmp_path / "report" / "index.html").read_text()
    assert "test/accuracy over cost" in page
    assert list((tmp_path / "report").rglob("*learning_curves_cost.svg"))
    (table,) = (tmp_path / "report").rglob("*over_cost.csv")
    assert [row["finding"] for row in csv.DictReader(table.open())][:2] == ["baseline", "worse"]


def test_runs_that_count_images_have_no_other_cost(study: Path, capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as ended:
        main([str(study), "--over", "cost"])
    assert ended.value.code == 2
    assert "no run counted its cost" in capsys.readouterr().err


def test_without_costs_in_common_there_is_nothing(study: Path) -> None:
    for folder in study.glob("*/*/seed-*"):
        add_costs(folder, [50] * 4 if folder.parent.name == "random" else [300] * 4)
    (experiment,) = experiments(find([study]))
    analysis = analyse(experiment, Options("test/accuracy", over="cost"))
    assert over_cost(analysis) == []
    assert list(notes(analysis, [])) == [
        "Not compared over cost: the finished runs have no range of costs in common."
    ]


def test_what_runs_leave_is_not_compared_over_cost(write_run: WriteRun) -> None:
    for strategy in ("random", "entropy"):
        add_costs(folder := write_run(strategy, 0, [0.5, 0.6], final=0.7), [50, 50, 0])
    asked = Options("test/accuracy", over="cost")
    (section,) = sections(experiments(find([folder.parents[1]])), asked)
    assert "Not compared over cost: the models compared are those that runs leave." in section.notes


@pytest.mark.slow
def test_minutes_of_reading(study: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit):
        main([str(study), "--over", "minutes"])
    assert "of no run it is known how long people read; al-label measures it" in capsys.readouterr().err
    for folder in study.glob("*/*/seed-*"):
        per_round = {"random": [2.5, 1, 1, 1], "entropy": [2.5, 0.5, 0.5, 0.5]}.get(folder.parent.name)
        if per_round:
            add_costs(folder, per_round, "minutes")
    main([str(study), "--over", "minutes", "--out", str(tmp_path / "report")])
    capsys.readouterr()
    tables = {path.stem.split("_", 1)[1]: path for path in (tmp_path / "report" / "tables").iterdir()}
    compared = list(csv.DictReader(tables["over_minutes"].open()))
    assert [row["strategy"] for row in compared] == ["random", "entropy"]
    page = (tmp_path / "report" / "index.html").read_text()
    assert "from 2.5 to 4 minutes of reading" in page
    assert "Not compared over minutes: no finished run of margin says how long people read." in page
    assert list((tmp_path / "report").rglob("*learning_curves_minutes.svg"))
    (need,) = csv.DictReader(tables["minutes_needed"].open())
    (experiment,) = experiments(find([study]))
    curves = {arm.label: arm.curve("test/accuracy") for arm in experiment.arms}
    random, entropy = curves["random"], curves["entropy"]
    assert random is not None
    assert entropy is not None
    at = np.linspace(2.5, 4, 10_001)
    by_random = np.interp(at, [2.5, 3.5, 4.5, 5.5], random.mean)
    by_entropy = np.interp(at, [2.5, 3, 3.5, 4], entropy.mean)
    reached = at[np.flatnonzero(by_entropy >= by_random[-1])[0]]
    assert need["strategy"] == "entropy"
    assert float(need["minutes needed"]) == pytest.approx(reached, abs=1 / 60)
    assert (
        float(need["minutes needed low"])
        <= float(need["minutes needed"])
        <= float(need["minutes needed high"])
    )
