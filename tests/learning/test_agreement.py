import math

import pytest
import torch
from sklearn.metrics import cohen_kappa_score
from torch import Tensor

from al_runner.data.dataset import Dataset
from al_runner.learning.agreement import kappa
from al_runner.loop.schedule import Round
from tests.learning.test_learner import fit, learner


def by_hand(a: list[int], b: list[int]) -> float:
    """Cohen (1960), counted."""
    n = len(a)
    observed = sum(x == y for x, y in zip(a, b, strict=True)) / n
    chance = sum(a.count(c) / n * b.count(c) / n for c in set(a))
    return (observed - chance) / (1 - chance)


@pytest.mark.parametrize("seed", range(10))
def test_kappa(seed: int) -> None:
    generator = torch.Generator().manual_seed(seed)
    a = torch.randint(0, 2 + seed % 4, (50,), generator=generator)
    b = torch.where(torch.rand(50, generator=generator) < 0.5, a, a.roll(1))
    assert kappa(a, b) == pytest.approx(by_hand(a.tolist(), b.tolist()), abs=1e-6)
    assert kappa(a, b) == pytest.approx(cohen_kappa_score(a, b), abs=1e-6)
    assert kappa(a.reshape(10, 5), b.reshape(10, 5)) == kappa(a, b), "sites of samples count one by one"


def test_one_class_throughout_says_nothing() -> None:
    assert math.isnan(kappa(torch.zeros(9, dtype=torch.int16), torch.zeros(9, dtype=torch.int16)))
    assert kappa(torch.zeros(9, dtype=torch.int16), torch.ones(9, dtype=torch.int16)) == 0


def test_a_round_compares_its_model_with_the_last_one(small: Dataset) -> None:
    subject = learner(small)

    def decide() -> Tensor:
        return subject.predict(torch.arange(len(small.train))).argmax(-1)

    fit(subject, Round(0, 0, 3, True, evaluate=True))
    before, indices = decide(), torch.arange(30)
    step = Round(1, 0, 3, True, evaluate=True, agreement=10_000)
    metrics = subject.fit(indices, small.train.targets[indices], step)
    assert metrics["pool/kappa"] == pytest.approx(cohen_kappa_score(before, decide()), abs=1e-6)
    step = Round(2, 0, 3, True, evaluate=True, agreement=20)
    assert subject.fit(indices, small.train.targets[indices], step)["pool/kappa"] <= 1
