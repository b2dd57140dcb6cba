"""The kurtosis of a map's histogram."""

from typing import Literal

import torch
from torch import Tensor

from al_runner.acquisition.radiomics.first_order import kurtosis_and_skewness
from al_runner.acquisition.radiomics.gray_levels import counted, equal_bins, in_chunks, unit_range

Of = Literal["distribution", "counts"]


def histogram_kurtosis(maps_NHW: Tensor, n_bins: int = 256, of: Of = "distribution") -> Tensor:
    """k(H(S)), the kurtosis of a map's histogram (Mahapatra, Poellinger, Shao and Reyes, 2021, equation 1).

    H counts pixels in `n_bins` of equal width between the map's lowest and highest value, so the scale of a
    map does not matter. k = m₄ / m₂². Of the `distribution` that the histogram shows, Σ p_b (b − b̄)^k = m_k:
    high where few pixels are far from the many others. Of the `counts` themselves, the letter of the
    equation, m_k = mean_b (n_b − n̄)^k: high where one bin holds most pixels.

    0 for a constant map, 1 or more for any other.

    Args:
        maps_NHW: N maps.
        n_bins: at least 2.
        of: what the kurtosis is of.

    Returns:
        float64 [N].
    """
    bins_B = torch.arange(n_bins, dtype=torch.float64, device=maps_NHW.device)

    def features(part_NHW: Tensor) -> Tensor:
        counts_NB = counted(equal_bins(unit_range(part_NHW), n_bins), n_bins)
        constant_N = counts_NB.amax(1) == counts_NB.sum(1)
        if of == "counts":
            return kurtosis_and_skewness(counts_NB)[0].masked_fill(constant_N, 0)
        shares_NB = counts_NB / counts_NB.sum(1, keepdim=True)
        centered_NB = bins_B - (shares_NB * bins_B).sum(1, keepdim=True)
        variance_N = (shares_NB * centered_NB**2).sum(1)
        fourth_N = (shares_NB * centered_NB**4).sum(1)
        return (fourth_N / variance_N**2).masked_fill(constant_N, 0)

    return in_chunks(features, maps_NHW)
