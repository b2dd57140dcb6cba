"""Arms that are compared by the models that their runs leave: numbers, words, files and figures."""

import csv
import json
import shutil
import warnings
from itertools import product
from pathlib import Path

import numpy as np
import pytest
from scipy import stats

from al_runner.report.cli import main
from al_runner.report.contents import Figure, Table, words
from al_runner.report.figures.choices import picked_shares
from al_runner.report.figures.confusion import confusion
from al_runner.report.figures.cost import by_round
from al_runner.report.statistics.intervals import Spread
from al_runner.report.study.agreement import agreements
from al_runner.report.study.analysis import Analysis, Options, analyse
from al_runner.report.study.folders import find
from al_runner.report.study.grouping import experiments
from al_runner.report.study.outcomes import outcomes, validation
from al_runner.report.study.runs import Run
from al_runner.report.writing.across import over_data_sets
from al_runner.report.writing.sections import sections
from tests.commands import Command
from tests.report import twins
from tests.report.conftest import GAINS, WriteRun

pytestmark = pytest.mark.usefixtures("images")


@pytest.fixture
def sweep(write_arm: WriteRun, tmp_path: Path) -> Path:
    """Two arms and the reference, three budgets, three seeds."""
    for seed in range(3):
        write_arm("1_full", seed)
        for arm, budget in product(("2_limited", "4_active"), (40, 80, 120)):
            write_arm(arm, seed, budget)
    return tmp_path / "runs"


def analysis_of(place: Path, metric: str = "test/accuracy", **options: float) -> Analysis:
    (experiment,) = experiments(find([place]))
    return analyse(experiment, Options(metric, **options))  # type: ignore[arg-type]


def drawn(place: Path, metric: str = "test/accuracy") -> dict[str, Figure]:
    """The figures of a report; each is laid out, and every warning is an error."""
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        (section,) = sections(experiments(find([place])), Options(metric))
        for figure in section.figures:
            figure.drawing.draw_without_rendering()
            assert 40 < len(figure.alt) <= 400, figure.alt
    return {figure.slug: figure for figure in section.figures}


def said(place: Path, capsys: pytest.CaptureFixture[str], *arguments: str) -> str:
    main([str(place), *arguments])
    return capsys.readouterr().out


def table(place: Path, name: str) -> list[dict[str, str]]:
    with (place / "report" / "tables" / f"phantom_{name}.csv").open() as file:
        return list(csv.DictReader(file))


def left(place: Path, arm: str, column: str, labels: int = 80) -> np.ndarray:
    """The last row's value of each seed, read by hand."""
    found = {}
    for path in place.rglob("manifest.json"):
        manifest = json.loads(path.read_text())
        rows = list(csv.DictReader((path.parent / "rounds.csv").open()))
        if manifest["report"]["arm"] == arm and int(rows[-1]["n_labeled"]) == labels:
            found[manifest["seed"]] = float(rows[-1][column])
    return np.array([found[seed] for seed in sorted(found)])


def test_the_terminal_says_what_was_found_at_one_budget(alda: Path) -> None:
    done = Command(alda).report(str(alda))
    assert done.returncode == 0, done.stderr
    out = done.stdout
    assert "4_active: no difference to 2_limited is shown. Difference in test/accuracy at 80 labels: −" in out
    assert "corrected for 4 comparisons" in out
    assert "5 seeds cannot show a difference of any size: 4 comparisons need at least 8 seeds." in out
    assert "(no interval)" in out
    for word in ("reaches", "does not reach", "mean over the budget", "all labels", "strategies"):
        assert word not in out
    assert "1_full" in out
    assert " ± " in out


def test_outcomes_are_those_of_the_final_models(alda: Path, capsys: pytest.CaptureFixture[str]) -> None:
    said(alda, capsys)
    rows = {row["arm"]: row for row in table(alda, "outcomes")}
    assert list(rows) == ["1_full", *GAINS]
    for arm, row in rows.items():
        labels = 200 if arm == "1_full" else 80
        assert (row["labels"], row["seeds"]) == (str(labels), "5")
        for metric in ("val/accuracy_max", "val/accuracy", "test/accuracy"):
            values = left(alda, arm, metric, labels)
            assert float(row[metric]) == pytest.approx(np.mean(values), abs=1e-12)
            assert float(row[f"{metric} deviation"]) == pytest.approx(np.std(values, ddof=1), abs=1e-12)
    summary = {row["arm"]: row for row in table(alda, "summary")}
    assert float(summary["1_full"]["test/accuracy"]) == pytest.approx(
        left(alda, "1_full", "test/accuracy", 200).mean()
    )
    assert summary["1_full"]["finding"] == "reference"


def slow_holm(p: dict[str, float]) -> dict[str, float]:
    adjusted, highest = {}, 0.0
    for k, key in enumerate(sorted(p, key=lambda key: p[key])):
        highest = max(highest, min(1.0, p[key] * (len(p) - k)))
        adjusted[key] = highest
    return adjusted


def test_differences_are_paired_by_seed_and_corrected(alda: Path, capsys: pytest.CaptureFixture[str]) -> None:
    said(alda, capsys)
    rows = {row["arm"]: row for row in table(alda, "outcome_differences")}
    assert list(rows) == list(GAINS)[1:]
    for metric in ("val/accuracy_max", "test/accuracy"):
        p = {}
        for arm, row in rows.items():
            d = left(alda, arm, metric) - left(alda, "2_limited", metric)
            assert float(row[metric]) == pytest.approx(d.mean(), abs=1e-12)
            assert (row[f"{metric} low"], row[f"{metric} high"]) == ("-inf", "inf"), "5 seeds show nothing"
            sums = [abs(np.dot(signs, d)) for signs in product((1, -1), repeat=5)]
            p[arm] = float(np.mean([total >= abs(d.sum()) - 1e-12 for total in sums]))
        for arm, corrected in slow_holm(p).items():
            assert float(rows[arm][f"p ({metric})"]) == pytest.approx(corrected)


def test_the_intervals_of_differences_are_at_the_level_of_their_test(
    alda: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    said(alda, capsys, "--test", "t")
    rows = {row["arm"]: row for row in table(alda, "outcome_differences")}
    assert len(rows) == 4
    for metric in ("val/accuracy_max", "test/accuracy"):
        d = {arm: left(alda, arm, metric) - left(alda, "2_limited", metric) for arm in rows}
        p = {arm: float(stats.ttest_1samp(each, 0).pvalue) for arm, each in d.items()}
        found = []
        for arm, level in zip(p, twins.holm_levels(list(p.values()), 0.05), strict=True):
            ends = stats.ttest_1samp(d[arm], 0).confidence_interval(1 - level)
            low, high = (float(rows[arm][f"{metric} {end}"]) for end in ("low", "high"))
            assert (low, high) == pytest.approx((ends.low, ends.high), abs=1e-12)
            corrected = float(rows[arm][f"p ({metric})"])
            assert (corrected <= 0.05) == (not low <= 0 <= high)
            found.append(corrected <= 0.05)
        assert set(found) == {True, False}
    summary = {row["arm"]: row for row in table(alda, "summary")}
    for arm, row in rows.items():
        assert float(summary[arm]["p (Holm)"]) == pytest.approx(float(row["p (test/accuracy)"]))
        assert float(summary[arm]["difference low"]) == pytest.approx(float(row["test/accuracy low"]))


def test_the_figures_of_one_budget(alda: Path) -> None:
    figures = drawn(alda)
    assert {"learning_curves", "differences", "final_scores"}.isdisjoint(figures)
    assert list(figures)[:2] == ["outcomes", "loops"]
    figure = figures["outcomes"]
    (axes,) = figure.drawing.axes
    assert [text.get_text() for text in axes.get_yticklabels()] == ["1_full", *GAINS]
    assert axes.get_xlabel() == "accuracy at 80 labels (1_full: all labels)"
    assert "standard deviation over seeds" in figure.note
    assert "maximum over the epochs" in figure.note
    dots = [line for line in axes.lines if line.get_marker() == "." and len(line.get_xdata()) == 5]  # type: ignore[arg-type]
    assert len(dots) == 12
    np.testing.assert_allclose(
        sorted(dots[0].get_xdata()), sorted(left(alda, "1_full", "val/accuracy_max", 200))
    )
    assert figures["loops"].title == "test/accuracy of the models in the loop"
    assert "4_active ends at 0.4" in figures["loops"].alt
    assert "Final models are not drawn: training one took 5 s." in figures["times"].note


def test_the_validation_score_is_the_maximum_where_all_have_it(alda: Path, write_arm: WriteRun) -> None:
    analysis = analysis_of(alda)
    assert validation(analysis, outcomes(analysis)) == "val/accuracy_max"
    write_arm("4_active", 5, with_max=False)
    write_arm("2_limited", 5)
    analysis = analysis_of(alda)
    assert validation(analysis, outcomes(analysis)) == "val/accuracy"
    assert "maximum" not in drawn(alda)["outcomes"].note


def test_a_sweep_over_budgets_is_a_curve(sweep: Path, capsys: pytest.CaptureFixture[str]) -> None:
    out = said(sweep, capsys, "--target", "0.5")
    assert "Difference in mean test/accuracy over 40 to 120 labels" in out
    assert "4_active does not reach 1_full's score (0.8" in out
    rows = table(sweep, "outcomes")
    assert [(row["labels"], row["arm"]) for row in rows] == [
        ("200", "1_full"),
        *((n, arm) for n in ("40", "80", "120") for arm in ("2_limited", "4_active")),
    ]
    needs = {(row["arm"], row["target"]) for row in table(sweep, "labels_needed")}
    assert {("4_active", "the baseline's last score"), ("2_limited", "1_full's score")} <= needs
    areas = [
        np.trapezoid(
            [left(sweep, "4_active", "test/accuracy", n)[seed] for n in (40, 80, 120)], (40, 80, 120)
        )
        / 80
        for seed in range(3)
    ]
    summary = {row["arm"]: row for row in table(sweep, "summary")}
    assert float(summary["4_active"]["mean over the budget"]) == pytest.approx(np.mean(areas))
    assert summary["1_full"]["mean over the budget"] == ""
    figures = drawn(sweep)
    assert {"outcomes", "learning_curves", "differences", "loops"} <= set(figures)
    assert "Each point: the models that runs with so many labels leave" in figures["learning_curves"].note
    assert len(table(sweep, "runs")) == 3 * (1 + 2 * 3)


def test_the_longest_run_of_a_seed_stands_for_its_loop(sweep: Path) -> None:
    arm = next(arm for arm in analysis_of(sweep).experiment.arms if arm.label == "4_active")
    assert len(arm.finished) == 9
    assert len(by_round(arm, "fit_seconds")) == 6
    longest = [run for run in arm.finished if len(run.rows) == 6]
    bought = [[pick.label for query in run.queries[1:] for pick in query] for run in longest]
    shares = np.mean([[labels.count(str(k)) / len(labels) for k in range(3)] for labels in bought], 0)
    np.testing.assert_allclose(picked_shares(arm, 3), shares)


def test_confusion_is_that_of_the_final_model(alda: Path) -> None:
    analysis = analysis_of(alda)
    arms = {arm.label: arm for arm in analysis.experiment.arms}
    shares = confusion(arms["4_active"], analysis)
    assert shares is not None
    np.testing.assert_array_equal(shares.matrix, np.eye(3))
    limited = confusion(arms["2_limited"], analysis)
    assert limited is not None
    assert limited.matrix[0, 1] > 0


def test_only_queries_of_equal_sizes_are_compared(alda: Path, write_run: WriteRun) -> None:
    pairs = agreements(analysis_of(alda).experiment.arms)
    assert {(pair.first, pair.second) for pair in pairs} == {
        ("4_active", "5_pre_query"),
        ("4_active", "6_post_query"),
        ("5_pre_query", "6_post_query"),
    }
    assert all(pair.rounds == (1, 2, 3) for pair in pairs)
    for seed in range(2):
        write_run("entropy", seed, [0.5] * 3, bought=[20, 20, 40], final=0.5, arm="7_faster", with_max=True)
    longer = [pair for pair in agreements(analysis_of(alda).experiment.arms) if pair.second == "7_faster"]
    assert [pair.rounds for pair in longer] == [(1,)] * 3


def test_a_final_model_that_is_missing_is_part_of_no_number(
    alda: Path, write_arm: WriteRun, capsys: pytest.CaptureFixture[str]
) -> None:
    write_arm("4_active", 9, final=None, status="running", with_max=False)
    write_arm("1_full", 9, status="failed")
    out = said(alda, capsys)
    assert "4_active: unfinished and left out of every number: seed 9 (running)." in out
    assert "1_full: unfinished and left out of every number: seed 9 (failed)." in out
    running = [row for row in table(alda, "runs") if row["status"] != "finished"]
    assert [(row["arm"], row["test/accuracy"]) for row in running] == [("1_full", ""), ("4_active", "")]
    figures = drawn(alda)
    assert "Dotted" in figures["loops"].note
    assert "4_active" in figures["loops"].alt


def test_nothing_finished_yet(
    write_arm: WriteRun, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    write_arm("4_active", 0, final=None, status="running", with_max=False)
    assert "No run is finished" in said(tmp_path, capsys)


def test_a_score_to_reach_is_not_looked_for_at_one_budget(
    alda: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert "How many labels a target needs is not known: one number of labels was run." in said(
        alda, capsys, "--target", "0.5"
    )


def test_seeds_without_a_common_budget_ask_for_a_choice(
    write_arm: WriteRun, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    for seed, budget in enumerate((40, 80)):
        write_arm("4_active", seed, budget)
    with pytest.raises(SystemExit):
        main([str(tmp_path)])
    assert "in common; choose with --where schedule.budget=" in capsys.readouterr().err
    said(tmp_path, capsys, "--where", "schedule.budget=80")


def test_arms_without_a_common_number_of_labels(
    write_arm: WriteRun, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    for seed in range(2):
        write_arm("2_limited", seed, 60)
        write_arm("4_active", seed, 80)
    out = said(tmp_path, capsys)
    assert "4_active: no number of labels in common with 2_limited, so nothing is compared." in out
    assert "No number of labels was measured by all arms (2_limited: 60; 4_active: 80)." in out


def test_a_baseline_may_be_named_on_the_command_line(alda: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert "6_post_query: no difference to 4_active" in said(alda, capsys, "--baseline", "4_active")
    out = said(alda, capsys, "--where", "arm=4_active,6_post_query")
    assert "There is no baseline to compare with" in out
    with pytest.raises(SystemExit):
        main([str(alda), "--baseline", "7"])
    assert "--baseline 7: there are 2_limited, 3_augmented, 4_active" in capsys.readouterr().err


def test_the_maximum_itself_can_be_asked_for(alda: Path) -> None:
    analysis = analysis_of(alda, "val/accuracy_max")
    assert {result.arm.label for result in analysis.arms} == set(GAINS)
    assert "loops" not in drawn(alda, "val/accuracy_max"), "the loop's trainings did not record it"


def test_equal_scores_are_named(
    write_arm: WriteRun, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    for seed in range(2):
        for arm in ("4_active", "5_pre_query"):
            write_arm(arm, seed, final=0.5 + 0.01 * seed)
    assert "4_active, 5_pre_query have the same scores, seed by seed" in said(tmp_path, capsys)
    folder = next((tmp_path / "runs").glob("phantom/entropy/seed-1-*"))
    rows = (folder / "rounds.csv").read_text()
    (folder / "rounds.csv").write_text(rows.replace(",0.54\n", ",0.55\n"))
    assert "the same scores" not in said(tmp_path, capsys), "another metric differs"


def test_five_data_sets_are_ranked_by_what_the_runs_leave(write_run: WriteRun, tmp_path: Path) -> None:
    for name in ("a", "b", "c", "d", "e"):
        for k, arm in enumerate(("2_limited", "4_active")):
            write_run("x", 0, [0.5, 0.6], name=name, arm=arm, final=0.6 + k / 10, model={"width": k})
    analyses = [analyse(each, Options("test/accuracy")) for each in experiments(find([tmp_path]))]
    section = over_data_sets(analyses)
    assert section is not None
    assert "Over 5 data sets the arms are not shown to differ" in section.answers[0]
    assert "test/accuracy of the models that the runs leave" in section.answers[0]


def test_the_page_shows_both_tables_first(alda: Path, capsys: pytest.CaptureFixture[str]) -> None:
    page = Path(said(alda, capsys).splitlines()[-1]).read_text()
    shown, _, opened = page.partition("<details>")
    assert " ± " in shown
    assert "The models that the runs leave: difference to 2_limited" in opened


def test_named_arms_that_leave_no_final_model_have_their_scores_drawn(
    write_run: WriteRun, tmp_path: Path
) -> None:
    for seed, (k, arm) in product(range(2), enumerate(("a", "b"))):
        write_run("entropy", seed, [0.5, 0.6 + k / 10], arm=arm, baseline="a", model={"width": k})
    figures = drawn(tmp_path)
    assert {"learning_curves", "differences", "outcomes"} <= set(figures)
    assert {"final_scores", "loops"}.isdisjoint(figures)


def test_deviations_in_words_and_files() -> None:
    cells = [Spread(0.6124, 0.0126), Spread(0.5, float("nan")), None]
    assert [words(cell) for cell in cells] == ["0.612 ± 0.013", "0.500", "—"]
    text = Table("t", "T", ["a", "b"], [["x", cell] for cell in cells]).csv()
    assert text.splitlines() == ["a,b,b deviation", "x,0.6124,0.0126", "x,0.5,nan", "x,,"]


@pytest.mark.drawn
def test_pictures_may_be_missing(alda: Path) -> None:
    for path in alda.rglob("round_1/picks.npy"):
        np.save(path, np.zeros((0, 8, 8), dtype=np.uint8))
    assert "montage" in drawn(alda)
    assert all(Run.read(path.parent).rows for path in alda.rglob("rounds.csv"))


def test_an_arm_of_more_budgets_than_the_baseline_keeps_its_own(
    write_arm: WriteRun, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    for seed in range(3):
        write_arm("2_limited", seed, 80)
        write_arm("4_active", seed, 40, final=0.7)
        write_arm("4_active", seed, 80, final=0.7)
    out = said(tmp_path, capsys, "--target", "0.5")
    assert "4_active reaches 2_limited's test/accuracy at 80 labels (0.5" in out
    assert ") with about 40 labels; whether 2_limited needs as many as 80 is not known" in out
    assert "How many labels a target needs is not known" not in out
    rows = table(tmp_path, "curves")
    assert [(row["labels"], row["2_limited"] == "") for row in rows] == [("40", True), ("80", False)]
    assert "test/accuracy" in table(tmp_path, "summary")[0], "compared at one number of labels"


@pytest.mark.slow
def test_an_arm_that_a_target_ended_is_missing_and_says_why(
    alda: Path, write_run: WriteRun, capsys: pytest.CaptureFixture[str]
) -> None:
    for path in list(alda.rglob("manifest.json")):
        if json.loads(path.read_text())["report"]["arm"] == "4_active":
            shutil.rmtree(path.parent)
    schedule = {"final_model": {"epochs": 40}, "target": {"value": 0.4}}
    for seed, loop in enumerate(([0.3, 0.4], [0.2, 0.4], [0.3, 0.3, 0.4])):
        named = {"arm": "4_active", "baseline": "2_limited"}
        write_run("entropy", seed, loop, schedule=schedule, final=0.5, **named)
    out = said(alda, capsys)
    assert (
        "4_active: its runs ended at different numbers of labels (seed 0: 40; seed 1: 40; seed 2: 60)" in out
    )
    assert "a criterion ended them; run them to a fixed budget to compare them; it has no statistics." in out
    assert "3_augmented: no difference to 2_limited is shown" in out
    drawn(alda)
    assert "4_active, the baseline, has no statistics" in said(alda, capsys, "--baseline", "4_active")
    with pytest.raises(SystemExit):
        main([str(alda), "--where", "arm=4_active"])
    (line,) = capsys.readouterr().err.splitlines()
    assert line.endswith("a criterion ended them; run them to a fixed budget to compare them")


def test_columns_of_one_name_keep_their_values() -> None:
    twice = Table("t", "t", ["labels", "labels"], [[20, Spread(0.5, 0.1)]])
    assert twice.csv() == "labels,labels,labels deviation\n20,0.5,0.1\n"
