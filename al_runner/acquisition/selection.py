"""From scores to indices."""

from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

CHUNK = 2**16
"""Scores of which the highest are found at a time, in the cache."""


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
    if size == 0:
        return torch.empty(0, dtype=torch.int64)
    scores = scores.detach().cpu()
    parts = [part.topk(min(size, len(part)), sorted=False).values for part in scores.split(CHUNK)]
    highest = torch.cat(parts).topk(size).values
    if highest.isnan().any():  # to topk, NaN is above everything
        raise ValueError("a score is NaN: the model's predictions are not finite")
    # Only scores at or above the size-th highest can be chosen: the others need no key and no sorting.
    candidates = (scores >= highest[-1]).nonzero().squeeze(1)
    keys = torch.rand(pool_size, generator=generator, dtype=torch.float64)[indices.cpu()[candidates]].numpy()
    order = np.lexsort((keys, -scores[candidates].numpy()))
    return candidates[torch.from_numpy(order[:size])]


def chance(n: int, generator: torch.Generator) -> NDArray[np.float64]:
    """A random key for each of `n` samples: of samples that tie, the one with the highest is taken."""
    return torch.rand(n, generator=generator, dtype=torch.float64).numpy()


def best(values: NDArray[Any], keys: NDArray[np.float64]) -> int:
    """Where the highest value is; of several, the one with the highest key."""
    tied = np.flatnonzero(values == values.max())
    return int(tied[keys[tied].argmax()])
