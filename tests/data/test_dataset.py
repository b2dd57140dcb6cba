"""What a function of the user's own may return as a data set."""

from typing import Any

import pytest
import torch

from al_runner.data.dataset import Dataset, Split
from al_runner.data.tasks import MultiClass
from al_runner.errors import InputError

IMAGES = torch.zeros(6, 1, 4, 4, dtype=torch.uint8)
LABELS = torch.arange(6) % 3


def dataset(targets: Any = LABELS, lacking: str = "", **options: Any) -> Dataset:
    splits = {name: Split(IMAGES, targets) for name in ("train", "val", "test") if name != lacking}
    return Dataset("mine", splits, MultiClass(3), fingerprint="none", **options)


@pytest.mark.parametrize(
    ("wrong", "words"),
    [
        ({"targets": LABELS.float()}, r"targets are torch.float32 \[6\]; expected int64 \[N\]"),
        ({"targets": LABELS.to(torch.uint8)}, "targets are torch.uint8"),
        ({"targets": LABELS[:, None]}, r"targets are torch.int64 \[6, 1\]"),
        ({"targets": LABELS.numpy()}, "train images and targets must be PyTorch tensors"),
        ({"targets": LABELS + 1}, "labels run from 1 to 3; 3 classes are numbered 0 to 2"),
        ({"lacking": "val"}, "dataset mine lacks the split val"),
        ({"class_names": ("a", "b")}, "2 class names for 3 classes"),
    ],
)
def test_what_does_not_fit_is_refused(wrong: dict[str, Any], words: str) -> None:
    with pytest.raises(InputError, match=words):
        dataset(**wrong)


def test_what_fits() -> None:
    assert dataset(class_names=("a", "b", "c")).channels == 1
