"""Published figures beside ours, and curves of further metrics."""

import csv
from pathlib import Path

import numpy as np
import pytest

from al_runner.errors import InputError
from al_runner.report.cli import main
from al_runner.report.figures.curves import learning_curves
from al_runner.report.study.analysis import Options, analyse
from al_runner.report.study.folders import find
from al_runner.report.study.grouping import experiments
from al_runner.report.study.published import Published
from al_runner.report.writing.notes import notes
from al_runner.report.writing.tables import published

CSV = """\
strategy,round,n_labeled,accuracy,F1
random,0,20,0.41,0.5
random,1,40,0.60,
uncertainty,1,40,0.65,0.7
uncertainty,0,30,0.50,0.6
coreset,0,20,0.3,0.3
"""
NAMES = {"uncertainty": "entropy", "F1": "f1"}


@pytest.fixture
def reference(tmp_path: Path) -> Path:
    path = tmp_path / "theirs.csv"
    path.write_text(CSV)
    return path


def test_reads_names_and_gaps(reference: Path) -> None:
    found = Published.read(reference, NAMES)
    assert found.source == "theirs.csv"
    assert found.curves["random"] == {
        "test/round": {20: 0, 40: 1},
        "test/accuracy": {20: 0.41, 40: 0.6},
        "test/f1": {20: 0.5},
    }
    assert list(found.curves["entropy"]["test/accuracy"].items()) == [(30, 0.5), (40, 0.65)]


def test_is_drawn_in_the_arms_color_and_counts_nowhere(reference: Path, study: Path) -> None:
    (experiment,) = experiments(find([study]))
    plain = analyse(experiment, Options("test/accuracy"))
    beside = analyse(experiment, Options("test/accuracy", published=Published.read(reference, NAMES)))
    assert [str(each.versus) for each in plain.arms] == [str(each.versus) for each in beside.arms]
    assert [each.needs for each in plain.arms] == [each.needs for each in beside.arms]
    figure = learning_curves(beside)
    lines = {str(line.get_label()): line for line in figure.drawing.axes[0].get_lines()}
    ours, theirs = lines["entropy (6 seeds)"], lines["entropy, published"]
    assert theirs.get_color() == ours.get_color()
    assert theirs.get_linestyle() == "--"
    assert list(theirs.get_xdata()) == [30, 40]
    assert list(theirs.get_ydata()) == [0.5, 0.65]
    assert "margin, published" not in lines
    assert "published (theirs.csv), part of no statistic" in figure.note
    assert "published" not in learning_curves(plain).note


def test_stands_beside_ours_in_a_table(reference: Path, study: Path) -> None:
    (experiment,) = experiments(find([study]))
    options = Options("test/accuracy", published=Published.read(reference, NAMES))
    table = published(analyse(experiment, options))
    assert table is not None
    assert list(table.columns) == ["strategy", "labels", "test/accuracy", "published test/accuracy"]
    rows = {(row[0], row[1]): row[2:] for row in table.rows}
    assert list(rows) == [("random", 20), ("random", 40), ("entropy", 30), ("entropy", 40)]
    ours = [run.rows[1]["test/accuracy"] for run in experiment.arms[0].runs]
    assert rows["random", 40][0].value == pytest.approx(np.mean(ours))  # type: ignore[union-attr]
    assert rows["random", 40][1] == 0.6
    assert rows["entropy", 30] == [None, 0.5], "we measured nothing at 30 labels"
    assert published(analyse(experiment, Options("test/accuracy"))) is None


def test_what_is_not_shown_is_noted(reference: Path, study: Path) -> None:
    (experiment,) = experiments(find([study]))
    options = Options("test/accuracy", also=("test/auroc",), published=Published.read(reference, NAMES))
    said = " ".join(notes(analyse(experiment, options)))
    assert "theirs.csv: no run is of coreset; --reference-as THEIRS=OURS" in said
    assert "theirs.csv has no test/auroc: it would be the column auroc." in said


@pytest.mark.slow
def test_curves_of_further_metrics(
    reference: Path, study: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    words = ["--reference", str(reference), "--reference-as", "uncertainty=entropy"]
    main(
        [
            str(study),
            "--also",
            "val/accuracy",
            "--also",
            "test/accuracy",
            "--out",
            str(tmp_path / "o"),
            *words,
        ]
    )
    page = Path(capsys.readouterr().out.splitlines()[-1])
    names = {path.name for folder in ("figures", "tables") for path in (page.parent / folder).iterdir()}
    assert {"phantom_learning_curves_val_accuracy.svg", "phantom_learning_curves.svg"} <= names
    assert {"phantom_curves.csv", "phantom_curves_val_accuracy.csv", "phantom_published.csv"} <= names
    assert not any("differences_val" in name for name in names), "they are shown, not tested"
    assert not any("test_accuracy" in name for name in names), "the metric itself is no further one"
    with (page.parent / "tables" / "phantom_published.csv").open() as file:
        assert len(list(csv.DictReader(file))) == 4


@pytest.mark.parametrize(
    ("text", "names", "words"),
    [
        ("strategy,accuracy\nrandom,1\n", {}, "lacks the column n_labeled; it has strategy, accuracy"),
        ("", {}, "lacks the column strategy and n_labeled"),
        (CSV.replace("0.41", "x"), {}, "line 2: accuracy=x is not a number"),
        (CSV.replace("0.41", "nan"), {}, "line 2: accuracy=nan is not a number"),
        (CSV.replace("0,20,0.41", "0,,0.41"), {}, "line 2: n_labeled= is not a number"),
        (CSV.replace("0,20,0.41", "0,2.5,0.41"), {}, r"line 2: n_labeled=2\.5 is not a number of labels"),
        (CSV, {"margin": "entropy"}, "--reference-as margin=…: no strategy or column"),
    ],
)
def test_what_cannot_be_read_is_said(text: str, names: dict[str, str], words: str, tmp_path: Path) -> None:
    path = tmp_path / "theirs.csv"
    path.write_text(text)
    with pytest.raises(InputError, match=words):
        Published.read(path, names)


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["--reference", "absent.csv"], "--reference absent.csv cannot be read"),
        (["--reference-as", "a=b"], "--reference-as needs --reference"),
        (["--reference", "x", "--reference-as", "a"], "each must be THEIRS=OURS"),
        (["--also", "test/dice"], "--also test/dice: no run has it"),
    ],
)
def test_bad_options(
    arguments: list[str], words: str, study: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    with pytest.raises(SystemExit) as stopped:
        main([str(study), *arguments])
    assert stopped.value.code == 2
    assert words in capsys.readouterr().err
    assert not (study / "report").exists()
