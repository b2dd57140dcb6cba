"""Scores of several features as one."""

from collections.abc import Sequence

import torch
from torch import Tensor


def borda(features_NF: Tensor, directions: Sequence[int]) -> Tensor:
    """Borda count (de Borda, 1781; Mahapatra, Poellinger, Shao and Reyes, 2021, equation 2).

    Each feature ranks the samples, and a sample gets a point for each sample that it is ranked above, half a
    one for each that it ties with: Σ_f (N − rank_f). The sample with the lowest sum of ranks, the i* of the
    equation, has the highest score. In [0, F (N − 1)].

    Args:
        features_NF: N samples, F features. NaN in gives NaN out.
        directions: F numbers: 1 where high values are informative, −1 where low ones are.

    Returns:
        float64 [N].

    >>> borda(torch.tensor([[1.0, 8.0], [3.0, 8.0], [2.0, 9.0]]), [1, -1]).tolist()
    [1.5, 3.5, 1.0]
    """
    signed_FN = features_NF.double().T * features_NF.new_tensor(directions, dtype=torch.float64)[:, None]
    signed_FN = signed_FN.contiguous()
    ordered_FN = signed_FN.sort(1).values
    below_FN = torch.searchsorted(ordered_FN, signed_FN)
    not_above_FN = torch.searchsorted(ordered_FN, signed_FN, right=True)
    points_N = (below_FN + not_above_FN - 1).sum(0) / 2
    return points_N.double().masked_fill(features_NF.isnan().any(1), torch.nan)
