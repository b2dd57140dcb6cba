"""Acquisition functions of one predicted distribution: higher = more informative, always.

All take `probs` [..., C], probabilities whose last axis sums to 1, and return scores [...]. A binary or
multi-label prediction is a distribution over two classes. Saturated probabilities (exactly 0 or 1) are
fine; NaN in gives NaN out.
"""

import math

import torch
from torch import Tensor


def entropy(probs: Tensor, base: float = 2.0) -> Tensor:
    """Shannon entropy of the prediction (Shannon, 1948; for queries: Settles, 2009, section 3.1).

    H(p) = − Σ_c p_c log p_c, with 0 log 0 = 0. In [0, log C], in bits unless another `base` is given;
    log C where every class is equally likely.

    >>> entropy(torch.tensor([[0.5, 0.5], [1.0, 0.0]])).tolist()
    [1.0, 0.0]
    """
    # torch.special.entr takes half as long again: its logarithm is not vectorized.
    logs = probs.clamp(min=torch.finfo(probs.dtype).tiny).log()
    return (probs * logs.neg_()).sum(-1) / math.log(base)


def least_confidence(probs: Tensor) -> Tensor:
    """One minus the probability of the likeliest class (Lewis and Gale, 1994; Settles, 2009, section 3.1).

    LC(p) = 1 − max_c p_c. In [0, 1 − 1/C].

    >>> least_confidence(torch.tensor([[0.5, 0.25, 0.25], [1.0, 0.0, 0.0]])).tolist()
    [0.5, 0.0]
    """
    return 1 - probs.amax(-1)


def margin(probs: Tensor) -> Tensor:
    """How close the two likeliest classes are (Scheffer, Decomain and Wrobel, 2001).

    M(p) = 1 − (p_(1) − p_(2)), with p_(1) ≥ p_(2) the two largest probabilities. In [0, 1]; 1 at a tie.

    >>> margin(torch.tensor([[0.5, 0.25, 0.25], [0.5, 0.5, 0.0]])).tolist()
    [0.75, 1.0]
    """
    top = probs.topk(2, dim=-1).values
    return 1 - (top[..., 0] - top[..., 1])
