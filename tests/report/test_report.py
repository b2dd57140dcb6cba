"""al-report as a user has it: its terminal output, its page, its files, and one clear line for bad input."""

import csv
import re
import subprocess
import sys
from collections.abc import Callable
from html.parser import HTMLParser
from pathlib import Path

import numpy as np
import pytest
from scipy import stats

from al_runner.report.across import across
from al_runner.report.analysis import Options, analyse
from al_runner.report.cli import main
from al_runner.report.runs import find
from al_runner.report.study import experiments
from tests.report.conftest import WriteRun

COMMAND = str(Path(sys.executable).with_name("al-report"))

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
    done = subprocess.run([COMMAND, str(study)], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    out = done.stdout
    assert page_of(out) == study / "report" / "index.html"
    assert "7 or more" in out, "two comparisons of six seeds: 2 · 2 / 2^6 > .05"
    assert "entropy: no difference to random is shown" in out
    assert re.search(r"entropy reaches random's test/accuracy at 80 labels \(0\.7\d\d\) with \d\d \[", out)

    alone = al_report(study, "--where", "strategy=random,entropy")
    assert "entropy: better than random" in alone
    assert "p = .031; 6 seeds" in alone
    assert re.search(r"with \d\d \[\d\d, \d\d\] labels: \d\d% fewer", alone)


def test_numbers_of_the_tables_are_those_of_the_runs(
    al_report: AlReport, study: Path, write_run: WriteRun
) -> None:
    write_run("entropy", 0, [0.9], schedule={"initial_size": "all", "budget": "all"})
    page = page_of(al_report(study, "--target", "0.65"))
    rows = {(row["strategy"], row["target"]): row for row in table(page, "phantom_labels_needed")}
    assert {target for _, target in rows} == {"the baseline's last score", "the full-data score", "0.65"}
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


def test_the_page_is_whole_and_needs_nothing_else(al_report: AlReport, study: Path) -> None:
    page = page_of(al_report(study))
    outline = Outline(page)
    assert outline.open == []
    assert all(
        reference.startswith(("data:", "#")) or (page.parent / reference).is_file()
        for reference in outline.references
    )
    assert len(outline.images) == 9
    assert all(len(str(image["alt"])) > 40 for image in outline.images)
    assert 'name="viewport"' in page.read_text()
    figures = {path.name for path in (page.parent / "figures").iterdir()}
    assert {name.rsplit(".", 1)[1] for name in figures} == {"svg", "png"}
    assert len(figures) == 18
    for name in ("learning_curves", "differences", "final_scores", "penalties", "confusion", "classes"):
        assert f"phantom_{name}.svg" in figures
    for name in ("montage", "agreement", "times"):
        assert f"phantom_{name}.png" in figures


def test_the_same_runs_give_the_same_report_and_others_leave_no_trace(
    al_report: AlReport, study: Path
) -> None:
    folder = study / "report"
    arguments = [study, "--out", folder]
    al_report(*arguments)
    first = {path: path.read_bytes() for path in folder.rglob("*") if path.is_file()}
    (folder / "mine.txt").write_text("kept")
    al_report(*arguments)
    again = {path: path.read_bytes() for path in folder.rglob("*") if path.is_file()}
    assert again == {**first, folder / "mine.txt": b"kept"}
    al_report(*arguments, "--where", "strategy=random")
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


def test_one_seed_gives_curves_and_no_test(al_report: AlReport, write_run: WriteRun, tmp_path: Path) -> None:
    write_run("random", 0, [0.5, 0.6])
    write_run("entropy", 0, [0.5, 0.65])
    out = al_report(tmp_path)
    assert "entropy: one seed in common with random; the curves are shown, nothing is tested." in out
    assert "run 6 or more" in out


def test_five_seeds_cannot_show_it(al_report: AlReport, write_run: WriteRun, tmp_path: Path) -> None:
    for seed in range(5):
        write_run("random", seed, [0.5, 0.6 + 0.001 * seed])
        write_run("entropy", seed, [0.5, 0.7 + 0.001 * seed**2])
    out = al_report(tmp_path)
    assert "5 seeds cannot show a difference" in out
    assert "is .062; run 6 or more" in out
    assert "entropy: no difference to random is shown" in out
    assert "entropy: better than random" in al_report(tmp_path, "--test", "t")


def test_five_data_sets_are_ranked(write_run: WriteRun, tmp_path: Path) -> None:
    names = ("organamnist", "organcmnist", "bloodmnist", "dermamnist", "octmnist", "pathmnist")
    for name in names:
        for k, strategy in enumerate(("random", "margin", "entropy")):
            write_run(strategy, 0, [0.5, 0.6 + 0.05 * k + (0.02 if name == "octmnist" else 0)], name=name)
    analyses = [analyse(each, Options("test/accuracy")) for each in experiments(find([tmp_path]), "random")]
    section = across(analyses)
    assert section is not None
    assert "Over 5 data sets the strategies differ" in section.answers[0], "two of the same scans count once"
    (ranks,) = section.tables
    assert dict(zip(ranks.columns, ranks.rows[-1], strict=True)) == {
        "data set": "mean rank",
        "random": 3,
        "margin": 2,
        "entropy": 1,
    }
    (figure,) = section.figures
    assert figure.image("png").startswith(b"\x89PNG")
    assert "entropy 1.00, margin 2.00 and random 3.00" in figure.alt
    assert across(analyses[:-1]) is None, "four independent data sets are too few"


def test_nothing_finished_yet(al_report: AlReport, write_run: WriteRun, tmp_path: Path) -> None:
    write_run("random", 0, [0.5], status="running")
    write_run("entropy", 0, [0.5, 0.6], status="failed")
    out = al_report(tmp_path)
    assert "No run is finished; the curves so far are shown." in out
    assert "entropy: unfinished and left out of every number: seed 0 (failed)." in out


BAD = {
    "--metric test/dice": "there are val/accuracy, test/accuracy",
    "--metric train/loss": "there are val/accuracy, test/accuracy",
    "--baseline badge": "there are entropy, margin, random",
    "--where strategy=badge": "no run has it",
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
    done = subprocess.run([COMMAND, str(tmp_path / "no")], capture_output=True, text=True, check=False)
    assert done.returncode == 2
    assert done.stderr == f"al-report: no runs found below {tmp_path}/no\n"
