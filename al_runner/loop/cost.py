"""What labels cost the person who gives them."""

from typing import Literal

import torch
from torch import Tensor

from al_runner.errors import InputError

Unit = Literal["images", "slices", "foreground"]
NEEDS = {"slices": (4, "the masks of volumes"), "foreground": (3, "masks")}
"""Unit → the axes that targets [N, ...] need at least, in numbers and in words."""


def check(unit: Unit, targets: Tensor) -> Unit:
    """The unit, if such targets can be counted in it.

    Raises:
        InputError: it counts what these targets do not have.
    """
    axes, needed = NEEDS.get(unit, (1, "labels"))
    if targets.ndim < axes:
        raise InputError(f"oracle.cost={unit} counts {needed}, which this data set does not have")
    return unit


def costs(unit: Unit, labels: Tensor) -> Tensor:
    """What each of n labels [n, ...] costs: int64 [n].

    `images`: 1. `slices`: those of a volume [depth, height, width] with foreground, which are outlined one by
    one, from foot to head. `foreground`: pixels or voxels that carry a label.

    >>> costs("slices", torch.tensor([[[[0, 1]], [[0, 0]], [[2, 2]]]])).tolist()
    [2]
    """
    if unit == "images":
        return torch.ones(len(labels), dtype=torch.int64)
    if unit == "slices":
        return labels.flatten(2).any(2).sum(1)
    return labels.flatten(1).count_nonzero(1)
