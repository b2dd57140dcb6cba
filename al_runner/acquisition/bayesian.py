"""Acquisition functions of many predicted distributions: higher = more informative, always.

All take `probs` [..., K, C]: the predictions of K stochastic passes (Monte Carlo dropout) or K members of a
committee, each a distribution over C classes; they return scores [...]. Entropies are in bits unless
another `base` is given. Saturated probabilities (exactly 0 or 1) are fine; NaN in gives NaN out.
"""

import math

import torch
from torch import Tensor


def mc_entropy(probs: Tensor, base: float = 2.0) -> Tensor:
    """Entropy of the mean prediction (Gal, Islam and Ghahramani, 2017, "Max Entropy").

    H(p̄), p̄ = 1/K Σ_k p_k. In [0, log C]. All that is uncertain: what the passes disagree about (`bald`)
    and what each of them is unsure of. Committees know it as consensus or soft-vote entropy.

    >>> mc_entropy(torch.tensor([[[1.0, 0.0], [0.0, 1.0]], [[1.0, 0.0], [1.0, 0.0]]])).tolist()
    [1.0, 0.0]
    """
    return torch.special.entr(probs.mean(-2)).sum(-1) / math.log(base)


def bald(probs: Tensor, base: float = 2.0) -> Tensor:
    """Mutual information of label and model (Houlsby et al., 2011; Gal, Islam and Ghahramani, 2017).

    BALD = H(p̄) − 1/K Σ_k H(p_k): how much the passes disagree, each being sure of itself. In
    [0, min(log C, log K)]; 0 where all passes say the same, however unsure they are.

    >>> bald(torch.tensor([[[1.0, 0.0], [0.0, 1.0]], [[0.5, 0.5], [0.5, 0.5]]])).tolist()
    [1.0, 0.0]
    """
    expected = torch.special.entr(probs).sum(-1).mean(-1) / math.log(base)
    return (mc_entropy(probs, base) - expected).clamp_min(0)  # below 0 only by rounding


def variation_ratios(probs: Tensor) -> Tensor:
    """Share of passes that do not vote for the commonest class (Freeman, 1965; Gal et al., 2017).

    1 − max_c V_c / K, V_c being the passes whose likeliest class is c (of equally likely ones the first).
    In [0, 1 − 1/min(C, K)]. It has few distinct values, so expect ties.

    >>> variation_ratios(torch.tensor([[0.9, 0.1], [0.6, 0.4], [0.8, 0.2], [0.3, 0.7]])).item()
    0.25
    """
    return 1 - _votes(probs).amax(-1)


def mean_std(probs: Tensor) -> Tensor:
    """Deviation over the passes, mean over the classes (Kampffmeyer et al., 2016; Gal et al., 2017).

    1/C Σ_c √(1/K Σ_k (p_kc − p̄_c)²), dividing by K, not K − 1. In [0, ½].

    >>> mean_std(torch.tensor([[1.0, 0.0], [0.0, 1.0]])).item()
    0.5
    """
    return probs.std(-2, correction=0).mean(-1)


def predictive_variance(probs: Tensor, aleatoric: Tensor | None = None) -> Tensor:
    """Variance of the prediction (Kendall and Gal, 2017, eq. 9; Mahapatra et al., IDEAL, eq. 3).

    1/K Σ_k ŷ_k² − (1/K Σ_k ŷ_k)² + 1/K Σ_k σ̂_k²: how the passes scatter (epistemic) plus the mean of
    the noise variance that the network itself predicts (aleatoric), left out where it predicts none.
    The papers write it for one output ŷ. Here it is the mean over the classes; with two classes both have
    the variance of ŷ = p_1, so that this is eq. 3 to the letter. In [0, ¼] without the aleatoric term.

    Args:
        probs: [..., K, C].
        aleatoric: [..., K], the variance σ̂² that each pass predicts, on the scale of a probability.

    >>> predictive_variance(torch.tensor([[1.0, 0.0], [0.0, 1.0]]), torch.tensor([0.25, 0.75])).item()
    0.75
    """
    # Centered: the difference of squares in the formula would lose the digits of a small variance.
    epistemic = probs.var(-2, correction=0).mean(-1)
    return epistemic if aleatoric is None else epistemic + aleatoric.mean(-1)


def vote_entropy(probs: Tensor, base: float = 2.0) -> Tensor:
    """Entropy of a committee's votes (Dagan and Engelson, 1995; Settles, 2009, section 3.2).

    − Σ_c V_c/K log V_c/K, V_c being the members whose likeliest class is c (of equally likely ones the
    first). In [0, log min(C, K)]; Dagan and Engelson divide by that bound, which changes no ranking. Soft
    votes, the mean of the members' probabilities, give `mc_entropy`.

    >>> vote_entropy(torch.tensor([[0.9, 0.1], [0.4, 0.6], [0.8, 0.2], [0.3, 0.7]])).item()
    1.0
    """
    return torch.special.entr(_votes(probs)).sum(-1) / math.log(base)


def committee_kl(probs: Tensor, base: float = 2.0) -> Tensor:
    """Mean divergence of the members from their consensus (McCallum and Nigam, 1998).

    1/K Σ_k KL(p_k ‖ p̄). In [0, min(log C, log K)]. Expanding the logarithm shows that it is `bald`, found
    from another side: a name for those who look for it, not another ranking.

    >>> committee_kl(torch.tensor([[1.0, 0.0], [0.0, 1.0]])).item()
    1.0
    """
    return bald(probs, base)


def _votes(probs: Tensor) -> Tensor:
    """Share of the passes that vote for each class: [..., K, C] → [..., C]; NaN for NaN."""
    classes = torch.arange(probs.shape[-1], device=probs.device)
    winners = probs.argmax(-1, keepdim=True)
    shares = (winners == classes).sum(-2).to(probs.dtype) / probs.shape[-2]
    return shares.masked_fill(probs.isnan().any(-1).any(-1, keepdim=True), math.nan)
