"""The intervals of a random sample, beside scikit-learn, scipy and a slow bootstrap."""

import numpy as np
import pytest
import torch
from scipy.stats import beta
from sklearn.metrics import balanced_accuracy_score, roc_auc_score
from torch import Tensor

from al_runner.learning.intervals import Sample, binomial, drawn, intervals, of_dice


def sample(n: int, classes: int, seed: int = 0) -> tuple[Tensor, Tensor]:
    """Probabilities [n, C] that know something, with ties, and classes."""
    generator = torch.Generator().manual_seed(seed)
    targets = torch.randint(0, classes, (n,), generator=generator)
    logits = torch.randn(n, classes, generator=generator) + torch.nn.functional.one_hot(targets, classes)
    return (logits.softmax(1) * 20).round() / 20, targets


def several(n: int = 40, labels: int = 3) -> tuple[Tensor, Tensor]:
    parts = [sample(n, 2, seed) for seed in range(labels)]
    return torch.stack([probs for probs, _ in parts], 1), torch.stack([targets for _, targets in parts], 1)


@pytest.mark.parametrize("classes", [2, 4])
def test_metrics_with_weights_are_scikit_learns(classes: int) -> None:
    probs, targets = sample(50, classes)
    weights = np.random.default_rng(0).integers(0, 4, (3, 50)).astype(float)
    subject, y, p = Sample.of(probs, targets), targets.numpy(), probs.double().numpy()
    for row, weight in enumerate(weights):
        areas = [roc_auc_score(y == c, p[:, c], sample_weight=weight) for c in range(classes)]
        expected = areas[1] if classes == 2 else np.mean(areas)
        assert subject.auroc(weights)[row] == pytest.approx(expected)
        assert subject.accuracy(weights)[row] == pytest.approx(np.average(p.argmax(1) == y, weights=weight))
        recall = balanced_accuracy_score(y, p.argmax(1), sample_weight=weight)
        assert subject.balanced_accuracy(weights)[row] == pytest.approx(recall)


def test_several_labels_are_averaged() -> None:
    probs, targets = several()
    weights = np.random.default_rng(0).integers(0, 4, (2, 40)).astype(float)
    each = [Sample.of(probs[:, k], targets[:, k]) for k in range(3)]
    for name in ("accuracy", "auroc"):
        mean = np.mean([getattr(one, name)(weights) for one in each], 0)
        assert getattr(Sample.of(probs, targets), name)(weights) == pytest.approx(mean)


def test_patients_are_drawn_whole() -> None:
    patients = ["a", "b", "b", "c", "c", "c"]
    weights = drawn(patients)
    assert (weights[:, 1] == weights[:, 2]).all()
    assert (weights[:, 3] == weights[:, 5]).all()
    assert (weights[:, [0, 1, 3]].sum(1) == 3).all()
    assert weights[:, [0, 1, 3]].mean(0) == pytest.approx([1, 1, 1], abs=0.06)


@pytest.mark.slow
def test_the_bounds_are_quantiles_of_the_draws() -> None:
    probs, targets = sample(60, 2)
    patients = [str(i // 2) for i in range(60)]
    found = intervals(probs, targets, patients)
    areas = []
    for weight in drawn(patients):
        rows = np.repeat(np.arange(60), weight.astype(int))
        areas.append(roc_auc_score(targets[rows], probs[rows, 1]))
    low, high = np.quantile(areas, [0.025, 0.975])
    assert (found["auroc_low"], found["auroc_high"]) == pytest.approx((low, high), abs=1e-5)


def test_accuracy_of_one_image_a_patient_is_exact() -> None:
    probs, targets = sample(30, 2)
    hits = int((probs.argmax(1) == targets).sum())
    found = intervals(probs, targets, [str(i) for i in range(30)])
    expected = (beta.ppf(0.025, hits, 31 - hits), beta.ppf(0.975, hits + 1, 30 - hits))
    assert (found["accuracy_low"], found["accuracy_high"]) == pytest.approx(expected, abs=1e-5)
    assert binomial(0, 5)[0] == 0
    assert binomial(5, 5)[1] == 1


def test_a_perfect_area_is_not_certain() -> None:
    targets = torch.tensor([1] * 4 + [0] * 40)
    probs = torch.stack([1 - targets, targets], 1).float()
    found = intervals(probs, targets, [str(i) for i in range(44)])
    assert found["auroc_high"] == 1
    assert found["auroc_low"] == pytest.approx(0.025 ** (1 / 4), abs=1e-5), "four pairs share no image"


def test_one_class_has_no_area() -> None:
    probs, _ = sample(20, 2)
    found = intervals(probs, torch.zeros(20, dtype=torch.int64), [str(i) for i in range(20)])
    assert "auroc_low" not in found
    assert found["accuracy_low"] < found["accuracy_high"]


def test_intervals_hold_the_true_area_as_often_as_they_say() -> None:
    """Coverage: of 200 samples of 60 patients, about 95 % hold the true area, 0.76."""
    truth = roc_auc_score(*(part.numpy() for part in _large()))
    holds = 0
    for seed in range(200):
        probs, targets = sample(60, 2, seed + 1)
        found = intervals(probs, targets, [str(i) for i in range(60)])
        holds += found["auroc_low"] <= truth <= found["auroc_high"]
    assert holds / 200 == pytest.approx(0.95, abs=0.04)


def _large() -> tuple[Tensor, Tensor]:
    probs, targets = sample(100_000, 2)
    return targets, probs[:, 1]


def test_the_interval_of_dice_is_a_slow_bootstraps() -> None:
    rng = np.random.default_rng(1)
    dice = rng.random((12, 2))
    dice[rng.random((12, 2)) < 0.3] = np.nan
    patients = [f"p{i // 2}" for i in range(12)]
    slow = []
    for weights in drawn(patients):
        there = np.repeat(dice, weights.astype(int), axis=0)
        slow.append(np.nanmean(np.nanmean(there, 0)))
    low, high = np.quantile(slow, [0.025, 0.975])
    found = of_dice(dice, patients)
    assert found == {"dice_low": pytest.approx(low, abs=1e-6), "dice_high": pytest.approx(high, abs=1e-6)}
    assert of_dice(np.full((3, 1), np.nan), ["a", "b", "c"]) == {}
