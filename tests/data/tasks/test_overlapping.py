"""Labels that overlap: the loss, Dice, distances and scores against slow twins, PyTorch and MONAI."""

import math
from collections.abc import Callable

import numpy as np
import pytest
import torch
from monai.losses import DiceLoss
from monai.metrics import DiceMetric, compute_hausdorff_distance
from torch import Tensor

from al_runner.acquisition.bayesian import bald
from al_runner.acquisition.reduction import foreground_share
from al_runner.acquisition.uncertainty import entropy
from al_runner.data.tasks import Overlapping
from al_runner.data.tasks.bit_fields import joined, kind, planes
from al_runner.errors import InputError
from al_runner.learning.measuring import check_decides
from al_runner.loop.oracle import are_told
from al_runner.people.oracle import is_unknown
from al_runner.strategies.sampled import Sampled
from al_runner.strategies.uncertainty import Uncertainty

SHAPES = [(9, 11), (7, 8, 6)]
NAMES = ("whole tumor", "core", "Enhancing")


def draw(n: int, labels: int, shape: tuple[int, ...], seed: int = 0) -> tuple[Tensor, Tensor, Tensor]:
    """Logits, the masks of each label, bool [n, L, ...], and their bit fields; some masks lack label 1."""
    generator = torch.Generator().manual_seed(seed)
    masks = torch.rand(n, labels, *shape, generator=generator) < 0.4
    masks[::2, 1] = False
    logits = torch.randn(n, labels, *shape, generator=generator) + 2 * masks
    return logits, masks, joined(masks.unbind(1))


def measured(task: Overlapping, logits: Tensor, fields: Tensor, size: int = 3) -> dict[str, Tensor]:
    collection = task.metrics()
    for part in range(0, len(fields), size):
        collection.update(task.probabilities(logits[part : part + size]), fields[part : part + size])
    return collection.compute()


@pytest.mark.parametrize("labels", [1, 7, 8, 15])
def test_bit_fields_hold_every_set_of_labels(labels: int) -> None:
    masks = torch.rand(labels, 2, 500, generator=torch.Generator().manual_seed(labels)) < 0.5
    masks[:, 0, 0] = True
    fields = joined(masks)
    assert fields.dtype == kind(labels)
    assert (planes(fields, labels) == masks.movedim(0, 1)).all()
    assert are_told(fields.view(1, 2, -1)).all(), "all labels at once are no mark of an unknown mask"
    assert are_told(fields.view(1, 2, -1).flip(1)).all()
    slow = [sum(2**k for k in range(labels) if masks[k, 0, at]) for at in range(500)]
    assert fields[0].tolist() == slow


@pytest.mark.parametrize("labels", [3, 9])
def test_a_mask_that_nobody_has_drawn(labels: int) -> None:
    fields = torch.zeros(3, 4, 4, dtype=kind(labels))
    for place, mark in enumerate((-1, -2)):
        fields[place] = torch.tensor(mark).to(fields.dtype)
    assert are_told(fields).tolist() == [False, False, True]
    assert is_unknown(fields).tolist() == [True, False, False]


@pytest.mark.parametrize("shape", SHAPES)
def test_dice_is_that_of_sets_of_pixels(shape: tuple[int, ...]) -> None:
    logits, masks, fields = draw(8, 3, shape)

    def slow(predicted: np.ndarray, true: np.ndarray) -> float:
        a, b = ({tuple(place) for place in np.argwhere(mask)} for mask in (predicted, true))
        return 2 * len(a & b) / (len(a) + len(b)) if b else math.nan

    table = [
        [slow(o, t) for o, t in zip(*pair, strict=True)]
        for pair in zip((logits > 0).numpy(), masks.numpy(), strict=True)
    ]
    found = measured(Overlapping(NAMES), logits, fields)
    np.testing.assert_allclose(found["dice_images"].numpy(), table, rtol=1e-6)
    means = np.nanmean(table, 0)
    assert [float(found[f"dice_{name}"]) for name in ("whole_tumor", "core", "enhancing")] == pytest.approx(
        means
    )
    assert float(found["dice"]) == pytest.approx(means.mean())
    theirs = DiceMetric(include_background=True, reduction="none")((logits > 0).float(), masks.float())
    np.testing.assert_allclose(found["dice_images"].numpy(), theirs.numpy(), rtol=1e-6)


@pytest.mark.parametrize("shape", SHAPES)
def test_hausdorff_is_monais(shape: tuple[int, ...]) -> None:
    logits, masks, fields = draw(4, 3, shape)
    spacing = (0.5, 2.0, 1.0)[: len(shape)]
    found = measured(Overlapping(NAMES, hausdorff=True, spacing=spacing), logits, fields)
    theirs = compute_hausdorff_distance(
        (logits > 0).float(), masks.float(), percentile=95, spacing=spacing, include_background=True
    )
    theirs[~masks.flatten(2).any(2)] = torch.nan
    means = theirs.nanmean(0)
    assert float(found["hausdorff_95"]) == pytest.approx(float(means.nanmean()), rel=1e-6)
    assert float(found["hausdorff_95_enhancing"]) == pytest.approx(float(means[2]), rel=1e-6)


@pytest.mark.parametrize("shape", SHAPES)
def test_the_loss_is_that_of_pytorch_and_monai(shape: tuple[int, ...]) -> None:
    logits, masks, fields = draw(6, 3, shape)
    true = masks.float()
    theirs = DiceLoss(sigmoid=True, batch=True)(logits, true)
    theirs = theirs + torch.nn.functional.binary_cross_entropy_with_logits(logits, true)
    assert float(Overlapping(NAMES).loss(logits, fields)) == pytest.approx(float(theirs), rel=1e-4)


def test_the_loss_of_a_few_pixels_by_hand() -> None:
    logits = torch.tensor([[[[2.0, -1.0]], [[0.0, 3.0]]]])
    masks = [[1, 0], [1, 1]]
    crosses, dices = [], []
    for label in range(2):
        p = [1 / (1 + math.exp(-float(logits[0, label, 0, at]))) for at in range(2)]
        t = masks[label]
        crosses += [-math.log(p[at] if t[at] else 1 - p[at]) for at in range(2)]
        dices.append((2 * sum(a * b for a, b in zip(p, t, strict=True)) + 1e-5) / (sum(p) + sum(t) + 1e-5))
    slow = sum(crosses) / 4 + 1 - sum(dices) / 2
    found = Overlapping(("a", "b")).loss(logits, torch.tensor([[[3, 2]]], dtype=torch.uint8))
    assert float(found) == pytest.approx(slow, rel=1e-6)


def test_a_batch_without_any_label_has_a_finite_loss() -> None:
    logits = torch.zeros(2, 3, 4, 4, requires_grad=True)
    loss = Overlapping(NAMES).loss(logits, torch.zeros(2, 4, 4, dtype=torch.uint8))
    loss.backward()
    assert loss.isfinite()
    assert logits.grad is not None
    assert logits.grad.isfinite().all()


def bernoulli(p: float) -> float:
    """Entropy in bits."""
    return -sum(q * math.log2(q) for q in (p, 1 - p) if q)


def slow_entropy(logits: Tensor) -> list[list[float]]:
    """Of each sample and pixel, the sum over its labels."""
    flat = logits.double().sigmoid().flatten(2)
    return [
        [sum(bernoulli(float(p)) for p in flat[n, :, at]) for at in range(flat.shape[2])]
        for n in range(len(flat))
    ]


def top_tenth(pixels: list[float]) -> float:
    count = math.ceil(len(pixels) / 10)
    return sum(sorted(pixels)[-count:]) / count


REDUCTIONS: dict[str, Callable[[list[float]], float]] = {
    "mean": lambda pixels: sum(pixels) / len(pixels), "sum": sum, "max": max,
}  # fmt: skip


def test_entropy_is_summed_over_the_labels_of_a_pixel() -> None:
    logits, _, _ = draw(4, 3, (5, 6))
    probs, pixels = Overlapping(NAMES).probabilities(logits), slow_entropy(logits)
    assert probs.shape == (4, 30, 3, 2)
    for reduction, slow in REDUCTIONS.items():
        found = Uncertainty(entropy, reduction).score(probs)  # type: ignore[arg-type]
        assert found.tolist() == pytest.approx([slow(each) for each in pixels], rel=1e-5)
    found = Uncertainty(entropy, {"top_fraction": 0.1}).score(probs)
    assert found.tolist() == pytest.approx([top_tenth(each) for each in pixels], rel=1e-5)
    found = Uncertainty(entropy, "foreground").score(probs)
    shown = (logits > 0).flatten(2).any(1)
    slow_means = [
        sum(h for h, has in zip(each, row, strict=True) if has) / max(1, int(row.sum()))
        for each, row in zip(pixels, shown, strict=True)
    ]
    assert found.tolist() == pytest.approx(slow_means, rel=1e-5)


def test_mutual_information_is_summed_over_the_labels_of_a_pixel() -> None:
    generator = torch.Generator().manual_seed(0)
    logits_NKL = torch.randn(2, 4, 3, 2, 2, generator=generator)
    task = Overlapping(NAMES)
    probs = task.probabilities(logits_NKL.flatten(0, 1)).unflatten(0, (2, 4)).movedim(1, -2)
    p = logits_NKL.double().sigmoid().flatten(3)
    slow = []
    for n in range(2):
        pixels = []
        for at in range(4):
            of_labels = [
                bernoulli(float(p[n, :, k, at].mean())) - sum(bernoulli(float(q)) for q in p[n, :, k, at]) / 4
                for k in range(3)
            ]
            pixels.append(sum(of_labels))
        slow.append(sum(pixels) / 4)
    assert Sampled(bald).score(probs).tolist() == pytest.approx(slow, rel=1e-4)


def test_expected_foreground_has_any_label() -> None:
    logits, _, _ = draw(3, 2, (4, 4))
    p = logits.double().sigmoid().flatten(2)
    slow = [sum(1 - float(1 - a) * float(1 - b) for a, b in zip(*each, strict=True)) / 16 for each in p]
    assert foreground_share(Overlapping(("a", "b")).probabilities(logits)).tolist() == pytest.approx(slow)


@pytest.mark.parametrize("labels", [3, 9])
def test_words_counts_and_what_is_kept(labels: int) -> None:
    task = Overlapping(tuple(f"label {k}" for k in range(labels)))
    logits, _, fields = draw(4, labels, (5, 5))
    fields[3] = 0
    assert task.count(fields).tolist() == planes(fields, labels).flatten(2).any(2).sum(0).tolist()
    assert task.describe(fields[3]) == "none"
    assert task.describe(fields[0]) == "+".join(str(k) for k in range(labels) if k != 1)
    name, kept = task.kept(task.probabilities(logits), fields)
    assert (name, kept.dtype) == ("masks", fields.dtype)
    assert (planes(kept, labels).bool() == (logits > 0)).all()
    assert task.check(fields) is None


@pytest.mark.parametrize(
    ("fields", "said"),
    [
        (torch.zeros(2, 4, 4, dtype=torch.int64), "masks are torch.int64 with 3 axes"),
        (torch.zeros(2, 4, dtype=torch.uint8), "with 2 axes"),
        (torch.full((2, 4, 4), 8, dtype=torch.uint8), "number 8; 3 labels are bits of numbers up to 7"),
    ],
)  # fmt: skip
def test_other_masks_are_refused(fields: Tensor, said: str) -> None:
    assert said in str(Overlapping(NAMES).check(fields))


@pytest.mark.parametrize(
    ("names", "said"),
    [((), "1 to 15, here are 0"), (tuple(map(str, range(16))), "here are 16"), (("a b", "A_b"), "dice_a_b")],
)
def test_names_that_cannot_be(names: tuple[str, ...], said: str) -> None:
    with pytest.raises(InputError, match=said):
        Overlapping(names)


def test_a_label_that_no_validation_mask_has_decides_nothing() -> None:
    task, fields = Overlapping(NAMES), torch.zeros(3, 4, 4, dtype=torch.uint8)
    fields[0, 0, 0] = 0b101
    check_decides("key", "val/dice", task, fields)
    check_decides("key", "val/dice_enhancing", task, fields)
    with pytest.raises(InputError, match="val/dice_core means nothing"):
        check_decides("key", "val/dice_core", task, fields)
