"""al-report as a user has it: its terminal output, its page, its files, and one clear line for bad input."""

import csv
import json
import math
import re
import shutil
from collections.abc import Callable
from html.parser import HTMLParser
from pathlib import Path

import numpy as np
import pytest
from scipy import stats

from al_runner.report.cli import main
from al_runner.report.contents import Figure
from al_runner.report.contents import words as cell_words
from al_runner.report.statistics.intervals import Estimate
from tests.commands import Command
from tests.report.conftest import WriteRun

pytestmark = pytest.mark.usefixtures("images")
AlReport = Callable[..., str]


@pytest.fixture
def al_report(capsys: pytest.CaptureFixture[str]) -> AlReport:
    """Run al-report in this process, which has matplotlib; what it prints."""

    def run(*arguments: str | Path) -> str:
        main([str(argument) for argument in arguments])
        return capsys.readouterr().out

    return run


def page_of(out: str) -> Path:
    """The page is the last line of what it prints."""
    return Path(out.splitlines()[-1])


def table(page: Path, name: str) -> list[dict[str, str]]:
    with (page.parent / "tables" / f"{name}.csv").open() as file:
        return list(csv.DictReader(file))


class Outline(HTMLParser):
    """What a page refers to and says."""

    def __init__(self, page: Path) -> None:
        super().__init__()
        self.images: list[dict[str, str | None]] = []
        self.references: list[str] = []
        self.open: list[str] = []
        self.feed(page.read_text())

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        values = dict(attrs)
        self.references += [str(values[key]) for key in ("src", "href") if key in values]
        if tag == "img":
            self.images.append(values)
        elif tag not in ("meta", "link"):
            self.open.append(tag)

    def handle_endtag(self, tag: str) -> None:
        assert self.open.pop() == tag


def test_the_answer_of_a_study(al_report: AlReport, study: Path) -> None:
    done = Command(study).report(str(study))
    assert done.returncode == 0, done.stderr
    out = done.stdout
    assert page_of(out) == study / "report" / "index.html"
    assert "2 comparisons need at least 7 seeds" in out, "2 · 2 / 2^6 > .05"
    assert ", with no interval, which takes 7 seeds (exact paired sign-flip test, p = .031" in out
    assert "entropy: no difference to random is shown" in out
    assert out.splitlines()[1] == "None of the 2 strategies is shown to need fewer labels than random."
    assert re.search(
        r"^entropy needs about 5\d labels where random needs at most 80, both for random's "
        r"test/accuracy at 80 labels \(0\.7\d\d\): no saving is shown\.$",
        out,
        re.MULTILINE,
    )

    title, first, second, *_ = al_report(study, "--where", "strategy=random,entropy").splitlines()
    assert title == "phantom"
    assert first.startswith("entropy needs ")
    assert re.search(r"\): 3\d % fewer \[[23]\d, 3\d\]\.$", first), "of 80, it needs about 54"
    assert second.startswith("entropy: better than random")
    assert "p = .031; 6 seeds" in second


def test_the_largest_saving_comes_first(al_report: AlReport, write_run: WriteRun, tmp_path: Path) -> None:
    """Then, in the experiment's order, those that are shown to save nothing."""
    for seed in range(8):
        rise = 0.001 * (seed % 3)
        for strategy, scores in {
            "random": [0.5, 0.6 + rise, 0.7, 0.8],
            "badge": [0.5, 0.61 - rise, 0.7, 0.79],
            "entropy": [0.5, 0.7, 0.82 + rise, 0.84],
            "margin": [0.5, 0.82, 0.84 + rise, 0.86],
        }.items():
            write_run(strategy, seed, scores)
    out = al_report(tmp_path)
    assert "margin needs 39 [" in out.splitlines()[1]
    firsts = [line.split()[0] for line in out.splitlines() if " needs " in line or "does not reach" in line]
    assert firsts == ["margin", "entropy", "badge"]
    html = page_of(out).read_text()
    (headline,) = re.findall(r'<p class="headline">(.*?)</p>', html)
    assert headline.startswith("margin needs 39 ")
    assert html.index("headline") < html.index("<table>")


def test_no_saving_where_the_strategy_is_only_better_in_between(
    al_report: AlReport, write_run: WriteRun, tmp_path: Path
) -> None:
    """Both end alike: by the last score nothing is shown, by that at half of the budget it is."""
    for seed in range(8):
        noise = 0.004 * ((seed % 4) - 1.5)
        write_run("random", seed, [0.5, 0.6 + noise, 0.7, 0.8 - noise])
        write_run("entropy", seed, [0.5, 0.75, 0.79 + noise, 0.8 + noise])
    out = al_report(tmp_path)
    assert "entropy: better than random" in out
    assert out.splitlines()[1].endswith(": no saving is shown, as the two intervals overlap.")
    rows = {row["target"]: row for row in table(page_of(out), "phantom_labels_needed")}
    half = rows["the baseline's score at 40 labels"]
    assert float(half["labels needed"]) < 30
    assert float(half["the baseline needs high"]) == 40
    assert float(half["ratio to the baseline's high"]) < 1


def test_numbers_of_the_tables_are_those_of_the_runs(
    al_report: AlReport, study: Path, write_run: WriteRun
) -> None:
    write_run("entropy", 0, [0.9], schedule={"initial_size": "all", "budget": "all"})
    page = page_of(al_report(study, "--target", "0.65"))
    rows = {(row["strategy"], row["target"]): row for row in table(page, "phantom_labels_needed")}
    assert {target for _, target in rows} == {
        "the baseline's last score",
        "the baseline's score at 40 labels",
        "the baseline's score at 60 labels",
        "the full-data score",
        "0.65",
    }
    assert rows["entropy", "the full-data score"]["labels needed"] == "inf"
    assert 0.4 < float(rows["entropy", "0.65"]["ratio to the baseline's"]) < 0.9

    summary = {row["strategy"]: row for row in table(page, "phantom_summary")}
    curves = np.array(
        [
            [float(row["test/accuracy"]) for row in csv.DictReader(path.open())]
            for path in sorted(study.glob("phantom/margin/*/rounds.csv"))
        ]
    )
    areas = np.trapezoid(curves, [20, 40, 60, 80]) / 60
    assert float(summary["margin"]["mean over the budget"]) == pytest.approx(areas.mean(), abs=1e-12)
    t = stats.t.interval(0.95, 5, curves[:, -1].mean(), stats.sem(curves[:, -1]))
    assert float(summary["margin"]["last score low"]) == pytest.approx(t[0], abs=1e-12)
    assert summary["all labels"]["last score"] == "0.9"
    assert len(table(page, "phantom_runs")) == 18


@pytest.mark.drawn
def test_the_page_is_whole_and_needs_nothing_else(al_report: AlReport, study: Path) -> None:
    page = page_of(al_report(study))
    outline = Outline(page)
    assert outline.open == []
    assert all(
        reference.startswith(("data:", "#")) or (page.parent / reference).is_file()
        for reference in outline.references
    )
    assert len(outline.images) == 10
    assert all(len(str(image["alt"])) > 40 for image in outline.images)
    assert 'name="viewport"' in page.read_text()
    figures = {path.name for path in (page.parent / "figures").iterdir()}
    assert {name.rsplit(".", 1)[1] for name in figures} == {"svg", "png"}
    assert len(figures) == 20
    for name in (
        "learning_curves",
        "differences",
        "exchange",
        "final_scores",
        "penalties",
        "confusion",
        "classes",
    ):
        assert f"phantom_{name}.svg" in figures
    for name in ("montage", "agreement", "times"):
        assert f"phantom_{name}.png" in figures


@pytest.mark.drawn
@pytest.mark.slow
def test_the_same_runs_give_the_same_report_and_others_leave_no_trace(
    al_report: AlReport, study: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder = study / "report"
    arguments = [study, "--out", folder]
    al_report(*arguments)
    first = {path: path.read_bytes() for path in folder.rglob("*") if path.is_file()}
    (folder / "mine.txt").write_text("kept")
    al_report(*arguments)
    again = {path: path.read_bytes() for path in folder.rglob("*") if path.is_file()}
    assert again == {**first, folder / "mine.txt": b"kept"}
    monkeypatch.setattr(Figure, "image", lambda *_: b"")  # from here on, only which there are
    al_report(*arguments, "--where", "strategy=random")
    assert (folder / "figures" / "phantom_learning_curves.svg").exists()
    assert not (folder / "figures" / "phantom_differences.svg").exists()
    assert (folder / "mine.txt").exists()


def test_what_is_unfinished_or_has_no_partner_is_said(
    al_report: AlReport, study: Path, write_run: WriteRun
) -> None:
    write_run("margin", 9, [0.4, 0.5], status="running")
    write_run("random", 7, [0.4, 0.6, 0.68, 0.72])
    out = al_report(study)
    assert "margin: unfinished and left out of every number: seed 9 (running)." in out
    assert "entropy and the baseline are paired by the seeds that both have; without a partner: 7." in out


def test_strategies_that_are_one_are_named(al_report: AlReport, write_run: WriteRun, tmp_path: Path) -> None:
    for seed in range(2):
        folders = {
            strategy: write_run(strategy, seed, [0.5, 0.6 + 0.1 * (strategy != "random") + 0.01 * seed])
            for strategy in ("random", "entropy", "margin", "badge")
        }
        shutil.copy(folders["entropy"] / "queries.csv", folders["margin"])
    out = " ".join(al_report(tmp_path).split())
    assert "entropy, margin have the same curve, seed by seed: they chose the same samples" in out
    assert "badge, entropy, margin have the same test/accuracy, seed by seed: not all of them chose" in out
    assert "whatever is labeled" not in out


def test_a_metric_that_does_not_vary_proves_no_equal_choices(
    al_report: AlReport, write_run: WriteRun, tmp_path: Path
) -> None:
    for seed in range(2):
        for strategy in ("random", "entropy", "typiclust"):
            write_run(strategy, seed, [0.999] * 3)
    out = " ".join(al_report(tmp_path).split())
    assert "random, entropy, typiclust have the same test/accuracy, seed by seed" in out
    assert "but it is 0.999 whatever is labeled. Another --metric may tell them apart." in out
    assert "chose the same samples" not in out


def test_one_seed_gives_curves_and_no_test(al_report: AlReport, write_run: WriteRun, tmp_path: Path) -> None:
    write_run("random", 0, [0.5, 0.6])
    write_run("entropy", 0, [0.5, 0.65])
    out = al_report(tmp_path)
    assert "entropy: one seed in common with random; the curves are shown, nothing is tested." in out
    assert "One seed: the curves say nothing about the spread; run 10." in out


def test_five_seeds_cannot_show_it(al_report: AlReport, write_run: WriteRun, tmp_path: Path) -> None:
    for seed in range(5):
        write_run("random", seed, [0.5, 0.6 + 0.001 * seed])
        write_run("entropy", seed, [0.5, 0.7 + 0.001 * seed**2])
    out = al_report(tmp_path)
    assert "5 seeds cannot show a difference" in out
    assert "a comparison needs at least 6 seeds" in out
    assert re.search(r"10 seeds find a difference of 0\.\d{3} in 80 % of studies; al-report --plan", out)
    assert "entropy: no difference to random is shown" in out
    assert "entropy: better than random" in al_report(tmp_path, "--test", "t")


def test_nothing_finished_yet(al_report: AlReport, write_run: WriteRun, tmp_path: Path) -> None:
    write_run("random", 0, [0.5], status="running")
    write_run("entropy", 0, [0.5, 0.6], status="failed")
    out = al_report(tmp_path)
    assert "No run is finished; the curves so far are shown." in out
    assert "entropy: unfinished and left out of every number: seed 0 (failed)." in out
    assert "finding" not in out, "a table without rows"


BAD = {
    "--metric test/dice": "there are val/accuracy, test/accuracy",
    "--metric train/loss": "there are val/accuracy, test/accuracy",
    "--baseline badge": "there are entropy, margin, random",
    "--where strategy=badge": "no run has it",
    "no_such_folder": "no runs found below no_such_folder",
    "--out a_file": "cannot write the report to a_file",
}


@pytest.mark.parametrize("words", BAD)
def test_bad_input_gets_one_line(
    study: Path, words: str, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(study)
    Path("a_file").touch()
    with pytest.raises(SystemExit) as stop:
        main([str(study), *words.split()])
    assert stop.value.code == 2
    (line,) = capsys.readouterr().err.splitlines()
    assert line.startswith("al-report: ")
    assert BAD[words] in line
    assert not (study / "report").exists()


def test_no_runs(tmp_path: Path) -> None:
    done = Command(tmp_path).report(str(tmp_path / "no"))
    assert done.returncode == 2
    assert done.stderr == f"al-report: no runs found below {tmp_path}/no\n"


def test_a_report_removes_no_file_but_its_own(al_report: AlReport, study: Path, tmp_path: Path) -> None:
    out = tmp_path / "out"
    (out / "figures").mkdir(parents=True)
    (tmp_path / "victim.txt").touch()
    index = {
        "made_by": "al-report",
        "files": ["notes.txt", "../victim.txt", "figures/../../victim.txt", "figures/old.svg"],
    }
    for name in ("notes.txt", "figures/old.svg"):
        (out / name).touch()
    (out / ".al-report.json").write_text(json.dumps(index))
    al_report(study, "--where", "strategy=random", "--out", out)
    assert (tmp_path / "victim.txt").exists()
    assert (out / "notes.txt").exists()
    assert not (out / "figures" / "old.svg").exists()


def test_somebody_elses_page_is_not_overwritten(
    study: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "index.html").write_text("mine")
    with pytest.raises(SystemExit):
        main([str(study), "--where", "strategy=random", "--out", str(tmp_path)])
    assert "is not a report of al-report" in capsys.readouterr().err
    assert (tmp_path / "index.html").read_text() == "mine"


def test_experiments_that_differ_in_what_builds_a_part_have_files_of_their_own(
    al_report: AlReport, write_run: WriteRun, tmp_path: Path
) -> None:
    for target in ("mine.small", "mine.large"):
        write_run("random", 0, [0.5, 0.6], model={"_target_": target})
    page = page_of(al_report(tmp_path))
    assert {path.name for path in (page.parent / "tables").glob("*_summary.csv")} == {
        "phantom_model=small_summary.csv",
        "phantom_model=large_summary.csv",
    }


def test_seeds_that_differ_between_arms(al_report: AlReport, write_run: WriteRun, tmp_path: Path) -> None:
    """Ten seeds beside six: with both arms better, Holm's correction leaves .031 for the one with six."""
    for seed in range(10):
        write_run("random", seed, [0.5, 0.6 + 0.001 * seed])
        write_run("entropy", seed, [0.5, 0.7 + 0.002 * seed])
        if seed < 6:
            write_run("margin", seed, [0.5, 0.7 + 0.003 * seed])
    out = al_report(tmp_path)
    assert "margin: better than random" in out
    assert "corrected for 2 comparisons p = .031" in out
    assert "cannot show" not in out


def test_early_ends_are_compared_where_all_were_measured(
    al_report: AlReport, write_run: WriteRun, tmp_path: Path
) -> None:
    for seed in range(3):
        write_run("random", seed, [0.5, 0.6, 0.7, 0.8])
        write_run("entropy", seed, [0.5, 0.65, 0.75][: 2 + (seed > 0)])
    out = al_report(tmp_path)
    assert "Some runs go on beyond 40 labels" in out
    summary = {row["strategy"]: row for row in table(page_of(out), "phantom_summary")}
    assert float(summary["random"]["last score"]) == pytest.approx(0.6)
    assert float(summary["entropy"]["last score"]) == pytest.approx(0.65)


def test_a_metric_that_is_nan_is_not_measured(
    al_report: AlReport, write_run: WriteRun, tmp_path: Path
) -> None:
    for seed in range(2):
        write_run("random", seed, [0.5, 0.6])
        write_run("entropy", seed, [float("nan")] * 2)
    assert "entropy: no finished run measured test/accuracy" in al_report(tmp_path)


def test_a_baseline_that_fell_gives_no_saving(
    al_report: AlReport, write_run: WriteRun, tmp_path: Path
) -> None:
    """Random itself had its last score with fewer labels: what is saved is little, and not of its budget."""
    for seed in range(7):
        write_run("random", seed, [0.5, 0.76 + 0.001 * seed, 0.7, 0.66])
        write_run("entropy", seed, [0.5, 0.78 + 0.001 * seed, 0.72, 0.68])
    out = al_report(tmp_path)
    assert "entropy: better than random" in out
    first = out.splitlines()[1]
    assert first.startswith(
        "entropy needs 32 [31, 32] labels where random needs 33 [32, 33], both for random's"
    )
    assert first.endswith("(0.660): no saving is shown, as the two intervals overlap.")


def test_the_full_data_score_is_that_of_the_same_data_once_a_seed(
    al_report: AlReport, write_run: WriteRun, tmp_path: Path
) -> None:
    everything = {"initial_size": "all", "budget": "all"}
    for seed in range(3):
        for strategy in ("random", "entropy"):
            write_run(strategy, seed, [0.5, 0.6, 0.7, 0.8])
            write_run(strategy, seed, [0.75 + 0.01 * seed], schedule=everything)
        write_run("random", seed, [0.99], schedule=everything, oracle={"flip_rate": 0.1})
    page = page_of(al_report(tmp_path, "--where", "schedule.budget=80"))
    summary = {row["strategy"]: row for row in table(page, "phantom_summary")}
    assert summary["all labels"]["seeds"] == "3"
    assert float(summary["all labels"]["last score"]) == pytest.approx(0.76)


@pytest.mark.parametrize(
    ("estimate", "whole", "words"),
    [
        (Estimate(38.0, 0.0, 59.0), True, "38 (at most 59)"),
        (Estimate(40.0, 0.0, 40.0), True, "at most 40"),
        (Estimate(38.0, 0.0, math.inf), True, "about 38"),
        (Estimate(38.0, 20.0, 59.0), True, "38 [20, 59]"),
        (Estimate(38.0, math.nan, math.nan), True, "38"),
        (Estimate(0.5, 0.4, 0.6), False, "0.500 [0.400, 0.600]"),
        (Estimate(120.0, 80.0, math.inf), True, "120 [80, …)"),
        (Estimate(math.inf, 160.0, math.inf), True, "more than 160"),
        (Estimate(math.inf, 0.0, math.inf), True, "not reached"),
        (Estimate(0.0, 0.0, 0.7), False, "less than 0.700"),
        (Estimate(0.0, 0.0, math.inf), False, "—"),
        (Estimate(0.0, 0.0, 0.0), False, "0.000 [0.000, 0.000]"),
        (Estimate(-0.0001, -0.01, 0.01), False, "0.000 [−0.010, 0.010]"),
        (Estimate(0.5, math.nan, math.nan), False, "0.500"),
        (Estimate(math.nan, math.nan, math.nan), False, "—"),
    ],
)
def test_estimates_in_words(estimate: Estimate, whole: bool, words: str) -> None:
    assert cell_words(estimate, whole) == words


def test_a_margin_makes_of_no_difference_an_equivalence(
    al_report: AlReport, write_run: WriteRun, tmp_path: Path
) -> None:
    for seed in range(8):
        write_run("random", seed, [0.5, 0.6])
        write_run("entropy", seed, [0.5, 0.6 + 0.002 * (seed % 3 - 1)])
        write_run("margin", seed, [0.5, 0.6 + 0.2 * (seed % 2)])
        write_run("badge", seed, [0.52, 0.63 + 0.01 * (seed % 4)])
    out = al_report(tmp_path, "--margin", "0.05")
    assert "entropy: equivalent to random within 0.05. Difference in mean" in out
    assert re.search(r"entropy: .* It is shown to be within ±0\.05 \[.*\] \(two one-sided tests, p = ", out)
    assert re.search(r"margin: no difference .* It is not shown to be within ±0\.05 ", out)
    assert re.search(r"badge: better than random.* It is shown to be within ±0\.05 ", out)
    rows = {row["strategy"]: row for row in table(page_of(out), "phantom_effects")}
    for strategy, within in {"entropy": True, "margin": False, "badge": True}.items():
        low, high = (float(rows[strategy][f"difference, beside the margin {end}"]) for end in ("low", "high"))
        assert (low > -0.05 and high < 0.05) == within
        assert (float(rows[strategy]["p (equivalence, Holm)"]) <= 0.05) == within
    assert float(rows["badge"]["standardized effect low"]) > 0
    assert "equivalent" not in al_report(tmp_path)
