"""One score for each sample, from the scores of its sites: its labels, or its pixels.

All take `scores` [n, sites] and return [n]; NaN in gives NaN out.
"""

import torch
from torch import Tensor


def top_fraction(scores: Tensor, fraction: float) -> Tensor:
    """Mean of the highest share of a sample's scores: between the maximum and the mean.

    Of ⌈fraction · sites⌉ scores. A sample is unsure at the borders of what it shows, and a mean over all its
    pixels says mostly how much there is of what is easy.

    >>> top_fraction(torch.tensor([[4.0, 0.0, 2.0, 0.0]]), 0.5).tolist()
    [3.0]
    """
    count = max(1, -int(-fraction * scores.shape[1] // 1))
    return scores.topk(count, dim=1, sorted=False).values.mean(1)


def over_foreground(scores: Tensor, foreground: Tensor) -> Tensor:
    """Mean over the sites that are foreground; 0 where none is.

    Args:
        scores: [n, sites].
        foreground: bool [n, sites].

    >>> over_foreground(torch.tensor([[4.0, 1.0]]), torch.tensor([[False, True]])).tolist()
    [1.0]
    """
    counts = foreground.sum(1)
    return torch.where(foreground, scores, 0).sum(1) / counts.clamp(min=1)


def over_labels(scores: Tensor) -> Tensor:
    """The sum over the labels of each pixel, where they may overlap: [n, pixels, L] → [n, pixels].

    What has no such labels is left as it is.

    >>> over_labels(torch.tensor([[[1.0, 2.0], [0.0, 4.0]]])).tolist()
    [[3.0, 4.0]]
    """
    return scores.flatten(2).sum(2) if scores.ndim > 2 else scores


def per_foreground(scores: Tensor, foreground: Tensor) -> Tensor:
    """Sum over all sites for each one that is foreground; 0 where none is.

    A small structure with a wide unsure border scores high, and the size of the image does not count.

    Args:
        scores: [n, sites].
        foreground: bool [n, sites].

    >>> per_foreground(torch.tensor([[4.0, 1.0, 1.0]]), torch.tensor([[False, True, True]])).tolist()
    [3.0]
    """
    counts, total = foreground.sum(1), scores.sum(1)
    return torch.where((counts > 0) | total.isnan(), total / counts, 0)


def predicted_foreground(probs: Tensor) -> Tensor:
    """The sites whose likeliest class is not class 0, the background: [n, sites, C] → bool [n, sites].

    Of labels that may overlap, [n, pixels, L, 2], the pixels for which any of them is likelier than not.
    """
    found = probs.argmax(-1) != 0
    return found.any(-1) if found.ndim > 2 else found


def foreground_share(probs: Tensor) -> Tensor:
    """The share of sites that is expected to be foreground: the mean of 1 − p_0, [n, sites, C] → [n].

    Of labels that may overlap, [n, pixels, L, 2], p_0 is the probability that a pixel has none of them, the
    product over the labels.

    >>> foreground_share(torch.tensor([[[0.25, 0.75], [1.0, 0.0]]])).tolist()
    [0.375]
    """
    absent = probs[..., 0]
    return 1 - (absent.prod(-1) if absent.ndim > 2 else absent).mean(1)
