"""Every metric against scikit-learn, on balanced, imbalanced and degenerate targets."""

import warnings

import numpy as np
import pytest
import torch
from sklearn import metrics as sk
from torch import Tensor

from al_runner.data.tasks import Binary, MultiClass, MultiLabel, Task


def measured(task: Task, probs: Tensor, targets: Tensor) -> dict[str, Tensor]:
    collection = task.metrics()
    for part in range(0, len(probs), 37):  # several updates, as in a long evaluation
        collection.update(probs[part : part + 37], targets[part : part + 37])
    return collection.compute()


def agree(ours: dict[str, Tensor], theirs: dict[str, float]) -> None:
    for name, value in theirs.items():
        assert float(ours[name]) == pytest.approx(value, abs=1e-6), name


def draw(n: int, classes: int, seed: int) -> tuple[Tensor, Tensor]:
    generator = torch.Generator().manual_seed(seed)
    targets = torch.multinomial(torch.arange(1.0, classes + 1), n, replacement=True, generator=generator)
    logits = torch.randn(n, classes, generator=generator)
    logits[torch.arange(n), targets] += 1
    return logits.softmax(1), targets


@pytest.mark.parametrize("seed", range(3))
def test_multi_class(seed: int) -> None:
    probs, targets = draw(400, 5, seed)
    y, p, guess = targets.numpy(), probs.numpy(), probs.argmax(1).numpy()
    ours = measured(MultiClass(5), probs, targets)
    agree(
        ours,
        {
            "accuracy": sk.accuracy_score(y, guess),
            "balanced_accuracy": sk.balanced_accuracy_score(y, guess),
            "auroc": sk.roc_auc_score(y, p / p.sum(1, keepdims=True), multi_class="ovr", average="macro"),
            "f1": sk.f1_score(y, guess, average="macro"),
            "precision": sk.precision_score(y, guess, average="macro", zero_division=0),
            "recall": sk.recall_score(y, guess, average="macro"),
        },
    )
    assert np.array_equal(ours["confusion"].numpy(), sk.confusion_matrix(y, guess))


@pytest.mark.parametrize("seed", range(3))
def test_binary(seed: int) -> None:
    probs, targets = draw(400, 2, seed)
    y, guess = targets.numpy(), probs.argmax(1).numpy()
    ours = measured(Binary(), probs, targets)
    agree(
        ours,
        {
            "accuracy": sk.accuracy_score(y, guess),
            "balanced_accuracy": sk.balanced_accuracy_score(y, guess),
            "auroc": sk.roc_auc_score(y, probs[:, 1].numpy()),
            "f1": sk.f1_score(y, guess),
            "precision": sk.precision_score(y, guess),
            "recall": sk.recall_score(y, guess),
        },
    )
    assert np.array_equal(ours["confusion"].numpy(), sk.confusion_matrix(y, guess))


@pytest.mark.parametrize("seed", range(3))
def test_multi_label(seed: int) -> None:
    generator = torch.Generator().manual_seed(seed)
    targets = (torch.rand(300, 4, generator=generator) < torch.tensor([0.1, 0.3, 0.5, 0.8])).long()
    logits = torch.randn(300, 4, generator=generator) + targets
    task = MultiLabel(4)
    probs = task.probabilities(logits)
    y, guess = targets.numpy(), (logits > 0).long().numpy()
    ours = measured(task, probs, targets)
    balanced = [sk.balanced_accuracy_score(y[:, k], guess[:, k]) for k in range(4)]
    agree(
        ours,
        {
            "accuracy": float((y == guess).mean()),
            "balanced_accuracy": float(np.mean(balanced)),
            "auroc": sk.roc_auc_score(y, probs[..., 1].numpy(), average="macro"),
            "f1": sk.f1_score(y, guess, average="macro"),
            "precision": sk.precision_score(y, guess, average="macro"),
            "recall": sk.recall_score(y, guess, average="macro"),
        },
    )
    assert np.array_equal(ours["confusion"].numpy(), sk.multilabel_confusion_matrix(y, guess))


def test_a_class_that_does_not_occur_is_left_out_of_means() -> None:
    probs, targets = draw(200, 4, 0)
    targets[targets == 2] = 3
    ours = measured(MultiClass(4), probs, targets)
    y, guess = targets.numpy(), probs.argmax(1).numpy()
    areas = [sk.roc_auc_score(y == k, probs[:, k].numpy()) for k in (0, 1, 3)]
    assert float(ours["auroc"]) == pytest.approx(np.mean(areas), abs=1e-6)
    with pytest.warns(UserWarning, match="y_pred contains classes"):
        expected = sk.balanced_accuracy_score(y, guess)
    assert float(ours["balanced_accuracy"]) == pytest.approx(expected, abs=1e-6)


@pytest.mark.parametrize("task", [MultiClass(3), MultiLabel(3), Binary()])
def test_a_class_that_does_not_occur_is_nothing_to_warn_of(task: Task) -> None:
    shape = (5, 3) if isinstance(task, MultiLabel) else (5,)
    probs = task.probabilities(torch.randn(5, task.n_outputs))
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        ours = measured(task, probs, torch.ones(shape, dtype=torch.int64))
    assert ours["auroc"].isnan()


def test_one_class_alone_has_no_roc_curve() -> None:
    probs = torch.tensor([[0.4, 0.6], [0.7, 0.3]])
    ours = measured(Binary(), probs, torch.tensor([1, 1]))
    assert ours["auroc"].isnan()
    assert float(ours["accuracy"]) == 0.5


def test_probabilities_are_distributions() -> None:
    logits = torch.randn(6, 3) * 50
    for task, sites in ((MultiClass(3), ()), (MultiLabel(3), (3,))):
        probs = task.probabilities(logits)
        assert probs.shape[1:-1] == sites
        torch.testing.assert_close(probs.sum(-1), torch.ones(6, *sites))


def test_losses_and_descriptions() -> None:
    logits = torch.zeros(2, 3)
    assert float(MultiClass(3).loss(logits, torch.tensor([0, 2]))) == pytest.approx(np.log(3))
    assert float(MultiLabel(3).loss(logits, torch.tensor([[0, 1, 1], [0, 0, 0]]))) == pytest.approx(np.log(2))
    assert MultiClass(3).describe(torch.tensor(2)) == "2"
    assert MultiLabel(3).describe(torch.tensor([1, 0, 1])) == "0+2"
    assert MultiLabel(3).describe(torch.tensor([0, 0, 0])) == "none"


def test_refuses_targets_out_of_range() -> None:
    assert "0 to 3" in str(MultiClass(3).check(torch.tensor([0, 3])))
    assert MultiClass(3).check(torch.tensor([0, 2])) is None
    assert "neither" in str(MultiLabel(2).check(torch.tensor([[0, 2]])))
    assert "3 labels" in str(MultiLabel(2).check(torch.tensor([[0, 1, 1]])))
