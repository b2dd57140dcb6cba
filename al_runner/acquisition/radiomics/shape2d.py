"""Features of the shape of what stands out in a map."""

from typing import Literal

import torch
from torch import Tensor
from torch.nn.functional import pad

from al_runner.acquisition.radiomics.gray_levels import counted, equal_bins, in_chunks, unit_range

NAMES = ("sphericity", "spherical_disproportion", "elongation")
Threshold = Literal["otsu"] | float
OTSU_BINS = 256

_ONE, _NEIGHBORS, _OPPOSITE, _THREE = (0.5**0.5, 1 / 8), (1, 1 / 2), (2**0.5, 1 / 4), (0.5**0.5, 7 / 8)
SQUARES = (
    (0, 0), _ONE, _ONE, _NEIGHBORS, _ONE, _NEIGHBORS, _OPPOSITE, _THREE,
    _ONE, _OPPOSITE, _NEIGHBORS, _THREE, _NEIGHBORS, _THREE, _THREE, (0, 1),
)  # fmt: skip
"""Length of the outline and area inside it, in a square between the centers of four pixels, of which 1 + 2
(the upper ones) + 4 + 8 (the lower ones) are in the region."""


def shape2d(maps_NHW: Tensor, threshold: Threshold = "otsu") -> Tensor:
    """PyRadiomics' Sphericity, SphericalDisproportion and Elongation of what is above a threshold in a map.

    The outline connects the points halfway between pixels of the region and others; pixels that meet in a
    corner are not connected. A is the area inside, P its length, of all parts and holes together.

    sphericity               2 √(π A) / P: 1 for a circle; with these outlines of few directions, 0.97 at most
    spherical disproportion  its inverse
    elongation               √(λ₂ / λ₁), the eigenvalues of the covariance of the pixels' coordinates: 1 for
                             what is as wide as long, 0 for a line

    A single pixel has elongation 1. Where nothing is above the threshold, as in a constant map, the features
    say the worst: sphericity and elongation 0, disproportion the number of pixels, which no region reaches.

    Args:
        maps_NHW: N maps.
        threshold: `otsu`, or a share of the way from a map's lowest to its highest value, below 1.

    Returns:
        float64 [N, 3], as in `NAMES`.
    """
    return in_chunks(lambda part_NHW: of_regions(above(part_NHW, threshold)), maps_NHW)


def above(maps_NHW: Tensor, threshold: Threshold) -> Tensor:
    """The pixels above each map's threshold: bool [N, H, W]; none of a constant map."""
    unit_NHW = unit_range(maps_NHW)
    return unit_NHW > (otsu(unit_NHW)[:, None, None] if threshold == "otsu" else threshold)


def otsu(unit_NHW: Tensor) -> Tensor:
    """The threshold of Otsu (1979) for each map, whose values are in [0, 1]: float64 [N].

    The middle of one of 256 bins: of all, the first that tells the values up to it best from those above, by
    the largest n₁ n₂ (x̄₁ − x̄₂)².
    """
    counts_NB = counted(equal_bins(unit_NHW, OTSU_BINS), OTSU_BINS).long()
    bins_B = torch.arange(OTSU_BINS, device=unit_NHW.device)
    # Whole numbers until here, whose sums are repeatable on a GPU.
    below_NB, sum_NB = counts_NB.cumsum(1).double(), (counts_NB * bins_B).cumsum(1).double()
    rest_NB, rest_sum_NB = below_NB[:, -1:] - below_NB, sum_NB[:, -1:] - sum_NB
    # Of whole numbers, so that all thresholds between two modes are exactly as good.
    between_NB = (sum_NB * rest_NB - rest_sum_NB * below_NB) ** 2 / (below_NB * rest_NB).clamp(min=1)
    return (between_NB.argmax(1) + 0.5) / OTSU_BINS


def of_regions(regions_NHW: Tensor) -> Tensor:
    """The features of regions, bool [N, H, W]: float64 [N, 3]."""
    area_N, length_N = outlines(regions_NHW)
    empty_N = length_N == 0
    sphericity_N = 2 * (torch.pi * area_N).sqrt() / length_N.masked_fill(empty_N, 1)
    disproportion_N = torch.where(empty_N, regions_NHW[0].numel(), 1 / sphericity_N)
    return torch.stack([sphericity_N, disproportion_N, elongation(regions_NHW)], 1)


def outlines(regions_NHW: Tensor) -> tuple[Tensor, Tensor]:
    """Area inside the outline of each region and its length: float64 [N] both."""
    inside = pad(regions_NHW.to(torch.uint8), (1, 1, 1, 1))
    rows = inside[:, :, :-1] + 2 * inside[:, :, 1:]
    counts = counted((rows[:, :-1] + 4 * rows[:, 1:]).int(), len(SQUARES))
    lengths, areas = counts.new_tensor(SQUARES).T
    return (counts * areas).sum(1), (counts * lengths).sum(1)


def elongation(regions_NHW: Tensor) -> Tensor:
    """√(λ₂ / λ₁) of each region, bool [N, H, W]: float64 [N]; 1 for a single pixel, 0 for none."""
    inside = regions_NHW.byte().float()  # exact for rows of up to 5,000 pixels
    y, x = (torch.arange(size, dtype=torch.float64, device=inside.device) for size in inside.shape[1:])
    rows, columns, rows_x = (each.double() for each in (inside.sum(2), inside.sum(1), inside @ x.float()))
    n, sum_x, sum_y = rows.sum(1), rows_x.sum(1), (rows * y).sum(1)
    # n² times the covariance, of whole numbers.
    xx = n * (columns * x**2).sum(1) - sum_x**2
    yy = n * (rows * y**2).sum(1) - sum_y**2
    xy = n * (rows_x * y).sum(1) - sum_x * sum_y
    largest = (xx + yy + ((xx - yy) ** 2 + 4 * xy**2).sqrt()) / 2
    ratio = (xx * yy - xy**2) / largest.masked_fill(largest == 0, 1) ** 2
    return torch.where(largest == 0, (n > 0).double(), ratio.clamp(0, 1).sqrt())
