"""Masks of labels that may overlap, as one whole number for each pixel: bit k says whether it has label k.

So a mask takes as much memory as one of labels that exclude each other, and whatever moves pixels without
mixing them (crops, flips, the nearest pixel) moves all labels at once. 0 is a pixel without any label.
"""

from collections.abc import Sequence

import torch
from torch import Tensor

FEW, MOST = 7, 15
"""Labels in a byte, and in two: the highest bit is free, as numbers below 0 say that a mask is unknown."""


def kind(n_labels: int) -> torch.dtype:
    """The type of the numbers: uint8 of up to 7 labels, else int16."""
    return torch.uint8 if n_labels <= FEW else torch.int16


def planes(fields: Tensor, n_labels: int) -> Tensor:
    """Each label's own mask: whole numbers [n, ...] → 0 or 1, [n, L, ...], of the same type.

    >>> planes(torch.tensor([[5, 0]], dtype=torch.uint8), 3).tolist()
    [[[1, 0], [0, 0], [1, 0]]]
    """
    return torch.stack([(fields >> k) & 1 for k in range(n_labels)], 1)


def joined(masks: Sequence[Tensor] | Tensor) -> Tensor:
    """The numbers of L masks, one for each label: bool [...] each → [...].

    >>> joined(torch.tensor([[True, False], [True, True]])).tolist()
    [3, 2]
    """
    found = torch.zeros_like(masks[0], dtype=kind(len(masks)))
    for k, mask in enumerate(masks):
        found |= mask.to(found.dtype) << k
    return found
