"""Dice, distances and the loss against slow twins and MONAI."""

import math

import numpy as np
import pytest
import torch
from monai.losses import DiceCELoss
from monai.metrics import DiceMetric, compute_hausdorff_distance
from torch import Tensor

from al_runner.data.tasks import Segmentation
from al_runner.data.tasks.hausdorff import hausdorff_95
from al_runner.data.tasks.segmentation import dice
from al_runner.errors import InputError

SHAPES = [(9, 11), (7, 8, 6)]


def one_hot(masks: Tensor, classes: int) -> Tensor:
    return torch.nn.functional.one_hot(masks.long(), classes).movedim(-1, 1)


def draw(n: int, classes: int, shape: tuple[int, ...], seed: int = 0) -> tuple[Tensor, Tensor]:
    """Logits and masks that mostly agree; label 2 is in every second mask, the last label in none."""
    generator = torch.Generator().manual_seed(seed)
    masks = torch.randint(0, classes - 1, (n, *shape), generator=generator)
    masks[::2][masks[::2] == 2] = 0
    logits = torch.randn(n, classes, *shape, generator=generator) + 2 * one_hot(masks, classes)
    return logits, masks.to(torch.uint8)


def measured(task: Segmentation, logits: Tensor, masks: Tensor, size: int = 3) -> dict[str, Tensor]:
    collection = task.metrics()
    for part in range(0, len(masks), size):
        probs = task.probabilities(logits[part : part + size])
        collection.update(probs, masks[part : part + size])
    return collection.compute()


def slow_dice(predicted: np.ndarray, true: np.ndarray) -> float:
    """2 |A ∩ B| / (|A| + |B|) of sets of pixels."""
    a = {tuple(place) for place in np.argwhere(predicted)}
    b = {tuple(place) for place in np.argwhere(true)}
    return 2 * len(a & b) / (len(a) + len(b)) if b else math.nan


@pytest.mark.parametrize("shape", SHAPES)
def test_dice_is_that_of_sets_of_pixels(shape: tuple[int, ...]) -> None:
    logits, masks = draw(8, 5, shape)
    guess = logits.argmax(1)
    pairs = zip(guess.numpy(), masks.numpy(), strict=True)
    table = [[slow_dice(ours == k, truth == k) for k in range(1, 5)] for ours, truth in pairs]
    np.testing.assert_allclose(dice(guess, masks, 5).numpy(), table)
    found = measured(Segmentation(5, ("background", "Liver", "left tumor", "3", "none")), logits, masks)
    means = np.nanmean(np.array(table)[:, :3], 0)
    assert [float(found[f"dice_{label}"]) for label in ("liver", "left_tumor", "3")] == pytest.approx(means)
    assert math.isnan(found["dice_none"]), "a label that no image has"
    assert float(found["dice"]) == pytest.approx(means.mean())
    np.testing.assert_allclose(found["dice_images"].numpy(), table, rtol=1e-6)


@pytest.mark.parametrize("shape", SHAPES)
def test_dice_agrees_with_monai(shape: tuple[int, ...]) -> None:
    logits, masks = draw(8, 4, shape, seed=3)
    peer = DiceMetric(include_background=False, reduction="none")
    theirs = peer(one_hot(logits.argmax(1), 4), one_hot(masks, 4))
    np.testing.assert_allclose(dice(logits.argmax(1), masks, 4).numpy(), theirs.numpy(), rtol=1e-6)


def test_metrics_do_not_depend_on_how_images_are_batched() -> None:
    logits, masks = draw(10, 4, (9, 11))
    first, second = (measured(Segmentation(4), logits, masks, size) for size in (1, 10))
    assert {key: value.tolist() for key, value in first.items() if key != "dice_images"} == pytest.approx(
        {key: value.tolist() for key, value in second.items() if key != "dice_images"}, nan_ok=True, rel=0
    )


def test_nothing_to_find_is_not_a_number() -> None:
    masks = torch.zeros(2, 4, 4, dtype=torch.uint8)
    logits = torch.zeros(2, 2, 4, 4)
    logits[:, 1] = 1  # all is foreground, they say
    found = measured(Segmentation(2, hausdorff=True), logits, masks)
    assert all(math.isnan(found[key]) for key in ("dice", "dice_1", "hausdorff_95"))


def slow_hausdorff(a: np.ndarray, b: np.ndarray, spacing: np.ndarray) -> float:
    def outline(mask: np.ndarray) -> list[np.ndarray]:
        places = {tuple(place) for place in np.argwhere(mask)}
        steps = [np.eye(mask.ndim, dtype=int)[axis] * way for axis in range(mask.ndim) for way in (-1, 1)]
        return [np.array(p) for p in places if any(tuple(np.array(p) + step) not in places for step in steps)]

    def one_way(here: list[np.ndarray], there: list[np.ndarray]) -> float:
        return float(np.quantile([min(np.linalg.norm((p - q) * spacing) for q in there) for p in here], 0.95))

    edges = outline(a), outline(b)
    return max(one_way(*edges), one_way(*edges[::-1]))


@pytest.mark.parametrize("shape", SHAPES)
def test_hausdorff(shape: tuple[int, ...]) -> None:
    logits, masks = draw(3, 4, shape)
    spacing = (0.5, 2.0, 1.0)[: len(shape)]
    guess = logits.argmax(1)
    ours = hausdorff_95(guess, masks, 4, spacing)
    for n in range(3):
        for label in (1, 2):
            if not (masks[n] == label).any():
                assert ours[n, label - 1].isnan()
                continue
            pair = ((guess[n] == label).numpy(), (masks[n] == label).numpy())
            assert float(ours[n, label - 1]) == pytest.approx(slow_hausdorff(*pair, np.array(spacing)))
    theirs = compute_hausdorff_distance(
        one_hot(guess, 4)[:, :2], one_hot(masks, 4)[:, :2], percentile=95, spacing=spacing
    )
    np.testing.assert_allclose(ours[:, 0].numpy(), theirs[:, 0].numpy(), rtol=1e-6)


def test_hausdorff_is_measured_but_decides_nothing() -> None:
    metrics = Segmentation(3, hausdorff=True).metrics()
    assert not metrics["hausdorff_95"].higher_is_better
    assert metrics["dice"].higher_is_better
    assert not metrics["dice_images"].higher_is_better
    assert "hausdorff_95" not in Segmentation(3).metrics()


@pytest.mark.parametrize("shape", SHAPES)
def test_the_loss_is_monais(shape: tuple[int, ...]) -> None:
    logits, masks = draw(6, 4, shape)
    peer = DiceCELoss(include_background=False, to_onehot_y=True, softmax=True, batch=True)
    theirs = peer(logits, masks.unsqueeze(1))
    assert float(Segmentation(4).loss(logits, masks)) == pytest.approx(float(theirs), rel=1e-4)


def test_the_loss_of_a_batch_without_foreground_is_finite() -> None:
    logits = torch.zeros(2, 3, 4, 4, requires_grad=True)
    loss = Segmentation(3).loss(logits, torch.zeros(2, 4, 4, dtype=torch.uint8))
    loss.backward()
    assert loss.isfinite()
    assert logits.grad is not None
    assert logits.grad.isfinite().all()


def test_probabilities_have_the_class_axis_last() -> None:
    logits, _ = draw(2, 3, (4, 5, 6))
    probs = Segmentation(3).probabilities(logits)
    assert probs.shape == (2, 120, 3)
    torch.testing.assert_close(probs[1, 2 * 30 + 3 * 6 + 4], logits[1, :, 2, 3, 4].softmax(0))


def test_words_counts_and_checks() -> None:
    task = Segmentation(4)
    masks = torch.zeros(3, 4, 4, dtype=torch.uint8)
    masks[0, 0, :2] = torch.tensor([1, 3])
    masks[1] = 3
    assert [task.describe(mask) for mask in masks] == ["1+3", "3", "0"]
    assert task.count(masks).tolist() == [1, 1, 0, 2]
    assert task.check(masks) is None
    masks[1, 2, 2] = 4
    assert "mask 1 has the label 4; 4 labels are numbered 0 to 3" in str(task.check(masks))
    assert "expected uint8" in str(task.check(masks.long()))
    name, kept = task.kept(torch.eye(4)[masks.clamp(max=3).long()].flatten(1, 2), masks)
    assert (name, kept.dtype, kept.tolist()) == ("masks", torch.uint8, masks.clamp(max=3).tolist())


@pytest.mark.parametrize(
    ("names", "words"),
    [
        (("background",), "at least one other label"),
        (("background", "a b", "a_b"), "the label a_b has the column dice_a_b, as has the label a b"),
        (("background", "Images"), "the label Images has the column dice_images"),
    ],
)
def test_labels_that_cannot_be_measured(names: tuple[str, ...], words: str) -> None:
    with pytest.raises(InputError, match=words):
        Segmentation(len(names), names)
