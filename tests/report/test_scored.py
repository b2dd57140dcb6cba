"""Scores of the pool against Dice: numbers, tables, sentences and figures, from run folders."""

import warnings
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import pytest

from al_runner.errors import InputError
from al_runner.report.contents import Section, words
from al_runner.report.figures.scored import bars
from al_runner.report.study.analysis import Options
from al_runner.report.study.folders import find
from al_runner.report.study.grouping import experiments
from al_runner.report.study.runs import Run
from al_runner.report.study.scored import Scored, dice_of_images, pearson, relations, scored, spearman
from al_runner.report.writing.sections import sections
from tests.report.conftest import POOL, WriteRun
from tests.report.twins import correlation, ranks

N = POOL - 20


@pytest.mark.parametrize("ties", [False, True])
def test_correlations_are_their_definitions(ties: bool) -> None:
    rng = np.random.default_rng(0)
    for n in (3, 4, 20, 57):
        x = rng.normal(size=n).round(0 if ties else 9)
        y = (x + rng.normal(size=n)).round(0 if ties else 9)
        if ties:
            x[:2], y[:2] = (0, 1), (2, 1)
        assert pearson(x, y) == pytest.approx(correlation(x.tolist(), y.tolist()), rel=1e-9)
        assert spearman(x, y) == pytest.approx(correlation(ranks(x.tolist()), ranks(y.tolist())), rel=1e-9)


@pytest.mark.parametrize(("x", "y"), [([1, 2], [2, 1]), ([1, 1, 1], [1, 2, 3]), ([1, 2, 3], [5, 5, 5])])
def test_what_does_not_vary_has_no_correlation(x: Sequence[float], y: Sequence[float]) -> None:
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        assert np.isnan([*pearson(np.array(x), np.array(y)), *spearman(np.array(x), np.array(y))]).all()


def test_dice_of_an_image_is_that_of_the_labels_it_has() -> None:
    table = np.array([[0.2, 0.4], [0.6, np.nan], [np.nan, np.nan]])
    assert dice_of_images(table) == pytest.approx([0.3, 0.6, np.nan], nan_ok=True)


def keep(folder: Path, number: int, scores: np.ndarray, dice: np.ndarray) -> None:
    """What `keep_pool` leaves in a round's folder."""
    order = np.argsort(-scores)
    arrays = {"pool": order, "pool_scores": scores[order], "dice_images_pool": dice[order]}
    for name, array in arrays.items():
        np.save(folder / f"round_{number}" / f"{name}.npy", array)


def segmented(folder: Path, seed: int, slope: float) -> np.ndarray:
    """Make a run one of segmentation whose scores go with Dice in round 0; its Dice of test images."""
    rng = np.random.default_rng(seed)
    scores = rng.random(N)
    dice_N2 = np.clip(0.5 + slope * (scores[:, None] - 0.5) + rng.normal(0, 0.05, (N, 2)), 0, 1)
    dice_N2[0, 1], dice_N2[1] = np.nan, np.nan
    keep(folder, 0, scores, dice_N2)
    test = rng.random((4, 2)).astype(np.float32)
    test[3, 1] = np.nan
    for place in folder.glob("round_*"):
        np.save(place / "dice_images_test.npy", test)
    return test


def section(place: Path) -> Section:
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        (found,) = sections(experiments(find([place])), Options("test/accuracy"))
        for figure in found.figures:
            figure.drawing.draw_without_rendering()
    return found


ONE_SHOT = {"initial_size": 20, "budget": 20, "query_size": [7]}


def test_one_shot(write_run: WriteRun, tmp_path: Path) -> None:
    folder = write_run("nmi_entropy", 0, [0.6], schedule=ONE_SHOT)
    test = segmented(folder, 0, -0.8)
    (kept,) = scored(Run.read(folder))
    assert (kept.labels, kept.n_queried, len(kept.scores)) == (20, 7, N)
    r = correlation(*(values.tolist() for values in kept.pairs))
    assert len(kept.pairs[0]) == N - 1, "an image without any label has no Dice"
    found = section(tmp_path / "runs")
    assert [table.slug for table in found.tables[: found.main]] == ["summary", "dice_of_images", "score_dice"]
    images, against = found.tables[1:3]
    assert images.columns == ["strategy", "image", "heart", "spleen", "mean"]
    assert images.rows[3] == [
        "nmi_entropy",
        3,
        pytest.approx(float(test[3, 0])),
        "N/A",
        pytest.approx(test[3, 0]),
    ]
    assert images.rows[0][4] == pytest.approx(test[0].mean(), rel=1e-6)
    row = dict(zip(against.columns, against.rows[0], strict=True))
    assert (row["labels"], row["seeds"], row["images"]) == (20, 1, N)
    assert (row["Pearson r"].value, row["p"]) == pytest.approx(r)  # type: ignore[union-attr]
    assert row["Dice of the query"].value == pytest.approx(np.nanmean(kept.dice[:7]))  # type: ignore[union-attr]
    assert row["Dice"].value > row["Dice of the query"].value  # type: ignore[union-attr]
    assert len(found.answers) == 1, "there is nothing to compare"
    assert "scores are higher where Dice is lower" in found.answers[-1]
    assert words(r[0]) in found.answers[-1]
    slugs = {figure.slug: figure for figure in found.figures}
    (bars,) = slugs["score_bars"].drawing.axes
    rest, query = (patch.get_data().values for patch in bars.patches)  # type: ignore[attr-defined]
    assert (rest + query).tolist() == sorted(kept.scores)
    assert np.flatnonzero(query).tolist() == list(range(N - 7, N)), "right of the cut-off"
    (points,) = slugs["score_dice"].drawing.axes
    assert sum(np.isfinite(line.get_ydata()).sum() for line in points.lines[:2]) == N - 1
    assert words(r[0]) in points.get_title(loc="left")


def test_a_query_that_is_not_the_highest_scores_has_no_cut_off() -> None:
    by_chance = Scored(0, 20, np.arange(4), np.array([0.2, 0.9, -np.inf, 0.5]), np.ones(4), 2)
    greedy = Scored(0, 20, np.arange(4), np.array([0.9, 0.5, 0.2, -np.inf]), np.ones(4), 2)
    figure = bars({"foreground_random": by_chance, "power_bald": greedy}, "")
    for axes, queried, lines in zip(figure.drawing.axes, ([0.2, 0.9], [0.5, 0.9]), (1, 2), strict=True):
        rest, query = axes.containers
        assert sorted(bar.get_height() for bar in query) == queried
        ordered = sorted([*rest, *query], key=lambda bar: bar.get_x())
        assert [bar.get_height() for bar in ordered] == [0.2, 0.5, 0.9]
        assert len(axes.lines) == lines, "the zero line, and the cut-off"
    assert "foreground_random from 0.200 to 0.900, the query from 0.200 to 0.900" in figure.alt


def test_scores_that_are_not_finite_are_left_out_and_counted(write_run: WriteRun, tmp_path: Path) -> None:
    folder = write_run("power_bald", 0, [0.6], schedule=ONE_SHOT)
    segmented(folder, 0, -0.8)
    rng = np.random.default_rng(0)
    scores, dice = np.r_[rng.random(25), [-np.inf] * 5], rng.random(30)
    keep(folder, 0, scores, dice[:, None])
    (row,) = next(table.rows for table in section(tmp_path / "runs").tables if table.slug == "score_dice")
    assert row[3:5] == [30, 5]
    assert row[7].value == pytest.approx(correlation(scores[:25].tolist(), dice[:25].tolist())[0])  # type: ignore[union-attr]


def test_several_seeds_and_strategies(write_run: WriteRun, tmp_path: Path) -> None:
    values = []
    for seed in range(4):
        segmented(folder := write_run("nmi_entropy", seed, [0.5, 0.6]), seed, 0.4)
        (kept,) = scored(Run.read(folder))
        assert kept.n_queried == 20, "what was bought next"
        values.append(pearson(*kept.pairs).value)
        other = write_run("random", seed, [0.5, 0.6])
        np.save(other / "round_0" / "pool.npy", np.arange(N))  # a strategy without scores
        write_run("entropy", seed, [0.5, 0.7])
    found = section(tmp_path / "runs")
    assert found.main == 1
    (row,) = next(table.rows for table in found.tables if table.slug == "score_dice")
    assert row[:4] == ["nmi_entropy", 20, 4, N]
    assert row[4] == 4, "one image of each seed has no label"
    estimate, p = row[7], row[8]
    assert estimate.value == pytest.approx(np.mean(values))  # type: ignore[union-attr]
    mean, error = np.mean(values), np.std(values, ddof=1) / 2
    assert estimate.low == pytest.approx(mean - 3.182446 * error)  # type: ignore[union-attr]
    assert 0 < p < 0.05  # type: ignore[operator]
    assert "it asks for what the model outlines well" in found.answers[-1]
    assert "4 seeds" in found.answers[-1]


def test_no_relation(write_run: WriteRun, tmp_path: Path) -> None:
    segmented(write_run("entropy", 0, [0.5, 0.6]), 0, 0.0)
    constant = write_run("nmi_entropy", 0, [0.5, 0.6])
    segmented(constant, 0, 0.0)
    keep(constant, 0, np.ones(N), np.ones((N, 2)))
    first, second = section(tmp_path / "runs").answers[-2:]
    assert first.startswith("entropy: on the 180 images that 20 labels leave, no relation")
    assert second.startswith(
        "nmi_entropy: on the 180 images that 20 labels leave, scores or Dice do not vary"
    )


def test_files_that_do_not_belong_together(write_run: WriteRun) -> None:
    folder = write_run("entropy", 0, [0.5, 0.6])
    segmented(folder, 0, 0.0)
    np.save(folder / "round_0" / "pool_scores.npy", np.ones(3))
    with pytest.raises(InputError, match=r"round_0: the pool's files have different lengths"):
        relations(experiments(find([folder]))[0].arms)
