"""Losses that weigh classes, against torch's own and scikit-learn's weights."""

from typing import Any

import numpy as np
import pytest
import torch
import torch.nn.functional as F
from sklearn.utils.class_weight import compute_class_weight
from torch import Tensor

from al_runner.data.tasks import Binary, MultiClass, MultiLabel, Segmentation, Task, TrainingLoss
from al_runner.errors import InputError
from al_runner.learning.batches import Epochs, batches


def draw(n: int, outputs: int, classes: int) -> tuple[Tensor, Tensor]:
    generator = torch.Generator().manual_seed(0)
    targets = torch.multinomial(torch.arange(1.0, classes + 1), n, replacement=True, generator=generator)
    return torch.randn(n, outputs, generator=generator), targets


@pytest.mark.parametrize("classes", [2, 5])
@pytest.mark.parametrize("seen", [5, 3, 1])
def test_balanced_weights_are_scikit_learns(classes: int, seen: int) -> None:
    """Also of labels among which a class is missing: scikit-learn is told of those that occur."""
    labels = torch.arange(37) % 4 % min(seen, classes)
    task = MultiClass(classes) if classes > 2 else Binary()
    weights = task.balanced_weights(labels)
    occur = np.unique(labels.numpy())
    expected = compute_class_weight("balanced", classes=occur, y=labels.numpy())
    np.testing.assert_allclose(weights[occur], expected, rtol=1e-6)
    assert weights.sum() == weights[occur].sum(), "nothing, not NaN, for a class without labels"
    assert float(weights[labels].mean()) == pytest.approx(1)


@pytest.mark.parametrize("given", ["balanced", [0.5, 1, 2, 3, 4.5]])
def test_multi_class(given: Any) -> None:
    task = MultiClass(5)
    logits, targets = draw(60, 5, 5)
    loss = TrainingLoss(class_weights=given).of(task, targets)
    weights = task.balanced_weights(targets) if given == "balanced" else torch.tensor(given)
    torches = F.cross_entropy(logits, targets, weights)  # divided by the sum of the weights
    scale = weights[targets].mean()
    torch.testing.assert_close(loss(logits, targets), torches * scale)
    alone = F.cross_entropy(logits[:1], targets[:1]) * weights[targets[0]]
    torch.testing.assert_close(loss(logits[:1], targets[:1]), alone)  # in a batch of one, too


@pytest.mark.parametrize("given", ["balanced", [0.5, 3.0], None])
def test_one_logit_is_a_softmax_over_zero_and_the_logit(given: Any) -> None:
    two, one = Binary(), Binary(one_logit=True)
    assert (two.n_outputs, one.n_outputs) == (2, 1)
    logits, targets = draw(60, 1, 2)
    logits.requires_grad_()
    both = torch.cat([torch.zeros_like(logits), logits], 1)
    option = TrainingLoss(one_logit=True, class_weights=given)
    ours, theirs = option.of(one, targets)(logits, targets), option.of(two, targets)(both, targets)
    torch.testing.assert_close(ours, theirs)
    gradients = [torch.autograd.grad(loss, logits, retain_graph=True)[0] for loss in (ours, theirs)]
    torch.testing.assert_close(*gradients)
    torch.testing.assert_close(one.probabilities(logits), two.probabilities(both))
    if given is not None:
        weights = two.balanced_weights(targets) if given == "balanced" else torch.tensor(given)
        torches = torch.nn.BCEWithLogitsLoss(pos_weight=weights[1] / weights[0])
        expected = torches(logits[:, 0], targets.float()) * weights[0]
        torch.testing.assert_close(ours, expected)


def test_saturated_logits() -> None:
    probs = Binary(one_logit=True).probabilities(torch.tensor([[-200.0], [-20.0], [0.0], [20.0], [200.0]]))
    assert probs[:, 1].tolist() == pytest.approx([0, 2.0612e-9, 0.5, 1, 1], rel=1e-4)
    assert probs[:, 0].tolist() == probs[:, 1].tolist()[::-1], "as exact near 1 as near 0"


def test_multi_label() -> None:
    generator = torch.Generator().manual_seed(0)
    targets = (torch.rand(50, 3, generator=generator) < torch.tensor([0.1, 0.5, 0.7])).long()
    logits, task = torch.randn(50, 3, generator=generator), MultiLabel(3)
    ours = TrainingLoss(class_weights=[1.0, 2.0, 0.5]).of(task, targets)(logits, targets)
    torches = torch.nn.BCEWithLogitsLoss(pos_weight=torch.tensor([1.0, 2.0, 0.5]))
    torch.testing.assert_close(ours, torches(logits, targets.float()))
    balanced = task.balanced_weights(targets)
    for weights, labels in zip(balanced, targets.T, strict=True):
        expected = compute_class_weight("balanced", classes=np.arange(2), y=labels.numpy())
        np.testing.assert_allclose(weights, expected, rtol=1e-6)
    losses = F.binary_cross_entropy_with_logits(logits, targets.float(), reduction="none")
    expected = (losses * balanced.gather(1, targets.T).T).mean()
    torch.testing.assert_close(
        TrainingLoss(class_weights="balanced").of(task, targets)(logits, targets), expected
    )
    assert task.balanced_weights(torch.zeros(4, 3, dtype=torch.int64)).tolist() == [[1, 0]] * 3


def test_what_asks_for_nothing_is_the_tasks_own_loss() -> None:
    task = Binary()
    assert TrainingLoss().task(task) is task
    assert TrainingLoss().of(task, torch.zeros(3)) == task.loss
    assert TrainingLoss().chances(torch.zeros(3)) is None


@pytest.mark.parametrize(
    ("task", "options", "words"),
    [
        (MultiClass(3), {"one_logit": True}, "two classes"),
        (MultiLabel(2), {"one_logit": True}, "two classes"),
        (MultiLabel(2), {"balanced_batches": True}, "one class for each sample"),
        (MultiClass(3), {"class_weights": [1, 2]}, r"loss.class_weights=\[1, 2\]: one for each class, so 3"),
        (MultiLabel(3), {"class_weights": [1, 2]}, "one for each label, so 3"),
        (Segmentation(2), {"class_weights": "balanced"}, "weighs no classes"),
        (Segmentation(2), {"balanced_batches": True}, "one class for each sample"),
        (Segmentation(2), {"one_logit": True}, "one for each sample"),
    ],
)
def test_what_a_task_cannot_do_is_said(task: Task, options: dict[str, Any], words: str) -> None:
    with pytest.raises(InputError, match=words):
        TrainingLoss(**options).task(task)


def test_balanced_batches() -> None:
    """Every class equally often, with replacement; as many draws as labels; the stream's own order."""
    labels = torch.tensor([0] * 5 + [2] * 95)
    chances = TrainingLoss(balanced_batches=True).chances(labels)
    assert chances is not None
    generator = torch.Generator().manual_seed(0)
    epochs = [next(iter(Epochs(100, 16, generator, chances))) for _ in range(60)]
    assert all(sum(map(len, epoch)) == 100 and len(epoch[0]) == 16 for epoch in epochs)
    drawn = labels[torch.cat([torch.cat(epoch) for epoch in epochs])]
    assert float((drawn == 0).double().mean()) == pytest.approx(0.5, abs=0.03)
    again = batches(100, 16, torch.Generator().manual_seed(0), chances)
    assert [part.tolist() for part in again] == [part.tolist() for part in epochs[0]]
