"""Stochastic batch acquisition: any scores, perturbed (Kirsch et al., 2023).

The samples with the highest scores resemble each other, and what the first teaches the others need not
teach again. So scores are perturbed by Gumbel noise ε before the highest are taken: the query is then a draw
without replacement, in which a sample's weight is a function of its score. `power(bald(probs), noise)`,
for instance, ranks by PowerBALD. A larger `beta` means less noise: near 0 it is random sampling, at infinity
top-n.

All take scores [n] and noise [n] and return perturbed scores [n] in float64; NaN in gives NaN out.
"""

import torch
from torch import Tensor

ROUNDING = 1e-6
"""A score this much below zero is a zero that was rounded."""


def gumbel(size: int, generator: torch.Generator) -> Tensor:
    """Standard Gumbel noise, float64 [size] (Gumbel, 1935).

    Draw it for the whole pool and take the entries of the scores' indices: the noise then belongs to a
    sample, in whatever order the scores arrive.
    """
    uniform = torch.rand(size, generator=generator, dtype=torch.float64)
    return -uniform.clamp_min(2.0**-54).log().neg().log()  # clamped: a drawn 0 would be −∞


def power(scores: Tensor, noise: Tensor, beta: float = 1.0) -> Tensor:
    """Log score plus noise (Kirsch et al., 2023, "power"): a sample's weight is its score to the power β.

    log s + ε/β. For scores that are 0 where there is nothing to learn, such as `bald` and entropies: a
    score of 0 becomes −∞, so that it is chosen only where positive scores run out.

    Raises:
        ValueError: a score is negative beyond rounding; or `beta` is not positive.

    >>> power(torch.tensor([0.0, 1.0]), torch.tensor([5.0, 3.0]), beta=2.0).tolist()
    [-inf, 1.5]
    """
    if (scores < -ROUNDING).any():
        raise ValueError("a score is negative, and has no power: perturb such scores by softmax or rank")
    return scores.double().clamp_min(0).log() + _scaled(noise, beta, scores)


def softmax(scores: Tensor, noise: Tensor, beta: float = 1.0) -> Tensor:
    """Score plus noise (Kirsch et al., 2023, "softmax"): a sample's weight is exp(β · score).

    s + ε/β. For scores of any sign; only their differences count.

    Raises:
        ValueError: `beta` is not positive.

    >>> softmax(torch.tensor([-1.0, 1.0]), torch.tensor([4.0, 2.0]), beta=2.0).tolist()
    [1.0, 2.0]
    """
    return scores.double() + _scaled(noise, beta, scores)


def rank(scores: Tensor, noise: Tensor, beta: float = 1.0) -> Tensor:
    """Rank plus noise (Kirsch et al., 2023, "softrank"): a sample's weight is rank^−β, 1 the highest score.

    −log r + ε/β. For scores of which only the order means something. Equal scores share the mean of their
    ranks, so that none is preferred.

    Raises:
        ValueError: `beta` is not positive.

    >>> rank(torch.tensor([7.0, 9.0, 7.0]), torch.zeros(3)).exp().mul(10).round().tolist()
    [4.0, 10.0, 4.0]
    """
    _, position, counts = scores.unique(return_inverse=True, return_counts=True)
    ranks = len(scores) - counts.cumsum(0) + (counts + 1) / 2  # of each distinct score, the lowest first
    perturbed = -ranks[position].double().log() + _scaled(noise, beta, scores)
    return perturbed.masked_fill(scores.isnan(), torch.nan)


def _scaled(noise: Tensor, beta: float, scores: Tensor) -> Tensor:
    """Noise of scale 1/β where the scores are."""
    if not beta > 0:
        raise ValueError(f"beta={beta}: a positive number, larger for less noise")
    return noise.to(scores.device, torch.float64) / beta
