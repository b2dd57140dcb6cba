"""Figures of unusual studies: drawn without a traceback or a warning, legible, and told in words."""

import json
import warnings
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from matplotlib.colors import to_rgb
from matplotlib.patches import Rectangle

from al_runner.report.contents import Figure
from al_runner.report.figures import style
from al_runner.report.figures.agreement import PAIR_COLORS
from al_runner.report.figures.choices import picked_shares
from al_runner.report.figures.confusion import confusion
from al_runner.report.figures.cost import by_round
from al_runner.report.figures.montage import named
from al_runner.report.figures.ranks import critical_difference
from al_runner.report.figures.words import told, wrapped
from al_runner.report.statistics.ranks import ranking
from al_runner.report.study.analysis import Analysis, Options, analyse
from al_runner.report.study.folders import find
from al_runner.report.study.grouping import experiments
from al_runner.report.writing.page import template
from al_runner.report.writing.sections import sections
from tests.commands import Command
from tests.report.conftest import WriteRun

Shares = np.ndarray[Any, Any]
ALWAYS = {"learning_curves", "final_scores", "times", "montage"}
LONG = "a strategy that has a label of about sixty characters, number"


def analysis_of(place: Path) -> Analysis:
    (experiment,) = experiments(find([place]), "random")
    return analyse(experiment, Options("test/accuracy"))


def drawn(place: Path) -> dict[str, Figure]:
    """The figures of a report; each is laid out, and every warning is an error."""
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        (section,) = sections(experiments(find([place]), "random"), Options("test/accuracy"))
        for figure in section.figures:
            figure.drawing.draw_without_rendering()
            assert 40 < len(figure.alt) <= 400, figure.alt
    return {figure.slug: figure for figure in section.figures}


def edit(folder: Path, names: Sequence[str], confusion: Callable[[int], Shares], label: str = "") -> None:
    """Give a run other classes, confusion matrices and labels."""
    path = folder / "manifest.json"
    manifest = json.loads(path.read_text())
    counts = {split: list(range(5, 5 + len(names))) for split in ("train", "val", "test")}
    manifest["dataset"] |= {"class_names": names, "class_counts": counts}
    path.write_text(json.dumps(manifest))
    for closed in folder.glob("round_*"):
        np.save(closed / "confusion_test.npy", confusion(len(names)))
    if label:
        head, *lines = (folder / "queries.csv").read_text().splitlines()
        changed = [",".join([*line.split(",")[:3], label, ""]) for line in lines]
        (folder / "queries.csv").write_text("\n".join([head, *changed]) + "\n")


def texts(figure: Figure) -> Iterator[str]:
    for axes in figure.drawing.axes:
        yield from (text.get_text() for text in axes.texts if text.get_text())


def legends_fit(figure: Figure) -> None:
    """A legend lies inside the figure and on no panel."""
    for legend in figure.drawing.legends:
        box, page = legend.get_window_extent(), figure.drawing.bbox
        assert min(box.x0, box.y0, page.x1 - box.x1) >= 0
        panels = [axes.get_tightbbox() for axes in figure.drawing.axes if axes.get_visible()]
        assert all(panel is not None and panel.y0 >= box.y1 - 1 for panel in panels)


@pytest.mark.slow
def test_twenty_strategies_with_long_labels(write_run: WriteRun, tmp_path: Path) -> None:
    for k, strategy in enumerate(["random", *(f"{LONG} {k}" for k in range(19))]):
        for seed in range(2):
            write_run(strategy, seed, [0.4, 0.5 + 0.01 * k, 0.6 + 0.01 * k + 0.001 * seed])
    figures = drawn(tmp_path)
    assert {*ALWAYS, "differences", "penalties", "confusion", "classes", "agreement", "exchange"} == set(
        figures
    )
    for slug, figure in figures.items():
        legends_fit(figure)
        if slug in ("confusion", "montage", "classes"):
            assert figure.note.endswith(" The first 6 of 20 strategies.")
    assert figures["agreement"].note.endswith(" The first 12 of 190 pairs.")
    assert "random ends at 0.601" in figures["learning_curves"].alt, "the least"
    assert f"{LONG} 18 ends at 0.790" in figures["learning_curves"].alt, "the greatest"
    upper, lower = figures["penalties"].drawing.axes
    assert upper.get_position().x0 == pytest.approx(lower.get_position().x0)


def test_dollars_and_other_scripts_reach_no_stderr(write_run: WriteRun, tmp_path: Path) -> None:
    for strategy in ("random", "$x_1", "$a^$", "心臓の疾患"):
        edit(write_run(strategy, 0, [0.4, 0.5]), ["$b_", "脾臓", "$c$"], np.eye)
    done = Command(tmp_path).report(str(tmp_path))
    assert (done.returncode, done.stderr) == (0, "")


def test_several_labels(write_run: WriteRun, tmp_path: Path) -> None:
    matrix = np.array([[[6, 2], [1, 3]], [[5, 5], [0, 0]]])  # [label, truth, prediction]
    for strategy in ("random", "entropy"):
        folder = write_run(strategy, 0, [0.4, 0.5])
        edit(folder, ["mass", "nodule"], lambda _: matrix, "0+1")
        np.save(folder / "round_1" / "picks.npy", np.zeros((20, 8, 6, 3), dtype=np.uint8))
    figures = drawn(tmp_path)
    assert figures["confusion"].title == "Sensitivity and specificity of each label at the end, test split"
    assert list(texts(figures["confusion"]))[:3] == [".75", ".75", ".50"]
    assert "least often right for mass (75%)" in figures["confusion"].alt
    assert "mass+nodule" in texts(figures["montage"])
    analysis = analysis_of(tmp_path)
    shares = confusion(analysis.arms[0].arm, analysis)
    assert shares is not None
    np.testing.assert_array_equal(shares.matrix, [[0.75, 0.75], [np.nan, 0.5]])


def test_labels_in_words() -> None:
    names = ["liver", "heart"]
    assert [named(label, names) for label in ("1", "0+1", "none", "7", "")] == [
        "heart",
        "liver+heart",
        "none",
        "7",
        "",
    ]


def test_no_class_occurs(write_run: WriteRun, tmp_path: Path) -> None:
    edit(write_run("random", 0, [0.4, 0.5]), ["a", "b"], lambda n: np.zeros((n, n), dtype=int))
    assert "random: no class occurs" in drawn(tmp_path)["confusion"].alt


@pytest.mark.parametrize(("count", "numbers"), [(20, True), (40, False)])
def test_many_classes(write_run: WriteRun, tmp_path: Path, count: int, numbers: bool) -> None:
    edit(write_run("random", 0, [0.4, 0.5]), [f"a class, number {k} of them" for k in range(count)], np.eye)
    figures = drawn(tmp_path)
    assert any(texts(figures["confusion"])) is numbers
    assert "classes" in figures


def test_fifty_classes_are_left_to_the_tables(write_run: WriteRun, tmp_path: Path) -> None:
    edit(write_run("random", 0, [0.4, 0.5]), [str(k) for k in range(50)], np.eye)
    assert set(drawn(tmp_path)) == ALWAYS


def test_unfinished_runs_are_part_of_no_number(write_run: WriteRun, tmp_path: Path) -> None:
    write_run("random", 0, [0.4, 0.5], status="running")
    assert "times" not in drawn(tmp_path)
    assert picked_shares(analysis_of(tmp_path).experiment.arms[0], 3) is None

    write_run("random", 1, [0.4, 0.5])
    (alone,) = analysis_of(tmp_path).experiment.arms
    write_run("random", 2, [0.4, 0.5, 0.6], status="failed")
    (arm,) = analysis_of(tmp_path).experiment.arms
    assert len(arm.runs) == 3
    np.testing.assert_array_equal(picked_shares(arm, 3), picked_shares(alone, 3))
    assert len(by_round(arm, "fit_seconds")) == 2


def test_bars_start_at_zero_and_end_at_the_last_common_labels(write_run: WriteRun, tmp_path: Path) -> None:
    for seed in range(3):
        write_run("random", seed, [0.4, 0.7])
        write_run("entropy", seed, [0.4, 0.8, 0.9], schedule={"budget": 80})
    write_run("random", 0, [0.95], schedule={"initial_size": "all"})
    figure = drawn(tmp_path)["final_scores"]
    (axes,) = figure.drawing.axes
    ends = sorted(round(bar.get_width(), 3) for bar in axes.patches if isinstance(bar, Rectangle))
    assert ends == [0.7, 0.71, 0.8, 0.81, 0.95, 0.96]
    assert axes.get_xlim()[0] == 0
    assert "at 40 labels" in figure.alt
    assert "does not start" not in figure.note


def test_negative_scores_are_seen(write_run: WriteRun, tmp_path: Path) -> None:
    write_run("random", 0, [-0.4, -0.2])
    (axes,) = drawn(tmp_path)["final_scores"].drawing.axes
    assert axes.get_xlim()[0] < -0.2


def test_ranks_with_long_labels() -> None:
    labels = [f"{LONG} {k}" for k in range(12)]
    rng = np.random.default_rng(0)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        figure = critical_difference(labels, ranking({str(k): rng.random(12) for k in range(8)}))
        figure.image("png")
    assert len(figure.alt) <= 400


def test_lines_are_seen_on_white_and_pairs_are_no_arms() -> None:
    for color in (*style.COLORS, *PAIR_COLORS, style.BASELINE):
        linear = [c / 12.92 if c <= 0.04045 else ((c + 0.055) / 1.055) ** 2.4 for c in to_rgb(color)]
        assert 1.05 / (np.dot(linear, [0.2126, 0.7152, 0.0722]) + 0.05) >= 3, color
    assert not {*PAIR_COLORS} & {*style.COLORS, style.BASELINE}


def test_words() -> None:
    assert wrapped("one_two three", 8) == "one_two\nthree"
    assert wrapped("x" * 100, 10) == "\n".join(["x" * 10] * 5 + ["…"])
    assert told(["a 1", "b 2"], [1, 2]) == "a 1 and b 2"
    assert told([f"{'x' * 100} {k}" for k in range(9)], [np.nan, 3, *range(4, 11)]).count("x" * 100) == 2


def test_the_page_links_figures_where_they_are_files() -> None:
    figure = {"figure": {"title": "A", "alt": "a", "note": "n"}, "source": "data:,"}
    table = {"table": {"columns": [], "rows": [], "whole": ()}, "name": "t", "source": "data:,"}
    files = {"svg": "figures/a.svg", "png": "figures/a.png"}
    content = {"title": "S", "answers": [], "notes": [], "main": 1, "lead": 1}
    section = {"section": content, "id": "s", "tables": [table]}
    page = template().render(sections=[{**section, "figures": [{**figure, **files}]}], test="paired t test")
    assert '<a href="figures/a.svg">SVG</a> <a href="figures/a.png">PNG</a>' in page
    assert "where the paired t test of the" in page
    assert "figures/" not in template().render(sections=[{**section, "figures": [figure]}])
