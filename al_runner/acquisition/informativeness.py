"""Levels of informativeness, and a forest that learns them (Mahapatra, Poellinger, Shao and Reyes, 2021)."""

from dataclasses import dataclass, field

import numpy as np
import torch
from numpy.typing import NDArray
from sklearn.ensemble import RandomForestClassifier
from torch import Tensor


def levels(values_K: Tensor) -> Tensor:
    """The rank of each value, 1 for the highest; equal values share the better one: int64 [K].

    >>> levels(torch.tensor([0.7, 0.9, 0.7, 0.5])).tolist()
    [2, 1, 2, 4]
    """
    return (values_K[None] > values_K[:, None]).sum(1) + 1


def spread(clusters_N: Tensor, clusters_K: Tensor, levels_K: Tensor) -> Tensor:
    """The level of each sample's cluster; 0 where the cluster has none: int64 [N].

    Args:
        clusters_N: the cluster of each sample, from 0.
        clusters_K: clusters that have a level.
        levels_K: that level.
    """
    by_cluster = levels_K.new_zeros(int(clusters_N.max()) + 1)
    by_cluster[clusters_K] = levels_K
    return by_cluster[clusters_N]


@dataclass(frozen=True)
class Lesson:
    """What one query taught: samples with a level.

    Attributes:
        features: float32 [N, F].
        levels: int64 [N], from 1, the most informative, to `n_levels`.
        n_levels: K, at least 2.
        seed: of the trees that learn it.
    """

    features: Tensor
    levels: Tensor
    n_levels: int
    seed: int


@dataclass
class OnlineForest:
    """A random forest (Breiman, 2001) that grows by some trees with each lesson.

    Trees that have grown stay as they are, as with scikit-learn's `warm_start`, which takes no lesson of
    other levels than the first one's. The forest is a function of its lessons.

    Args:
        trees: that grow with each lesson.
    """

    trees: int
    lessons: list[Lesson] = field(default_factory=list)
    grown: list[RandomForestClassifier] = field(default_factory=list)

    def learn(self, lesson: Lesson) -> None:
        """Grow trees on a lesson."""
        forest = RandomForestClassifier(self.trees, random_state=lesson.seed)
        forest.fit(lesson.features.cpu().numpy(), lesson.levels.cpu().numpy())
        self.lessons.append(lesson)
        self.grown.append(forest)

    def score(self, features_NF: Tensor) -> Tensor:
        """The informativeness that the trees expect, their mean: float64 [N]; 0 before the first lesson.

        That of level l of K is (K − l) / (K − 1): from 0, the least, to 1, the most informative.
        """
        points_NF = features_NF.cpu().numpy()
        total_N: NDArray[np.float64] = np.zeros(len(points_NF))
        for lesson, forest in zip(self.lessons, self.grown, strict=True):
            worth = (lesson.n_levels - forest.classes_) / (lesson.n_levels - 1)
            total_N += forest.predict_proba(points_NF) @ worth
        return torch.from_numpy(total_N / max(1, len(self.lessons)))
