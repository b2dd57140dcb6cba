"""Distance between outlines."""

import math

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

PERCENTILE = 95
Mask = NDArray[np.bool_]


def hausdorff_95(
    predicted: Tensor, true: Tensor, n_classes: int, spacing: tuple[float, ...] | None = None
) -> Tensor:
    """Hausdorff distance of each image and foreground label, at its 95th percentile; lower = better.

    The larger of two numbers: 95 % of the predicted outline's pixels are at most so far from the true
    outline, and the reverse (Huttenlocher et al., 1993; as MONAI's `compute_hausdorff_distance`). NaN where
    the label is missing in the truth or in the prediction: no distance says how far nothing is.

    Args:
        predicted: integers [n, (depth,) height, width], 0 = background.
        true: the same.
        n_classes: C, the background included.
        spacing: distance of neighboring pixels along each axis; 1 by default.

    Returns:
        float64 [n, C − 1], in units of `spacing`.
    """
    labels = range(1, n_classes)
    pairs = zip(predicted.cpu().numpy(), true.cpu().numpy(), strict=True)
    table = [[_distance(ours == k, truth == k, spacing) for k in labels] for ours, truth in pairs]
    return torch.tensor(table, dtype=torch.float64).view(len(true), len(labels))


def hausdorff_95_of_planes(
    predicted: Tensor, true: Tensor, spacing: tuple[float, ...] | None = None
) -> Tensor:
    """The same of labels that may overlap, each with a mask of its own: bool [n, L, ...] → float64 [n, L]."""
    pairs = zip(predicted.cpu().numpy(), true.cpu().numpy(), strict=True)
    table = [[_distance(*masks, spacing) for masks in zip(ours, truth, strict=True)] for ours, truth in pairs]
    return torch.tensor(table, dtype=torch.float64).view(true.shape[:2])


def _distance(predicted: Mask, true: Mask, spacing: tuple[float, ...] | None) -> float:
    """Of two masks; NaN if one is empty."""
    from scipy.ndimage import binary_erosion, distance_transform_edt  # slow to import, and seldom needed

    masks = predicted, true
    if not all(mask.any() for mask in masks):
        return math.nan
    edges = [mask & ~binary_erosion(mask) for mask in masks]
    far = [distance_transform_edt(~edge, sampling=spacing) for edge in edges]
    ways = [far[1][edges[0]], far[0][edges[1]]]
    return max(float(torch.from_numpy(way).quantile(PERCENTILE / 100)) for way in ways)
