"""What runs kept for an audit, and its figures."""

import json
import warnings
from pathlib import Path

import numpy as np
import pytest

from al_runner.errors import InputError
from al_runner.report.contents import Figure
from al_runner.report.figures.audit import OPACITY, overlaid, strength
from al_runner.report.figures.clusters import clusters
from al_runner.report.figures.followed import focus
from al_runner.report.figures.words import LONGEST_ALT
from al_runner.report.statistics.embedding import MOST, alike, drawn, tsne
from al_runner.report.study.audited import Group, Sample, border, groups
from al_runner.runs.review import records
from tests.report.conftest import WriteRun
from tests.report.test_figures import analysis_of
from tests.report.test_figures import drawn as figures_of

CLASSES = 3


def audit(
    kinds: dict[str, int], size: tuple[int, ...] = (8, 8), seed: int = 0, labels: int = 0
) -> np.ndarray:
    """What `audit=maps` leaves in a round's folder; with `labels`, of a task with several of them."""
    rng, n = np.random.default_rng(seed), sum(kinds.values())
    shares = rng.dirichlet(np.ones(CLASSES), n) if not labels else rng.random((n, labels, 2))
    return records(
        group=np.repeat(list(kinds), list(kinds.values())),
        index=rng.permutation(200)[:n],
        score=np.linspace(1, 0, n, dtype=np.float32),
        label=np.array([str(k % CLASSES) if not labels else "0+1" for k in range(n)]),
        probabilities=shares.astype(np.float32),
        picture=rng.integers(0, 256, (n, *size), dtype=np.uint8),
        map=rng.uniform(-1, 1, (n, *size[:2])).astype(np.float16),
        method=np.repeat("DeepTaylor", n),
    )


ENDS = {"most": 5, "least": 5}


def texts(figure: Figure) -> list[str]:
    return [text.get_text() for axes in figure.drawing.axes for text in axes.texts]


def test_the_first_and_the_last_audited_model_of_each_arm(write_run: WriteRun, tmp_path: Path) -> None:
    for strategy in ("random", "entropy"):
        folder = write_run(strategy, 1, [0.4, 0.5, 0.6])
        write_run(strategy, 0, [0.4, 0.5, 0.6])  # the first run has none
        for number in range(3):
            np.save(folder / f"round_{number}" / "audit.npy", audit(ENDS, seed=number))
    figures = figures_of(tmp_path)
    assert {"audit_0", "audit_1"} <= set(figures)
    figure = figures["audit_1"]
    assert figure.title == "Audit: entropy, seed 1"
    titles = [axes.get_title(loc="left") for axes in figure.drawing.axes]
    assert [title.split(":")[0] for title in titles] == [
        "20 labels, most informative", "20 labels, least informative",
        "60 labels, most informative", "60 labels, least informative",
    ]  # fmt: skip
    first = audit(ENDS)[0]
    said = int(first["probabilities"].argmax())
    names = ["liver", "heart", "spleen"]
    expected = (
        f"#{first['index']}\nscore 1\nis liver\nsaid {names[said]}\np {first['probabilities'].max():.2f}"
    )
    assert texts(figure)[0] == expected
    weights = [text.get_fontweight() for text in figure.drawing.axes[0].texts]
    right = [int(row["probabilities"].argmax()) == int(row["label"]) for row in audit(ENDS)[:5]]
    assert weights == ["normal" if each else "bold" for each in right]
    assert f"{sum(right)} of 5 said right" in figure.alt
    assert "DeepTaylor" in figure.note
    assert "least informative ones" not in figure.note


def test_of_a_set_nothing_is_called_least_informative(write_run: WriteRun, tmp_path: Path) -> None:
    kept = audit({"query": 4}, (8, 6, 3))
    kept["score"] = np.nan
    np.save(write_run("k_means", 0, [0.4]) / "round_0" / "audit.npy", kept)
    figure = figures_of(tmp_path)["audit_0"]
    (axes,) = figure.drawing.axes
    assert axes.get_title(loc="left").startswith("20 labels, of the next query: ")
    assert "it has no least informative ones" in figure.note
    assert all("no score" in text for text in texts(figure))


def test_classes_are_those_of_what_was_asked(write_run: WriteRun, tmp_path: Path) -> None:
    """A proxy's, where the run has one: its labels and predictions are what is shown."""
    for seed in (0, 1):
        folder = write_run("entropy", seed, [0.4, 0.5])
        np.save(folder / "round_0" / "audit.npy", audit(ENDS))
        manifest = json.loads((folder / "manifest.json").read_text())
        manifest["proxy"] = {"name": "grades", "class_names": ["benign", "malignant", "unclear"]}
        (folder / "manifest.json").write_text(json.dumps(manifest))
    shown = texts(figures_of(tmp_path)["audit_0"])
    assert any("is malignant" in text for text in shown)
    assert not any("liver" in text or "heart" in text for text in shown)


@pytest.mark.slow
def test_many_arms_long_names_several_labels_and_blank_maps(write_run: WriteRun, tmp_path: Path) -> None:
    for k in range(8):
        kept = audit({"most": 10, "least": 3}, labels=2)
        kept["map"] = np.nan if k else 0
        folder = write_run(f"a strategy of a very long name, which nobody would type, {k}", 0, [0.4, 0.5])
        np.save(folder / "round_1" / "audit.npy", kept)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        figures = {slug: each for slug, each in figures_of(tmp_path).items() if slug.startswith("audit_")}
    assert len(figures) == 6
    for figure in figures.values():
        assert figure.note.endswith("The first 6 of 8 strategies.")
        assert len(figure.alt) <= LONGEST_ALT
        assert "no relevance anywhere" in figure.drawing.axes[0].get_title(loc="left")
        assert figure.drawing.axes[0].texts[0].get_text().splitlines()[2] == "is liver…"


def test_a_file_that_is_something_else(write_run: WriteRun, tmp_path: Path) -> None:
    np.save(write_run("random", 0, [0.4]) / "round_0" / "audit.npy", np.zeros(3))
    arm = analysis_of(tmp_path).experiment.arms[0]
    with pytest.raises(InputError, match=r"audit\.npy is not as al-run wrote it"):
        groups(arm)


def sample(label: str, probabilities: list[float] | list[list[float]], saliency: np.ndarray) -> Sample:
    return Sample(0, 0.0, label, np.zeros((16, 16)), saliency, np.array(probabilities))


def test_what_was_said_and_whether_it_is_right() -> None:
    blank = np.zeros((16, 16))
    for label, probabilities, said, right in [
        ("1", [0.2, 0.8], "1", True),
        ("0", [0.2, 0.8], "1", False),
        ("0+2", [[0.9, 0.1], [0.8, 0.2], [0.3, 0.7]], "2", True),
        ("none", [[0.9, 0.1], [0.8, 0.2], [0.3, 0.7]], "2", False),
        ("none", [[0.9, 0.1], [0.8, 0.2], [0.7, 0.3]], "2", True),  # even the likeliest is absent
        ("2", [[0.9, 0.1], [0.8, 0.2], [0.7, 0.3]], "2", False),
    ]:
        found = sample(label, probabilities, blank)
        assert (found.said, found.right) == (said, right)
    two = Group(20, "most", "GradCam", [sample("0", [0.9, 0.1], blank), sample("1", [0.9, 0.1], blank)])
    assert two.n_right == "1 of 2"


def test_the_share_at_the_border() -> None:
    assert border(16, 8).sum() == 16 * 8 - 12 * 6
    inside, outside = np.zeros((16, 16)), np.zeros((16, 16))
    inside[5:9, 5:9], outside[0, :] = -1, 0.3
    shares = {1.0: [outside], 0.0: [inside], 0.5: [inside, outside, np.zeros((16, 16))]}
    for share, maps in shares.items():
        assert Group(1, "most", "x", [sample("0", [1, 0], each) for each in maps]).at_the_border == share
    assert Group(1, "most", "x", [sample("0", [1, 0], np.zeros((16, 16)))]).where == "no relevance anywhere"


def test_a_map_over_a_picture() -> None:
    rng = np.random.default_rng(0)
    saliency = rng.normal(size=(20, 20))
    drawn_over = overlaid(np.full((20, 20), 0.5), saliency)
    faint = np.abs(saliency) <= np.median(np.abs(saliency))
    assert (drawn_over[faint] == 0.5).all(), "clear up to the median"
    red, blue = drawn_over[..., 0], drawn_over[..., 2]
    assert (red > blue)[~faint & (saliency > 0)].all()
    assert (red < blue)[~faint & (saliency < 0)].all()
    assert strength(saliency).max() == 1
    assert not strength(np.zeros((4, 4))).any()
    assert not strength(np.ones((4, 4))).any(), "the same everywhere"
    point = np.zeros((20, 20))
    point[3, 4] = -1e-6
    assert strength(point).sum() == 1, "however weak and small"
    assert OPACITY < 1, "the picture is seen below"


def lesson(n: int, levels: int = 4) -> np.ndarray:
    level = np.arange(n) % levels + 1
    features = np.random.default_rng(0).normal(size=(n, 5)) + 20 * np.eye(levels, 5)[level - 1]
    return records(features=features.astype(np.float32), level=level)


def test_tsne_keeps_neighbors_and_is_the_same_each_time() -> None:
    kept = lesson(120)
    places = tsne(kept["features"])
    assert np.array_equal(places, tsne(kept["features"]))
    assert alike(places, kept["level"]) == alike(kept["features"], kept["level"]) == 1
    for few in (5, 8):
        assert np.isfinite(tsne(kept["features"][:few])).all()
    assert np.isfinite(tsne(np.zeros((9, 5)))).all()


def test_some_points_stand_for_many() -> None:
    many = lesson(3 * MOST)
    some = drawn(many)
    assert len(some) == MOST
    assert np.array_equal(some, drawn(many))
    assert set(some["features"][:, 0].tolist()) <= set(many["features"][:, 0].tolist())
    assert drawn(many[:7]) is not None
    assert len(drawn(many[:7])) == 7


def test_the_share_whose_nearest_is_alike_is_its_definition() -> None:
    rng = np.random.default_rng(0)
    points, of = rng.normal(size=(60, 3)), rng.integers(0, 3, 60)
    count = 0
    for k, point in enumerate(points):
        distances = [np.inf if j == k else np.linalg.norm(point - other) for j, other in enumerate(points)]
        count += of[int(np.argmin(distances))] == of[k]
    assert alike(points, of) == count / 60
    assert alike(np.zeros((4, 2)), np.zeros(4)) == 1


def test_clusters_of_the_first_and_the_last_query(write_run: WriteRun, tmp_path: Path) -> None:
    folder = write_run("ideal_deep_features", 0, [0.4, 0.5, 0.6, 0.7])
    for number, n in ((1, 60), (2, 50), (3, 3)):  # too few for a picture
        np.save(folder / f"round_{number}" / "lesson.npy", lesson(n))
    figure = figures_of(tmp_path)["clusters"]
    titles = [axes.get_title(loc="left").splitlines()[-2:] for axes in figure.drawing.axes]
    assert [title[-1] for title in titles] == ["60 samples", "50 samples"]
    assert titles[1][0].endswith("query 2")
    assert texts(figure) == ["1", "2", "3", "4"] * 2
    assert "4 levels" in figure.alt
    assert "for 100%" in figure.alt


def test_clusters_of_one_level() -> None:
    clusters({"a": lesson(6, levels=1)}, "").drawing.draw_without_rendering()


def test_maps_of_followed_samples_by_every_model(write_run: WriteRun, tmp_path: Path) -> None:
    folder = write_run("random", 0, [0.4, 0.5, 0.6])
    for number in range(3):
        kept = audit({**ENDS, "followed": 2}, seed=number)
        kept["index"][-2:] = [3, 17]
        np.save(folder / f"round_{number}" / "audit.npy", kept)
    last = kept
    figures = figures_of(tmp_path)
    figure = figures["followed_0"]
    assert "sample 3 from" in figure.alt
    titles = [axes.get_title(loc="left") for axes in figure.drawing.axes]
    models = ["20 labels", "40 labels", "60 labels"]
    assert [title for title in titles if title] == ["#3", *models, "#17", *models]
    counts = [sum(bar.get_height() for bar in axes.patches) for axes in figure.drawing.axes if axes.patches]
    assert counts == [64] * 6
    assert f"to {focus(last['map'][-1].astype(float)):.3f}" in figure.alt
    shown = figures["audit_0"]
    assert all("followed" not in axes.get_title(loc="left") for axes in shown.drawing.axes)
    assert len(shown.drawing.axes) == 4


def test_how_focused_a_map_is() -> None:
    even, point = np.ones((10, 10)), np.zeros((10, 10))
    point[3, 4] = -2
    assert focus(even) == pytest.approx(0.1)
    assert focus(point) == 1
    assert np.isnan(focus(np.zeros((10, 10))))
