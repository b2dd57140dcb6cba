"""Gray levels of maps: scaled, in bins, counted."""

from collections.abc import Callable

import torch
from torch import Tensor

PIXELS = 2**19
"""Pixels that are worked on at once, 4 MB in float64: fewer stay in a core's cache, but cost more calls."""
PIXELS_GPU = 2**22
"""The same on a GPU, where few large steps beat many small ones."""
LEVELS = 256
"""Bins that a map may have."""
HIGHEST = 255.0
"""The highest level of a map that is scaled."""


def in_chunks(features: Callable[[Tensor], Tensor], maps_NHW: Tensor) -> Tensor:
    """What `features` makes of some maps at a time, so that memory does not grow with their number."""
    step = (PIXELS_GPU if maps_NHW.is_cuda else PIXELS) // maps_NHW.shape[1:].numel()
    return torch.cat([features(part) for part in maps_NHW.split(max(1, step))])


def unit_range(maps_NHW: Tensor) -> Tensor:
    """Each map from 0, its lowest value, to 1, its highest: float64 [N, H, W]; 0 where it is constant."""
    values_NP = maps_NHW.flatten(1).double()
    low_N, high_N = values_NP.amin(1, keepdim=True), values_NP.amax(1, keepdim=True)
    range_N = torch.where(high_N == low_N, 1, high_N - low_N)
    return (values_NP - low_N).div_(range_N).view(maps_NHW.shape)


def scaled(maps_NHW: Tensor) -> Tensor:
    """Each map from 0, its lowest value, to 255, its highest: float64 [N, H, W]; 0 where it is constant.

    Saliency maps have no unit, and those of different samples no common scale: this makes one bin width fit
    all of them.

    >>> scaled(torch.tensor([[[-1.0, 0.0], [0.0, 1.0]]])).tolist()
    [[[0.0, 127.5], [127.5, 255.0]]]
    """
    return unit_range(maps_NHW).mul_(HIGHEST)


def equal_bins(unit_NHW: Tensor, n_bins: int) -> Tensor:
    """The bin of each value in [0, 1], of `n_bins` of equal width: int32 [N, H, W].

    >>> equal_bins(torch.tensor([[[0.0, 0.5], [0.9, 1.0]]]), 4).tolist()
    [[[0, 2], [3, 3]]]
    """
    return (unit_NHW * n_bins).int().clamp_(max=n_bins - 1)


def in_bins(maps_NHW: Tensor, width: float) -> Tensor:
    """The bin of each pixel by PyRadiomics' fixed bin width: int32 [N, H, W], 0 for a map's lowest.

    ⌊x / width⌋ − ⌊min(x) / width⌋. Edges are multiples of the width, and a value on an edge is above it.

    Raises:
        ValueError: a map would have more than `LEVELS`, as memory and time grow with their square.

    >>> in_bins(torch.tensor([[[54.0, 74.9, 75.0, 166.0]]]), 25).tolist()
    [[[0, 0, 1, 4]]]
    """
    maps_NHW = maps_NHW.double()
    low_N, high_N = maps_NHW.amin((1, 2), keepdim=True), maps_NHW.amax((1, 2), keepdim=True)
    low_N = low_N - low_N.remainder(width)
    # The edges of numpy.arange, to the bit: rounding decides on which side of an edge a value lies.
    step_N = (low_N + width) - low_N
    needed = ((high_N - low_N) / step_N).max().item() + 1
    if not needed < LEVELS + 1:
        levels = f"{needed:.0f} lie between a map's lowest and highest value, at most {LEVELS} may"
        raise ValueError(f"bins {width} wide: {levels}")
    edges_NHW = ((maps_NHW - low_N) / step_N).round_()  # the nearest ones, below or above
    above_NHW = (edges_NHW * step_N).add_(low_N).gt_(maps_NHW)
    return edges_NHW.sub_(above_NHW).int()


def counted(cells: Tensor, n_cells: int) -> Tensor:
    """How often each cell occurs in each row: int32 [N, ...], below `n_cells` → float64 [N, n_cells]."""
    n_all = len(cells) * n_cells
    first_N = torch.arange(0, n_all, n_cells, dtype=torch.int32, device=cells.device)
    return (
        (cells.flatten(1) + first_N[:, None]).flatten().bincount(minlength=n_all).view(-1, n_cells).double()
    )
