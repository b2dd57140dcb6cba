"""Data sets with features instead of images worth looking at."""

import numpy as np
import torch
from torch import Tensor

from al_runner.data.dataset import Dataset, Split
from al_runner.data.tasks import Binary, MultiClass, MultiLabel
from al_runner.learning.linear import LinearHead, LinearLearner
from al_runner.learning.machine import Machine
from al_runner.loop.schedule import Round
from al_runner.loop.seeding import Streams

CPU = Machine.detect("cpu")
STEP = Round(0, 0, 1, reset=True, evaluate=True)
Features = dict[str, Tensor]


def clusters(classes: int = 3, width: int = 20, n: int = 90, apart: float = 1.0) -> tuple[Dataset, Features]:
    """Clusters of features, one for each class, which overlap."""
    rng = np.random.default_rng(0)
    centers = rng.normal(size=(classes, width)) * apart
    splits, features = {}, {}
    for name, size in (("train", n), ("val", 40), ("test", 40)):
        labels = rng.permutation(np.arange(size) % classes)
        values = centers[labels] + rng.normal(size=(size, width)) * 2
        features[name] = torch.from_numpy(values.astype(np.float32))
        splits[name] = Split(torch.zeros(size, 1, 2, 2, dtype=torch.uint8), torch.from_numpy(labels))
    task = Binary() if classes == 2 else MultiClass(classes)
    return Dataset("clusters", splits, task, "none"), features


def several_labels(count: int = 4, width: int = 20) -> tuple[Dataset, Features]:
    """Labels by the signs of noisy directions; the last one is rare."""
    rng = np.random.default_rng(1)
    ways = rng.normal(size=(width, count))
    splits, features = {}, {}
    for name, size in (("train", 90), ("val", 40), ("test", 40)):
        values = rng.normal(size=(size, width))
        rare = np.array([0] * (count - 1) + [4])
        present = values @ ways + rng.normal(size=(size, count)) > rare
        features[name] = torch.from_numpy(values.astype(np.float32))
        splits[name] = Split(torch.zeros(size, 1, 2, 2, dtype=torch.uint8), torch.from_numpy(present).long())
    return Dataset("labels", splits, MultiLabel(count), "none"), features


def learner(
    data: tuple[Dataset, Features], head: LinearHead | None = None, **options: object
) -> LinearLearner:
    return LinearLearner(*data, head or LinearHead(), CPU, Streams(0), **options)  # type: ignore[arg-type]


def fit(subject: LinearLearner, n: int | Tensor = 40) -> dict[str, float]:
    indices = torch.arange(n) if isinstance(n, int) else n
    return dict(subject.fit(indices, subject.dataset.train.targets[indices], STEP))
