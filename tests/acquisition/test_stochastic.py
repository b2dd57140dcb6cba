import math
from collections import Counter
from itertools import permutations

import pytest
import torch
from scipy.stats import gumbel_r, kstest, rankdata

from al_runner.acquisition import stochastic
from al_runner.acquisition.selection import top
from tests import reference

VARIANTS = ["power", "softmax", "rank"]


def generator(seed: int = 0) -> torch.Generator:
    return torch.Generator().manual_seed(seed)


def test_noise_is_gumbel() -> None:
    noise = stochastic.gumbel(20_000, generator())
    assert kstest(noise.numpy(), gumbel_r.cdf).pvalue > 0.01
    assert noise.isfinite().all()


@pytest.mark.parametrize("beta", [0.5, 1.0, 3.0])
@pytest.mark.parametrize("variant", VARIANTS)
def test_top_two_are_drawn_by_weight_without_replacement(variant: str, beta: float) -> None:
    scores = torch.tensor([0.2, 1.0, 0.5, 0.5], dtype=torch.float64)
    weights = {
        "power": scores**beta,
        "softmax": (scores * beta).exp(),
        "rank": torch.tensor([4, 1, 2.5, 2.5], dtype=torch.float64) ** -beta,
    }[variant].tolist()
    stream, draws = generator(), 4000
    perturbed = [
        getattr(stochastic, variant)(scores, stochastic.gumbel(4, stream), beta) for _ in range(draws)
    ]
    counts = Counter(tuple(p.topk(2).indices.tolist()) for p in perturbed)
    for order in permutations(range(4), 2):
        expected = reference.plackett_luce(weights, order)
        assert abs(counts[order] / draws - expected) < 5 * math.sqrt(expected * (1 - expected) / draws)


@pytest.mark.parametrize("variant", VARIANTS)
def test_without_noise_the_order_stays(variant: str) -> None:
    scores = torch.rand(50, generator=generator())
    perturbed = getattr(stochastic, variant)(scores, torch.zeros(50))
    assert perturbed.argsort().tolist() == scores.argsort().tolist()
    noisy = getattr(stochastic, variant)(scores, stochastic.gumbel(50, generator()), beta=math.inf)
    assert noisy.tolist() == perturbed.tolist()


def test_zero_scores_come_after_all_others_and_fill_up() -> None:
    scores = torch.tensor([0.0, 1e-30, 0.0, 1.0, -1e-9, 0.0])  # −1e-9: rounding
    for seed in range(50):
        stream = generator(seed)
        perturbed = stochastic.power(scores, stochastic.gumbel(6, stream))
        chosen = top(perturbed, torch.arange(6), 4, 6, stream).tolist()
        assert set(chosen[:2]) == {1, 3}
        assert len(set(chosen)) == 4


def test_negative_scores_have_no_power() -> None:
    scores = torch.tensor([-1.0, 2.0])
    with pytest.raises(ValueError, match="softmax or rank"):
        stochastic.power(scores, torch.zeros(2))
    assert stochastic.softmax(scores, torch.zeros(2)).tolist() == [-1, 2]
    assert stochastic.rank(scores, torch.zeros(2)).exp().tolist() == [0.5, 1]


def test_equal_scores_share_their_rank() -> None:
    scores = torch.randint(0, 5, (40,), generator=generator()).double()
    ranks = (-stochastic.rank(scores, torch.zeros(40))).exp()
    torch.testing.assert_close(ranks, torch.from_numpy(rankdata(-scores.numpy())))


def test_the_noise_belongs_to_the_index() -> None:
    scores = torch.rand(30, generator=generator())
    noise = stochastic.gumbel(30, generator(1))
    order = torch.randperm(30, generator=generator(2))
    for variant in VARIANTS:
        perturb = getattr(stochastic, variant)
        assert perturb(scores[order], noise[order]).tolist() == perturb(scores, noise)[order].tolist()


@pytest.mark.parametrize("variant", VARIANTS)
def test_refuses_or_shows_what_is_wrong(variant: str) -> None:
    perturb = getattr(stochastic, variant)
    for beta in (0.0, -1.0, math.nan):
        with pytest.raises(ValueError, match="beta"):
            perturb(torch.ones(2), torch.zeros(2), beta)
    assert perturb(torch.tensor([math.nan, 1.0]), torch.zeros(2)).isnan().tolist() == [True, False]
    assert perturb(torch.ones(0), torch.zeros(0)).tolist() == []
