"""From scores to indices."""

import numpy as np
import torch
from torch import Tensor


def top(scores: Tensor, indices: Tensor, size: int, pool_size: int, generator: torch.Generator) -> Tensor:
    """Positions of the `size` highest scores, highest first; ties fall to chance.

    The tie-break is one random key for each index of the pool, not for each row: the same samples are
    chosen whatever the order in which their scores arrive.

    Args:
        scores: float [n], no NaN.
        indices: int64 [n], the distinct index of each score, below `pool_size`.
        size: how many, at most n.
        pool_size: length of the pool.
        generator: CPU generator of the keys.

    Returns:
        int64 [size]: positions in `scores`, on the CPU.

    Raises:
        ValueError: NaN among the scores, or fewer than `size` of them.
    """
    if len(scores) < size:
        raise ValueError(f"{size} of {len(scores)} samples cannot be selected")
    if scores.isnan().any():
        raise ValueError("a score is NaN: the model's predictions are not finite")
    keys = torch.rand(pool_size, generator=generator, dtype=torch.float64)[indices.cpu()].numpy()
    values = scores.detach().cpu().numpy()
    # Only scores at or above the size-th highest can be chosen: sort those, not the whole pool.
    threshold = np.partition(values, len(values) - size)[len(values) - size] if size else np.inf
    candidates = np.flatnonzero(values >= threshold)
    order = np.lexsort((keys[candidates], -values[candidates]))
    return torch.from_numpy(candidates[order[:size]])
