"""What a small random sample cannot tell of a metric: 95 % intervals over the patients that were drawn.

Axes: B draws, N samples, K classes (one against the rest), or of two classes and of labels the positive ones.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

if TYPE_CHECKING:
    from torch import Tensor  # who counts hits needs no torch

LEVEL = 0.95
DRAWS = 2000
INTERVALS = ("accuracy", "balanced_accuracy", "auroc")
"""Metrics that have them."""
Array = NDArray[np.float64]


def intervals(probs: "Tensor", targets: "Tensor", patients: Sequence[str]) -> dict[str, float]:
    """`<metric>_low` and `<metric>_high` of accuracy, balanced accuracy and AUROC.

    The percentile bootstrap over patients (Efron, 1979): 2,000 draws, which are the same in each round. Of
    accuracy, where each patient has one image and one label, the exact binomial interval (Clopper and
    Pearson, 1934). An AUROC of 1 never varies over draws: there it is the exact interval of as many pairs of
    different classes as have no image in common.

    Args:
        probs: [n, C], or [n, L, 2].
        targets: int64 [n], or [n, L] of 0/1.
        patients: of each sample.
    """
    sample, single = Sample.of(probs, targets), len(set(patients)) == len(patients)
    weights_BN = drawn(patients)
    found: dict[str, float] = {}
    for name in INTERVALS:
        values_B = getattr(sample, name)(weights_BN)
        values_B = values_B[np.isfinite(values_B)]
        if name == "accuracy" and single and targets.ndim == 1:
            low, high = binomial(int(sample.right.sum()), len(targets))
        elif not len(values_B):
            continue
        else:
            low, high = np.quantile(values_B, [(1 - LEVEL) / 2, (1 + LEVEL) / 2])
        if name == "auroc" and low == high and targets.ndim == 1:
            low, high = binomial(round(low * sample.pairs), sample.pairs)
        found |= {f"{name}_low": round(float(low), 6), f"{name}_high": round(float(high), 6)}
    return found


def of_dice(dice: NDArray[np.floating], patients: Sequence[str]) -> dict[str, float]:
    """`dice_low` and `dice_high`: the percentile bootstrap over patients of the mean Dice.

    A draw is measured as the sample is: each label over the images that have it, then the mean over labels.

    Args:
        dice: of each image and label, [N, L]; NaN where an image lacks the label.
        patients: of each image.
    """
    has_NL = np.isfinite(dice)
    weights_BN = drawn(patients)
    with np.errstate(invalid="ignore"):
        means_BL = weights_BN @ np.where(has_NL, dice, 0) / (weights_BN @ has_NL)
    means_BL = means_BL[np.isfinite(means_BL).any(1)]
    if not len(means_BL):
        return {}
    low, high = np.quantile(np.nanmean(means_BL, 1), [(1 - LEVEL) / 2, (1 + LEVEL) / 2])
    return {"dice_low": round(float(low), 6), "dice_high": round(float(high), 6)}


def binomial(hits: int, n: int) -> tuple[float, float]:
    """The exact interval of a share: Clopper and Pearson (1934)."""
    from scipy.special import betaincinv

    low = betaincinv(hits, n - hits + 1, (1 - LEVEL) / 2) if hits else 0.0
    high = betaincinv(hits + 1, n - hits, (1 + LEVEL) / 2) if hits < n else 1.0
    return float(low), float(high)


def drawn(patients: Sequence[str]) -> Array:
    """How often each sample is there if as many patients are drawn with replacement as there are: [B, N]."""
    _, numbers_N = np.unique(np.array(patients), return_inverse=True)
    count = int(numbers_N.max()) + 1
    times_BP = np.random.default_rng(0).multinomial(count, np.full(count, 1 / count), DRAWS)
    return times_BP[:, numbers_N].astype(np.float64)


@dataclass(frozen=True)
class Sample:
    """Predictions of samples with labels, to be measured with weights [B, N].

    Attributes:
        scores: of the positives of each class, [N, K].
        positive: whether a sample is one, [N, K].
        right: whether the decision is right: of one of several classes [N, 1], of labels [N, L].
    """

    scores: Array
    positive: NDArray[np.bool_]
    right: NDArray[np.bool_]

    @classmethod
    def of(cls, probs: "Tensor", targets: "Tensor") -> "Sample":
        """Of probabilities [n, C] and classes, or [n, L, 2] and 0/1."""
        p, y = probs.double().cpu().numpy(), targets.cpu().numpy()
        if y.ndim == 2:
            return cls(p[..., 1], y == 1, (p[..., 1] > 0.5) == (y == 1))
        right_N1 = (p.argmax(1) == y)[:, None]
        if p.shape[1] == 2:
            return cls(p[:, 1:], (y == 1)[:, None], right_N1)
        return cls(p, y[:, None] == np.arange(p.shape[1]), right_N1)

    @cached_property
    def pairs(self) -> int:
        """Pairs of a positive and a negative that share no image, of the class that has fewest."""
        positives = self.positive.sum(0)
        fewest = np.minimum(positives, len(self.positive) - positives)
        return int(fewest[fewest > 0].min())

    def accuracy(self, weights_BN: Array) -> Array:
        """The share of decisions that are right."""
        right_B: Array = weights_BN @ self.right.mean(1) / weights_BN.sum(1)
        return right_B

    def balanced_accuracy(self, weights_BN: Array) -> Array:
        """The mean recall of the values that occur; of several labels, its mean over labels."""
        if self.right.shape[1] == 1:
            return _mean_recall(weights_BN, _values(self.positive), self.right)
        each = [
            _mean_recall(weights_BN, _values(self.positive[:, [k]]), self.right[:, [k]])
            for k in range(self.right.shape[1])
        ]
        return np.mean(each, 0)

    def auroc(self, weights_BN: Array) -> Array:
        """The mean area under the classes' ROC curves, of those where it is defined."""
        areas_KB = np.array(
            [_area(weights_BN, self.scores[:, k], has_N) for k, has_N in enumerate(self.positive.T)]
        )
        defined_KB = np.isfinite(areas_KB)
        with np.errstate(invalid="ignore"):
            mean_B: Array = np.where(defined_KB, areas_KB, 0).sum(0) / defined_KB.sum(0)
        return mean_B


def _values(positive_NK: NDArray[np.bool_]) -> NDArray[np.bool_]:
    """What each sample is: of two values, both."""
    return positive_NK if positive_NK.shape[1] > 1 else np.hstack([positive_NK, ~positive_NK])


def _mean_recall(weights_BN: Array, is_NV: NDArray[np.bool_], right_N1: NDArray[np.bool_]) -> Array:
    there_BV, right_BV = weights_BN @ is_NV, weights_BN @ (is_NV & right_N1)
    with np.errstate(invalid="ignore"):
        recall_BV = right_BV / there_BV
    mean_B: Array = np.nanmean(recall_BV, 1)
    return mean_B


def _area(weights_BN: Array, scores_N: Array, positive_N: NDArray[np.bool_]) -> Array:
    """Of pairs of a positive and a negative, the share in which the positive has the higher score."""
    high, low = weights_BN[:, positive_N], weights_BN[:, ~positive_N]
    difference = scores_N[positive_N][:, None] - scores_N[~positive_N]
    wins = ((high @ ((difference > 0) + 0.5 * (difference == 0))) * low).sum(1)
    with np.errstate(invalid="ignore"):
        area_B: Array = wins / (high.sum(1) * low.sum(1))
    return area_B
