"""What a difference owes to the patients of the test split."""

import math
from pathlib import Path

import numpy as np
import pytest
from scipy import stats
from sklearn.metrics import accuracy_score, roc_auc_score

from al_runner.report.statistics.patients import conditional, weightings
from al_runner.report.statistics.weighted import accuracy, auroc
from al_runner.report.study.analysis import Options, analyse
from al_runner.report.study.folders import find
from al_runner.report.study.grouping import experiments
from al_runner.report.study.patients import over_patients
from al_runner.report.writing.patients import table
from al_runner.report.writing.verdict import answers
from tests.report.conftest import WriteRun

N = 120


def predicted(classes: int, ties: bool, seed: int = 0) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    rng = np.random.default_rng(seed)
    targets = rng.integers(0, classes, N)
    logits = rng.normal(size=(N, classes)) + 1.5 * np.eye(classes)[targets]
    probs = np.exp(logits.round() if ties else logits)
    return probs / probs.sum(1, keepdims=True), targets, rng.multinomial(N, np.full(N, 1 / N), size=5)


@pytest.mark.parametrize("ties", [False, True])
@pytest.mark.parametrize("classes", [2, 4])
def test_weighted_metrics_are_scikit_learns(classes: int, ties: bool) -> None:
    probs, targets, weights = predicted(classes, ties)
    right = [accuracy_score(targets, probs.argmax(1), sample_weight=w) for w in weights]
    np.testing.assert_allclose(accuracy(probs, targets, weights), right)
    areas = [
        np.mean(
            [
                roc_auc_score(targets == k, probs[:, k], sample_weight=w)
                for k in (range(classes) if classes > 2 else [1])
            ]
        )
        for w in weights
    ]
    np.testing.assert_allclose(auroc(probs, targets, weights), areas)


def test_several_labels_and_what_no_sample_has() -> None:
    first, second = (predicted(2, True, seed) for seed in (0, 1))
    probs, targets = np.stack([first[0], second[0]], 1), np.stack([first[1], second[1]], 1)
    weights = first[2]
    np.testing.assert_allclose(
        auroc(probs, targets, weights), (auroc(*first[:2], weights) + auroc(*second[:2], weights)) / 2
    )
    np.testing.assert_allclose(
        accuracy(probs, targets, weights),
        (accuracy(*first[:2], weights) + accuracy(*second[:2], weights)) / 2,
    )
    targets[:, 1] = 0
    np.testing.assert_allclose(auroc(probs, targets, weights), auroc(*first[:2], weights))


def test_patients_are_drawn_with_all_their_images() -> None:
    patients = np.repeat(np.arange(30), [1, 2, 3] * 10)
    counts = weightings(patients, 4000)
    assert all((counts[:, patients == p] == counts[:, patients == p][:, :1]).all() for p in range(30))
    first = np.unique(patients, return_index=True)[1]
    assert (counts[:, first].sum(1) == 30).all()
    np.testing.assert_allclose(counts[:, first].mean(0), 1, atol=0.1)
    assert np.array_equal(counts, weightings(patients, 4000))


def test_the_intervals_are_those_of_their_definitions() -> None:
    rng = np.random.default_rng(0)
    differences, drawn = (
        rng.normal(0.02, 0.1, 8),
        rng.normal(0.02, 0.02, 500) + rng.normal(0, 0.03, (8, 500)),
    )
    found = conditional(differences, drawn, 50, 0.1)
    a, b = differences.var(ddof=1) / 8, drawn.mean(0).var(ddof=1) * 50 / 49
    c = (np.mean([row.var(ddof=1) for row in drawn]) * 50 / 49 - b) / 7
    assert 0 < c < min(a, b)
    freedom = (a + b - c) ** 2 / (a**2 / 7 + b**2 / 49 + c**2 / 7 / 49)
    half = stats.t.ppf(0.95, freedom) * math.sqrt(a + b - c)
    assert found.both.high - found.both.value == pytest.approx(half)
    assert found.both.value - found.both.low == pytest.approx(half)
    assert (found.others.low, found.others.high) == tuple(np.quantile(drawn.mean(0), [0.05, 0.95]))
    same = conditional(np.full(8, 0.02), drawn, 50, 0.1).both
    half = stats.t.ppf(0.95, 49) * math.sqrt(b)
    assert same.high - same.value == pytest.approx(half), "what the patients make of it stays"
    none = conditional(np.full(4, 0.5), np.full((4, 9), 0.5), 5)
    assert (none.both.low, none.both.high) == (0.5, 0.5)


def test_crossed_effects_have_the_variance_of_their_sum() -> None:
    """Of a metric that is a mean, c is what the analysis of variance calls the interaction's part."""
    rng = np.random.default_rng(0)
    seeds, patients = 12, 40
    table = rng.normal(0, 1, (seeds, 1)) + rng.normal(0, 2, patients) + rng.normal(0, 3, (seeds, patients))
    weights = weightings(np.arange(patients), 20_000)
    drawn = table @ weights.T / patients
    found = conditional(table.mean(1), drawn, patients)
    rest = table - table.mean(1, keepdims=True) - table.mean(0) + table.mean()
    mean_squares = (
        patients * table.mean(1).var(ddof=1),
        seeds * table.mean(0).var(ddof=1),
        (rest**2).sum() / ((seeds - 1) * (patients - 1)),
    )
    total = (mean_squares[0] + mean_squares[1] - mean_squares[2]) / (seeds * patients)
    freedom = (
        total**2
        * (seeds * patients) ** 2
        / sum(
            ms**2 / f
            for ms, f in zip(
                mean_squares, (seeds - 1, patients - 1, (seeds - 1) * (patients - 1)), strict=True
            )
        )
    )
    half = stats.t.ppf(0.975, freedom) * math.sqrt(total)
    assert found.both.high - found.both.value == pytest.approx(half, rel=0.02)


def keep(folder: Path, scores: list[float], rng: np.random.Generator, patients: bool) -> None:
    """Predictions with these accuracies; whoever is easy for one model is easy for the next."""
    for k, score in enumerate(scores):
        hard = np.argsort(np.arange(N) + rng.normal(0, 10, N))
        right = np.isin(np.arange(N), hard[: round(score * N)])
        probs = np.where(right[:, None], [0.2, 0.8], [0.8, 0.2])
        np.save(folder / f"round_{k}" / "probabilities_test.npy", probs.astype(np.float32))
        np.save(folder / f"round_{k}" / "targets_test.npy", np.ones(N, int))
        if patients:
            np.save(folder / f"round_{k}" / "patients_test.npy", np.arange(N) // 4)


@pytest.mark.parametrize("patients", [False, True])
def test_the_report_says_it_where_predictions_were_kept(
    write_run: WriteRun, tmp_path: Path, patients: bool
) -> None:
    rng = np.random.default_rng(1)
    for seed in range(8):
        for strategy, gain in (("random", 0), ("entropy", 0.05), ("margin", 0.3)):
            scores = [0.4, round((0.5 + gain) * N) / N + seed % 2 / N]
            folder = write_run(strategy, seed, scores)
            if strategy != "margin":
                keep(folder, scores, rng, patients)
    (experiment,) = experiments(find([tmp_path]))
    analysis = analyse(experiment, Options("test/accuracy"))
    found = over_patients(analysis)
    assert list(found) == ["entropy"], "margin kept nothing"
    entropy = found["entropy"]
    assert entropy.patients == (N // 4 if patients else N)
    versus = next(each.versus for each in analysis.others if each.arm.label == "entropy")
    assert versus is not None
    assert entropy.both.low < versus.area.low
    assert entropy.both.value == pytest.approx(versus.area.value)
    said = " ".join(answers(analysis, found))
    assert "With other test patients, too, the difference is within [" in said
    (row,) = table(analysis, found, patients).rows
    assert row == ["entropy", versus.area, entropy.others, entropy.both]
    said = table(analysis, found, patients).note
    assert ("has 30 patients" in said) == patients
    assert not over_patients(analyse(experiment, Options("val/accuracy")))
    (folder,) = (tmp_path / "runs").glob("phantom/entropy/seed-3-*")
    keep(folder, [0.4, 0.9], rng, patients)
    assert not over_patients(analyse(experiment, Options("test/accuracy"))), "predictions of something else"
