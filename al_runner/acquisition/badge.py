"""BADGE: k-means++ on the gradients of the last layer, which are never written out."""

from dataclasses import dataclass
from typing import Any, Literal

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from al_runner.acquisition.distances import ROUNDING, chunks, origin
from al_runner.acquisition.selection import best, chance

DRAWS = 512
"""At most so many samples are drawn before the weights of the whole pool are computed again."""
FIRST = ("largest", "chance")


def badge(
    probs: Tensor,
    embeddings_ND: Tensor,
    size: int,
    generator: torch.Generator,
    first: Literal["largest", "chance"] = "largest",
) -> tuple[Tensor, Tensor]:
    """Diverse, uncertain samples: BADGE (Ash, Zhang, Krishnamurthy, Langford and Agarwal, 2020).

    The gradient of the cross-entropy with respect to the last layer, for the likeliest class ŷ, is
    g_x = (p_x − e_ŷ) ⊗ h_x. k-means++ (Arthur and Vassilvitskii, 2007) takes sample after sample with
    probability ∝ min_{j ∈ taken} ‖g_x − g_j‖². Where a sample has many sites, with an output for each,
    g has the parts of every site.

    The gradients stay factorized, ⟨g_x, g_y⟩ = ⟨p_x − e_ŷ, p_y − e_ŷ⟩ ⟨h_x, h_y⟩. Distances only fall as
    samples are taken, so a sample is drawn by its distance of a while ago and accepted with probability
    now / then: the same distribution, and the pool's distances are computed for many samples at once.
    Time O(N size (C + D)), memory O(N C) beyond the embeddings.

    Args:
        probs: float [N, C] or [N, sites, C], probabilities of the samples to choose from.
        embeddings_ND: float [N, D], what the last layer sees of them.
        size: how many, at most N.
        generator: CPU generator of the draws.
        first: the first sample is the one with the largest gradient, as in the authors' code, or falls
            to `chance`, as in k-means++.

    Returns:
        int64 [size], positions in the order taken, and float [size], the distance of each to the nearest
        gradient when it was taken (the first: its length), both on the CPU. Samples without any distance
        left are taken by chance, last.

    Raises:
        ValueError: a prediction or an embedding is not finite.
    """
    gradients = Gradients.of(probs, embeddings_ND)
    keys_N = chance(len(probs), generator)
    norms_N = gradients.norms.cpu().numpy()
    start = best(norms_N if first == "largest" else np.zeros_like(norms_N), keys_N)
    taken, squared = [start], [float(norms_N[start])]
    squared_N = gradients.nearest([start])
    while len(taken) < size:
        squared_N[taken] = 0
        weights_N = squared_N.cpu().double().numpy()
        if not weights_N.any():
            break
        new, values = _draw(gradients, weights_N, size - len(taken), generator)
        taken += new
        squared += values
        squared_N = squared_N.minimum(gradients.nearest(new))
    rest = np.setdiff1d(np.arange(len(keys_N)), taken)
    taken += rest[np.argsort(-keys_N[rest])][: size - len(taken)].tolist()
    squared += [0.0] * (size - len(squared))
    return torch.tensor(taken[:size], dtype=torch.int64), torch.tensor(squared[:size]).sqrt()


@dataclass(frozen=True)
class Gradients:
    """The gradients of the last layer of some samples, as two factors.

    Attributes:
        residuals: float [N, C], p − e_ŷ of every site.
        embeddings: float [N, D].
        norms: float [N], squared lengths ‖p − e_ŷ‖² ‖h‖².
    """

    residuals: Tensor
    embeddings: Tensor
    norms: Tensor

    @classmethod
    def of(cls, probs: Tensor, embeddings_ND: Tensor) -> "Gradients":
        """The gradients for predictions [N, C] or [N, sites, C]."""
        origin(embeddings_ND)  # refuses what is not finite
        likeliest = torch.zeros_like(probs).scatter(-1, probs.argmax(-1, keepdim=True), 1.0)
        residuals_NC = (probs - likeliest).flatten(1)
        norms_N = residuals_NC.square().sum(1)
        for part in chunks(embeddings_ND):
            norms_N[part] *= embeddings_ND[part].square().sum(1)
        if not norms_N.isfinite().all():
            raise ValueError("a gradient is not finite")
        return cls(residuals_NC, embeddings_ND, norms_N)

    def __getitem__(self, rows: Any) -> "Gradients":
        return Gradients(self.residuals[rows], self.embeddings[rows], self.norms[rows])

    def squared_distances(self, others: "Gradients") -> Tensor:
        """‖g_x − g_y‖² to each of M others: [M, N]; what is only rounding is 0."""
        inner_MN = others.residuals @ self.residuals.T
        inner_MN *= others.embeddings @ self.embeddings.T
        squared_MN = inner_MN.mul_(-2).add_(others.norms[:, None]).add_(self.norms)
        return squared_MN.masked_fill_(squared_MN < ROUNDING * self.norms, 0)

    def nearest(self, centers: list[int]) -> Tensor:
        """The squared distance of every sample to the nearest of the samples `centers`: [N]."""
        others = self[torch.tensor(centers, device=self.norms.device)]
        parts = chunks(self.embeddings, len(centers))
        return torch.cat([self[part].squared_distances(others).amin(0) for part in parts])


def _draw(
    gradients: Gradients, weights_N: NDArray[np.float64], limit: int, generator: torch.Generator
) -> tuple[list[int], list[float]]:
    """The next samples, one at least, with their squared distances; `weights_N` are up to date."""
    n_draws = min(2 * limit, DRAWS)
    random_B2 = torch.rand(n_draws, 2, generator=generator, dtype=torch.float64).numpy()
    sums_N = weights_N.cumsum()
    draws_B = sums_N.searchsorted(random_B2[:, 0] * sums_N[-1], side="right")
    draws_B = draws_B.clip(max=weights_N.nonzero()[0][-1])  # the sum itself, by rounding
    block = gradients[torch.from_numpy(draws_B).to(gradients.norms.device)]
    between_BB = block.squared_distances(block).cpu().double().numpy()
    then_B = weights_N[draws_B]
    now_B = then_B.copy()
    new: list[int] = []
    values: list[float] = []
    for draw, accept in enumerate(random_B2[:, 1]):
        if accept * then_B[draw] >= now_B[draw]:
            continue
        new.append(int(draws_B[draw]))
        values.append(float(now_B[draw]))
        if len(new) == limit:
            break
        now_B = np.minimum(now_B, between_BB[draw])
        now_B[draws_B == draws_B[draw]] = 0  # the same sample, drawn again
    return new, values
