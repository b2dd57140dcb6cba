import pytest
import torch

from al_runner.acquisition.uncertainty import entropy, margin
from al_runner.loop.pool import Pool, Query
from al_runner.strategies.random import random
from al_runner.strategies.uncertainty import Uncertainty
from tests.strategies.fake import FakeLearner


def pool_of(size: int, labeled: int) -> Pool:
    pool = Pool(size)
    if labeled:
        pool.add(Query(torch.arange(labeled)), torch.zeros(labeled), 0)
    return pool


def generator(seed: int = 0) -> torch.Generator:
    return torch.Generator().manual_seed(seed)


def test_random_is_uniform_over_the_unlabeled() -> None:
    counts = torch.zeros(10)
    for seed in range(3000):
        counts[random(FakeLearner(10), pool_of(10, 4), 2, generator(seed)).indices] += 1
    assert (counts[:4] == 0).all()
    assert (counts[4:] - 1000).abs().max() < 5 * (3000 * (1 / 3) * (2 / 3)) ** 0.5


@pytest.mark.parametrize("acquisition", [entropy, margin])
def test_queries_the_highest_scores_and_returns_them(acquisition) -> None:  # type: ignore[no-untyped-def]
    learner, pool = FakeLearner(50), pool_of(50, 10)
    query = Uncertainty(acquisition)(learner, pool, 5, generator())
    scores = acquisition(learner.probs)
    expected = scores[10:].sort(descending=True).values[:5]
    assert query.scores is not None
    torch.testing.assert_close(query.scores, expected)
    torch.testing.assert_close(scores[query.indices], expected)


@pytest.mark.parametrize(("reduction", "best"), [("mean", 0), ("sum", 0), ("max", 1)])
def test_reduction_over_sites(reduction: str, best: int) -> None:
    half, sure = [0.5, 0.5], [1.0, 0.0]
    mild = [0.7, 0.3]
    learner = FakeLearner(3)
    learner.probs = torch.tensor([[mild, mild, mild], [half, sure, sure], [sure, sure, sure]])
    query = Uncertainty(entropy, reduction)(learner, Pool(3), 1, generator())  # type: ignore[arg-type]
    assert query.indices.tolist() == [best]
