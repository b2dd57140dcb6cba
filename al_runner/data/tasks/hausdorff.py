"""Distance between outlines."""

import torch
from torch import Tensor

PERCENTILE = 95


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
    from scipy.ndimage import binary_erosion, distance_transform_edt  # slow to import, and seldom needed

    distances = torch.full((len(true), n_classes - 1), torch.nan, dtype=torch.float64)
    for n, pair in enumerate(zip(predicted.cpu().numpy(), true.cpu().numpy(), strict=True)):
        for label in range(1, n_classes):
            masks = [mask == label for mask in pair]
            if all(mask.any() for mask in masks):
                edges = [mask & ~binary_erosion(mask) for mask in masks]
                far = [distance_transform_edt(~edge, sampling=spacing) for edge in edges]
                ways = [far[1][edges[0]], far[0][edges[1]]]
                distances[n, label - 1] = max(
                    float(torch.from_numpy(way).quantile(PERCENTILE / 100)) for way in ways
                )
    return distances
