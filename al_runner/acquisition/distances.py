"""Squared distances between many embeddings, chunk by chunk: memory O(N), whatever is compared."""

from collections.abc import Iterator

import torch
from torch import Tensor

CHUNK_NUMBERS = 2**18
"""Numbers of a chunk of embeddings or of a block of distances: 1 MB stays in a core's cache."""
CHUNK_NUMBERS_GPU = 2**24
"""The same on a GPU, where few large products beat many small ones."""
ROUNDING = 4e-6
"""Squared distances below this share of a squared norm are rounding of float32, and count as 0."""


def chunks(rows_ND: Tensor, width: int = 0) -> Iterator[slice]:
    """Slices of rows so small that neither they nor their products with `width` others leave the cache."""
    numbers = CHUNK_NUMBERS_GPU if rows_ND.is_cuda else CHUNK_NUMBERS
    step = max(1, numbers // max(rows_ND.shape[1], width, 1))
    for start in range(0, len(rows_ND), step):
        yield slice(start, min(start + step, len(rows_ND)))


def origin(embeddings_ND: Tensor) -> Tensor:
    """The mean of the embeddings: distances are computed from there, where float32 loses least.

    Raises:
        ValueError: an embedding is NaN or infinite.
    """
    mean_D = embeddings_ND.mean(0)
    if not mean_D.isfinite().all():
        raise ValueError("an embedding is not finite")
    return mean_D


def squared_distances(rows_ND: Tensor, others_MD: Tensor) -> Tensor:
    """‖x − y‖² of each pair, [M, N], as one matrix product; what is only rounding is 0."""
    norms_N, norms_M = rows_ND.square().sum(1), others_MD.square().sum(1)
    squared_MN = torch.addmm(norms_M[:, None], others_MD, rows_ND.T, alpha=-2).add_(norms_N)
    return squared_MN.masked_fill_(squared_MN < ROUNDING * norms_N, 0)


def nearest(embeddings_ND: Tensor, others_MD: Tensor, mean_D: Tensor) -> Tensor:
    """min_m ‖x_n − y_m‖², [N]; infinite where there are no others."""
    nearest_N = embeddings_ND.new_full((len(embeddings_ND),), torch.inf)
    if not len(others_MD):
        return nearest_N
    centered_MD = others_MD - mean_D
    norms_M = centered_MD.square().sum(1, keepdim=True)
    for part in chunks(embeddings_ND, len(others_MD)):
        rows = embeddings_ND[part] - mean_D
        norms = rows.square().sum(1)
        # ‖x‖² is the same for every other: it joins after the minimum.
        squared = torch.addmm(norms_M, centered_MD, rows.T, alpha=-2).amin(0).add_(norms)
        nearest_N[part] = squared.masked_fill_(squared < ROUNDING * norms, 0)
    return nearest_N


def normalized(embeddings_ND: Tensor) -> Tensor:
    """Embeddings of length 1; those of length 0 stay."""
    return torch.nn.functional.normalize(embeddings_ND, dim=1)
