"""First-order features: the distribution of a map's levels."""

import math

import torch
from torch import Tensor

from al_runner.acquisition.radiomics.gray_levels import counted, in_bins, in_chunks

NAMES = ("kurtosis", "skewness", "entropy", "total_energy")


def first_order(maps_NHW: Tensor, bin_width: float = 25.0, shift: float = 0.0) -> Tensor:
    """PyRadiomics' Kurtosis, Skewness, Entropy and TotalEnergy of all pixels x of a map.

    kurtosis      m₄ / m₂², with m_k = mean (x − x̄)^k: at least 1, and 3 for a normal distribution
    skewness      m₃ / m₂^1.5
    entropy       −Σ p_b log₂ p_b, over bins of `bin_width`
    total energy  Σ (x + `shift`)², for pixels of area 1

    Kurtosis, skewness and entropy of a constant map are 0.

    Args:
        maps_NHW: N maps.
        bin_width: in the maps' unit; PyRadiomics' default is for levels of some hundreds.
        shift: PyRadiomics' `voxelArrayShift`, which is to leave no level below 0.

    Returns:
        float64 [N, 4], as in `NAMES`.

    Raises:
        ValueError: the bins are too narrow.
    """

    def features(part_NHW: Tensor) -> Tensor:
        values_NP = part_NHW.flatten(1).double()
        bins_NHW = in_bins(part_NHW, bin_width)
        shares_NB = counted(bins_NHW, int(bins_NHW.max()) + 1) / values_NP.shape[1]
        entropy_N = torch.special.entr(shares_NB).sum(1) / math.log(2)
        energy_N = (values_NP + shift).square_().sum(1)
        return torch.stack([*kurtosis_and_skewness(values_NP), entropy_N, energy_N], 1)

    return in_chunks(features, maps_NHW)


def kurtosis_and_skewness(values_NP: Tensor) -> tuple[Tensor, Tensor]:
    """m₄ / m₂² and m₃ / m₂^1.5 of float64 [N, P]; 0 where all values of a row are equal.

    >>> kurtosis_and_skewness(torch.tensor([[0.0, 0, 0, 4], [0.1, 0.1, 0.1, 0.1]], dtype=torch.float64))[0]
    tensor([2.3333, 0.0000], dtype=torch.float64)
    """
    low_N, high_N = values_NP.amin(1), values_NP.amax(1)
    centered_NP = values_NP - values_NP.mean(1, keepdim=True)
    squares_NP = centered_NP * centered_NP
    variance_N = squares_NP.mean(1)
    third_N = centered_NP.mul_(squares_NP).mean(1)
    fourth_N = squares_NP.square_().mean(1)
    equal_N = (high_N == low_N) | (variance_N**2 == 0)
    found = fourth_N / variance_N**2, third_N / variance_N**1.5
    kurtosis_N, skewness_N = (each.masked_fill(equal_N, 0) for each in found)
    return kurtosis_N, skewness_N
