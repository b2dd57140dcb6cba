import pytest
import torch

from al_runner.acquisition.selection import top
from tests import reference


def generator(seed: int = 0) -> torch.Generator:
    return torch.Generator().manual_seed(seed)


@pytest.mark.parametrize("seed", range(20))
def test_takes_the_highest_scores(seed: int) -> None:
    scores = torch.randint(0, 4, (12,), generator=generator(seed)).double() / 4
    for size in range(1, 13):
        chosen = top(scores, torch.arange(12), size, 12, generator())
        assert frozenset(chosen.tolist()) in reference.top(scores.tolist(), size)
        assert scores[chosen].tolist() == sorted(scores[chosen].tolist(), reverse=True)


def test_ties_fall_to_chance_evenly() -> None:
    counts = torch.zeros(10)
    for seed in range(2000):
        counts[top(torch.zeros(10), torch.arange(10), 3, 10, generator(seed))] += 1
    assert counts.sum() == 6000
    assert (counts - 600).abs().max() < 5 * (2000 * 0.3 * 0.7) ** 0.5  # five standard deviations


def test_does_not_depend_on_the_order_of_the_scores() -> None:
    indices = torch.arange(0, 100, 2)
    scores = torch.randint(0, 3, (50,), generator=generator()).float()
    expected = indices[top(scores, indices, 20, 100, generator(1))]
    order = torch.randperm(50, generator=generator(2))
    shuffled = indices[order][top(scores[order], indices[order], 20, 100, generator(1))]
    assert shuffled.tolist() == expected.tolist()


def test_infinite_scores_and_the_whole_pool() -> None:
    scores = torch.tensor([0.0, float("inf"), -float("inf"), 1.0])
    assert top(scores, torch.arange(4), 4, 4, generator()).tolist() == [1, 3, 0, 2]


def test_zero_samples() -> None:
    assert top(torch.ones(3), torch.arange(3), 0, 3, generator()).tolist() == []


def test_refuses_nan_and_too_few() -> None:
    with pytest.raises(ValueError, match="NaN"):
        top(torch.tensor([1.0, float("nan")]), torch.arange(2), 1, 2, generator())
    with pytest.raises(ValueError, match="3 of 2"):
        top(torch.ones(2), torch.arange(2), 3, 2, generator())
