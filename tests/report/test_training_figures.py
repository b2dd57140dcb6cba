"""Figures about trainings: by epoch, and by the size of a query."""

from pathlib import Path

import numpy as np
import pytest

from al_runner.report.figures import augmented, epochs, query_sizes
from al_runner.report.study.analysis import Analysis, Options, analyse
from al_runner.report.study.folders import find
from al_runner.report.study.grouping import experiments
from al_runner.report.study.query_sizes import by_query_size
from tests.report.conftest import WriteRun


def analysis_of(folder: Path) -> Analysis:
    (experiment,) = experiments(find([folder]))
    return analyse(experiment, Options("test/accuracy"))


def keep_epochs(folder: Path, number: int, ends: float) -> None:
    names = [f"{split}_{part}" for split in ("train", "val", "test") for part in ("loss", "accuracy")]
    table = np.zeros(3, [(name, np.float32) for name in names])
    for name in names:
        table[name] = [1.5, 1.0, ends]
    np.save(folder / f"round_{number}" / "epochs.npy", table)


def test_losses_of_the_last_training_that_was_kept(write_run: WriteRun, tmp_path: Path) -> None:
    folder = write_run("random", 0, [0.5, 0.6, 0.7])
    assert list(epochs.figures(analysis_of(tmp_path / "runs"))) == []
    keep_epochs(folder, 0, 0.9)
    keep_epochs(folder, 1, 0.25)
    (figure,) = epochs.figures(analysis_of(tmp_path / "runs"))
    assert "random train 0.250, val 0.250, test 0.250" in figure.alt
    lines = [axes.get_lines() for axes in figure.drawing.axes]
    assert [len(each) for each in lines] == [3, 3]
    assert lines[0][0].get_xdata().tolist() == [1, 2, 3]
    assert lines[0][0].get_ydata().tolist() == [1.5, 1.0, 0.25]
    assert "40 labels" in figure.drawing.axes[0].get_title(loc="left").replace("\n", " ")


@pytest.mark.parametrize("full", [True, False])
def test_labels_and_rounds_by_the_size_of_a_query(write_run: WriteRun, tmp_path: Path, full: bool) -> None:
    for seed in range(2):
        for size, values in ((10, [0.5, 0.6, 0.8, 0.9]), (30, [0.5, 0.79, 0.9]), (60, [0.5, 0.7])):
            write_run(
                "entropy", seed, values, bought=[20, *[size] * (len(values) - 1)],
                schedule={"query_size": [size]}, arm=f"{size} a query",
            )  # fmt: skip
        if full:
            write_run(
                "random", seed, [0.8], schedule={"initial_size": "all", "budget": "all"}, arm="all labels"
            )
    analysis = analysis_of(tmp_path / "runs")
    found = by_query_size(analysis)
    if not full:
        assert found is None
        assert list(query_sizes.figures(analysis)) == []
        return
    assert found is not None
    level, reached = found
    assert level == pytest.approx(0.8)
    assert [(each.size, each.labels, each.rounds) for each in reached[:2]] == [(10, 40, 3), (30, 80, 3)]
    assert np.isnan(reached[2].labels)
    assert np.isnan(reached[2].rounds)
    (figure,) = query_sizes.figures(analysis)
    assert "10 a query: 40 in 3 rounds" in figure.alt
    assert "60 a query: never" in figure.alt


@pytest.mark.parametrize("color", [(), (3,)])
def test_augmented_images_below_what_they_were(
    write_run: WriteRun, tmp_path: Path, color: tuple[int, ...]
) -> None:
    folder = write_run("random", 0, [0.5, 0.6])
    assert list(augmented.figures(analysis_of(tmp_path / "runs"))) == []
    pairs = np.random.default_rng(0).integers(0, 256, (4, 2, 8, 6, *color), dtype=np.uint8)
    np.save(folder / "round_1" / "augmented.npy", pairs)
    (figure,) = augmented.figures(analysis_of(tmp_path / "runs"))
    assert figure.slug == "augmented"
    assert figure.alt.startswith("Pictures of 4 labeled images of random, seed 0")
    above, below = (axes.get_images()[0].get_array() for axes in figure.drawing.axes)
    for k, pair in enumerate(pairs):
        assert np.array_equal(above[:, 7 * k : 7 * k + 6], pair[0])
        assert np.array_equal(below[:, 7 * k : 7 * k + 6], pair[1])
