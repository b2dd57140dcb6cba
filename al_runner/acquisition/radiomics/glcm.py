"""Features of the gray level co-occurrence matrix (Haralick, Shanmugam and Dinstein, 1973)."""

import math

import torch
from torch import Tensor
from torch.nn.functional import pad

from al_runner.acquisition.radiomics.gray_levels import in_bins, in_chunks

NAMES = ("sum_entropy", "inverse_difference_normalized", "difference_entropy", "maximal_correlation")
CELLS = 2**18
"""Cells of co-occurrence matrices that are worked on at once."""
CELLS_GPU = 2**24
"""The same on a GPU."""


def glcm(maps_NHW: Tensor, bin_width: float = 25.0) -> Tensor:
    """PyRadiomics' SumEntropy, Idn, DifferenceEntropy and MCC of all pixels of a map.

    p(i, j) is the share of neighbors, in either order, whose levels are i and j, in bins of `bin_width`; one
    matrix for each of the four directions at distance 1, and of each feature the mean over the directions.

    sum entropy                    −Σ_k p₊(k) log₂ p₊(k), p₊(k) = Σ p(i, j) with i + j = k
    inverse difference normalized  Σ_k p₋(k) / (1 + k / B), p₋(k) = Σ p(i, j) with |i − j| = k; B levels lie
                                   between the map's lowest and highest
    difference entropy             −Σ_k p₋(k) log₂ p₋(k)
    maximal correlation            √λ₂, the second largest eigenvalue of Q(i, j) =
                                   Σ_k p(i, k) p(j, k) / (p(i) p(k)); in [0, 1]

    A map of one level, such as a constant one, has entropies 0, and 1 for the others.

    Args:
        maps_NHW: N maps of two pixels or more.
        bin_width: in the maps' unit; PyRadiomics' default is for levels of some hundreds.

    Returns:
        float64 [N, 4], as in `NAMES`.

    Raises:
        ValueError: the bins are too narrow.
    """

    def features(part_NHW: Tensor) -> Tensor:
        bins_NHW = in_bins(part_NHW, bin_width)
        n_levels = int(bins_NHW.max()) + 1
        step = max(1, (CELLS_GPU if bins_NHW.is_cuda else CELLS) // (4 * n_levels**2))
        return torch.cat([_features(part, n_levels) for part in bins_NHW.split(step)])

    return in_chunks(features, maps_NHW)


def _features(bins_NHW: Tensor, n_levels: int) -> Tensor:
    levels_N = bins_NHW.amax((1, 2)) + 1
    matrices_NABB = co_occurrence(bins_NHW, n_levels)
    sums_NAK, differences_NAB = sums_and_differences(matrices_NABB)
    steps_B = torch.arange(n_levels, device=bins_NHW.device)
    inverse_NB = 1 / (1 + steps_B / levels_N[:, None].double())
    correlation_NA = maximal_correlation(matrices_NABB)
    correlation_NA = correlation_NA.masked_fill((levels_N == 1)[:, None], 1)
    found_FNA = [
        torch.special.entr(sums_NAK).sum(2) / math.log(2),
        (differences_NAB * inverse_NB[:, None]).sum(2),
        torch.special.entr(differences_NAB).sum(2) / math.log(2),
        correlation_NA,
    ]
    return torch.stack(found_FNA, 2).mean(1)


def co_occurrence(bins_NHW: Tensor, n_levels: int) -> Tensor:
    """p(i, j) of the neighbors in each direction that a map is large enough for: float64 [N, A, B, B].

    Symmetric; right, down and the two diagonals: at most four.
    """
    height, width = bins_NHW.shape[1:]
    n_cells = len(bins_NHW) * n_levels**2
    matrix_N = torch.arange(0, n_cells, n_levels**2, dtype=torch.int32, device=bins_NHW.device)
    first_NHW = bins_NHW * n_levels + matrix_N[:, None, None]
    neighbors = [
        (first_NHW[:, :, : width - 1], bins_NHW[:, :, 1:]),
        (first_NHW[:, : height - 1], bins_NHW[:, 1:]),
        (first_NHW[:, : height - 1, : width - 1], bins_NHW[:, 1:, 1:]),
        (first_NHW[:, : height - 1, 1:], bins_NHW[:, 1:, : width - 1]),
    ]
    matrices = []
    for first, second in neighbors:
        if n_pairs := second[0].numel():
            counts_NBB = (first + second).flatten().bincount(minlength=n_cells).view(-1, n_levels, n_levels)
            matrices.append((counts_NBB + counts_NBB.transpose(1, 2)).double() / (2 * n_pairs))
    return torch.stack(matrices, 1)


def sums_and_differences(matrices: Tensor) -> tuple[Tensor, Tensor]:
    """p₊ [..., 2 B − 1] and p₋ [..., B] of symmetric matrices [..., B, B].

    >>> sums_and_differences(torch.tensor([[0.5, 0.125], [0.125, 0.25]]))
    (tensor([0.5000, 0.2500, 0.2500]), tensor([0.7500, 0.2500]))
    """
    differences = _diagonals(matrices.flip(-1))[..., matrices.shape[-1] - 1 :]
    differences[..., 1:] *= 2
    return _diagonals(matrices), differences


def _diagonals(matrices: Tensor) -> Tensor:
    """Sums over i + j = k: [..., B, B] → [..., 2 B − 1]."""
    size = matrices.shape[-1]
    # With rows of 2 B, seen as rows of 2 B − 1, row i has moved i columns to the right.
    shifted = pad(matrices, (0, size)).flatten(-2)[..., :-size]
    return shifted.unflatten(-1, (size, 2 * size - 1)).sum(-2)


def maximal_correlation(matrices: Tensor) -> Tensor:
    """√λ₂ of Q, of symmetric matrices p [..., B, B]: [...]; 0 for a single level.

    Q has the eigenvalues of M², M(i, j) = p(i, j) / √(p(i) p(j)), which is symmetric. The largest is 1.
    """
    root = matrices.sum(-1).rsqrt().nan_to_num(posinf=0)
    eigenvalues = torch.linalg.eigvalsh(matrices * root[..., None] * root[..., None, :])
    if matrices.shape[-1] == 1:
        return torch.zeros_like(eigenvalues[..., 0])
    return torch.maximum(eigenvalues[..., 0].abs(), eigenvalues[..., -2].abs()).clamp(max=1)
