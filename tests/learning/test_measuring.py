"""Which metrics may decide, and what becomes of those that cannot."""

from contextlib import nullcontext
from typing import Any

import pytest
import torch

from al_runner.data.tasks import Binary, MultiClass, MultiLabel, Segmentation, Task
from al_runner.errors import InputError
from al_runner.learning.measuring import check_decides
from al_runner.learning.training import KeepBest


@pytest.mark.parametrize(
    ("task", "targets", "metric", "words"),
    [
        (
            Binary(),
            [1, 1, 1],
            "auroc",
            r"would score nan \(3 samples, of each class: 0, 3\)",
        ),
        (Binary(), [0, 0, 0], "f1", "would score 0"),
        (Binary(), [0, 1, 1], "f1", None),
        (Binary(), [1, 1, 1], "accuracy", None),
        (MultiClass(3), [2, 2, 2], "auroc", "of each class: 0, 0, 3"),
        (MultiClass(3), [0, 1, 2], "auroc", None),
        (MultiLabel(2), [[0, 0], [0, 0]], "auroc", "would score nan"),
        (MultiLabel(2), [[0, 1], [1, 0]], "auroc", None),
    ],
)
def test_a_metric_that_a_validation_split_cannot_tell_decides_nothing(
    task: Task, targets: list[Any], metric: str, words: str | None
) -> None:
    context = nullcontext() if words is None else pytest.raises(InputError, match=words)
    with context:
        check_decides("schedule.best_epoch_by", f"val/{metric}", task, torch.tensor(targets))


def test_an_absent_label_of_masks_decides_nothing() -> None:
    task = Segmentation(3, ("background", "liver", "tumor"))
    masks = torch.zeros(2, 4, 4, dtype=torch.uint8)
    masks[0, :2] = 1
    check_decides("schedule.best_epoch_by", "val/dice_liver", task, masks)
    with pytest.raises(InputError, match=r"would score nan \(2 samples, of each class: 1, 1, 0\)"):
        check_decides("schedule.best_epoch_by", "val/dice_tumor", task, masks)


def test_a_metric_that_is_no_number_keeps_the_last_epoch() -> None:
    network = torch.nn.Linear(1, 1)
    best = KeepBest(lambda: float("nan"), network)
    for value in (1.0, 2.0):
        torch.nn.init.constant_(network.weight, value)
        best.on_train_epoch_end(None, None)  # type: ignore[arg-type]
    with pytest.warns(UserWarning, match="the last epoch is kept"):
        best.on_train_end(None, None)  # type: ignore[arg-type]
    assert network.weight.item() == 2
