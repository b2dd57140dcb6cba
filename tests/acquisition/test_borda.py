"""Borda count against its definition."""

import pytest
import torch

from al_runner.acquisition.borda import borda
from tests import reference
from tests.acquisition.data import generator


@pytest.mark.parametrize("directions", [[1, 1, 1], [1, -1, -1], [-1, -1, -1]])
@pytest.mark.parametrize("levels", [2, 5, 10**6])
def test_is_the_definition(levels: int, directions: list[int]) -> None:
    features = torch.randint(levels, (23, 3), generator=generator()).double() / levels
    expected = reference.borda(features.tolist(), directions)
    assert borda(features, directions).tolist() == expected
    assert sum(expected) == 3 * 23 * 22 / 2


def test_the_highest_score_has_the_lowest_sum_of_ranks() -> None:
    features = torch.rand(50, 4, generator=generator())
    ranks = sum(features[:, k].argsort(descending=True).argsort() + 1 for k in range(4))
    assert torch.equal(borda(features, [1] * 4), (4 * 50 - ranks).double())


def test_a_feature_and_its_inverse_cancel_or_count_twice() -> None:
    values = torch.rand(9, generator=generator())
    both = torch.stack([values, 1 / values], 1)
    assert borda(both, [1, 1]).tolist() == [8] * 9
    assert torch.equal(borda(both, [1, -1]), 2 * borda(values[:, None], [1]))


def test_ties_and_what_is_not_finite() -> None:
    assert borda(torch.zeros(4, 2), [1, -1]).tolist() == [3, 3, 3, 3]
    assert borda(torch.zeros(1, 2), [1, 1]).tolist() == [0]
    features = torch.tensor([[1.0, torch.inf], [torch.nan, 2], [-torch.inf, 3]])
    assert borda(features, [1, 1]).isnan().tolist() == [False, True, False]
