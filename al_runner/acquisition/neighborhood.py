"""Scores that look at a sample's neighborhood: how dense it is, and whether the model sees it alike."""

import torch
from torch import Tensor

from al_runner.acquisition.distances import chunks, normalized, origin, squared_distances

SMALLEST = 1e-7
"""Probabilities are raised to it, so that a divergence from a saturated prediction stays finite."""


def information_density(uncertainty_N: Tensor, embeddings_ND: Tensor, beta: float = 1.0) -> Tensor:
    """Uncertainty times representativeness (Settles and Craven, 2008, equation 13).

    φ(x) · (1/N Σ_u cos(h_x, h_u))^β. The mean of cosines is the cosine-weighted mean vector, so it takes
    time O(N D), not O(N² D). A negative mean similarity counts as 0.

    Args:
        uncertainty_N: float [N], at least 0.
        embeddings_ND: float [N, D].
        beta: weight of the density; 0 = uncertainty alone.

    Returns:
        float [N], in [0, max φ].

    >>> information_density(torch.ones(3), torch.tensor([[1.0, 0.0], [1.0, 0.0], [0.0, 1.0]]))[:2].tolist()
    [0.6666666865348816, 0.6666666865348816]
    """
    origin(embeddings_ND)  # refuses what is not finite
    total_D = torch.zeros_like(embeddings_ND[0], dtype=torch.float64)
    for part in chunks(embeddings_ND):
        total_D += normalized(embeddings_ND[part]).sum(0)
    mean_D = (total_D / len(embeddings_ND)).to(embeddings_ND.dtype)
    density = [normalized(embeddings_ND[part]) @ mean_D for part in chunks(embeddings_ND)]
    return uncertainty_N * torch.cat(density).clamp(min=0) ** beta


def contrast(
    probs: Tensor, embeddings_ND: Tensor, labeled_probs: Tensor, labeled_MD: Tensor, neighbors: int = 10
) -> Tensor:
    """How differently the model predicts for similar samples: CAL (Margatina et al., 2021, algorithm 1).

    s(x) = 1/k Σ_{l ∈ kNN(x)} KL(p_l ‖ p_x), over the k labeled samples whose embeddings are nearest; the
    mean over sites where a sample has many. Probabilities are at least 1e-7. In nats, in [0, log 1e7];
    0 without labeled samples. Time O(N M D), memory O(N) beyond the predictions.

    Args:
        probs: float [N, C] or [N, sites, C].
        embeddings_ND: float [N, D].
        labeled_probs: float [M, C] or [M, sites, C], predictions for the labeled samples.
        labeled_MD: float [M, D].
        neighbors: at most M are used.

    >>> sure, unsure = torch.tensor([[1.0, 0.0]]), torch.tensor([[0.5, 0.5]])
    >>> round(contrast(unsure, torch.zeros(1, 1), sure, torch.zeros(1, 1)).item(), 4)
    0.6931
    """
    if not len(labeled_MD):
        return torch.zeros(len(probs))
    mean_D = origin(embeddings_ND)
    centered_MD = labeled_MD - mean_D
    labeled_MSC = _raised(labeled_probs)
    negative_entropy_M = (labeled_MSC * labeled_MSC.log()).sum(-1).mean(-1)
    n_neighbors = min(neighbors, len(labeled_MD))
    scores: list[Tensor] = []
    for part in chunks(embeddings_ND, max(len(labeled_MD), n_neighbors * labeled_MSC[0].numel())):
        squared_MB = squared_distances(embeddings_ND[part] - mean_D, centered_MD)
        near_KB = squared_MB.topk(n_neighbors, dim=0, largest=False).indices
        cross_B = (labeled_MSC[near_KB].mean(0) * _raised(probs[part]).log()).sum(-1).mean(-1)
        scores.append(negative_entropy_M[near_KB].mean(0) - cross_B)
    return torch.cat(scores).clamp(min=0).float()


def _raised(probs: Tensor) -> Tensor:
    """Probabilities of at least `SMALLEST` that sum to 1: float64 [N, sites, C]."""
    probs_NSC = (probs.flatten(1, -2) if probs.ndim > 2 else probs[:, None]).double().clamp(min=SMALLEST)
    return probs_NSC / probs_NSC.sum(-1, keepdim=True)
