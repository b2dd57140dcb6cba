"""Samples whose saliency maps look informative (Mahapatra, Poellinger, Shao and Reyes, 2021)."""

from abc import ABC, abstractmethod
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import ClassVar, Literal

import torch
from torch import Tensor

from al_runner.acquisition.borda import borda
from al_runner.acquisition.radiomics import first_order, glcm, shape2d
from al_runner.acquisition.radiomics.gray_levels import scaled
from al_runner.acquisition.radiomics.histogram import Of, histogram_kurtosis
from al_runner.acquisition.selection import top
from al_runner.errors import InputError
from al_runner.loop.pool import Pool, Query
from al_runner.loop.protocols import Learner
from al_runner.models.saliency import Saliency
from al_runner.values import Positive, Several, ShareBelowOne

Source = Literal["saliency", "image"]
Scale = Literal["range", "none"]
Informative = Mapping[str, Literal["high", "low"]]
"""Of each feature that counts, which values are informative."""
DIRECTIONS = {"high": 1, "low": -1}
CHUNK = 64
"""Images that are measured at once."""


@dataclass(frozen=True)
class OfMaps(ABC):
    """Features of saliency maps.

    Args:
        saliency: the method that makes the maps.
        source: `saliency`, or `image`: the same features of the image itself, the mean of its channels (the
            paper's "-Image").
    """

    saliency: Saliency | None = None
    source: Source = "saliency"

    def __post_init__(self) -> None:
        if self.source == "saliency" and self.saliency is None:
            raise ValueError("strategy.saliency is missing: saliency@strategy.saliency=deep_taylor")

    @property
    def not_for_pixels(self) -> str:
        """Why it is not for segmentation, if it is not."""
        return "saliency shows where a class is seen" if self.source == "saliency" else ""

    @property
    def maps_by(self) -> Saliency | None:
        """The method whose maps it asks for, if any."""
        return self.saliency if self.source == "saliency" else None

    @abstractmethod
    def features(self, maps_NHW: Tensor) -> Tensor:
        """Of N maps: [N, F]."""

    def measured(self, learner: Learner, indices: Tensor) -> Tensor:
        """The features of some samples: [n, F].

        Raises:
            InputError: there are no maps, or they are not flat or not finite.
        """
        if self.maps_by is not None:
            return learner.saliency(indices, self.maps_by, self._checked)
        parts = indices.split(CHUNK)
        return torch.cat([self._checked(gray(learner.images(part))) for part in parts])

    def _checked(self, maps: Tensor) -> Tensor:
        if maps.ndim != 3:
            raise InputError(f"{type(self).__name__} is for flat images: here they have {maps.ndim - 1} axes")
        if not maps.isfinite().all():
            raise InputError(
                "a saliency map is not finite: the model has diverged, or take another `saliency`"
            )
        return self.features(maps)


class Ideal(OfMaps):
    """The highest scores of features of saliency maps (algorithm 1 of the paper)."""

    @abstractmethod
    def scores(self, features_NF: Tensor) -> Tensor:
        """Of the whole unlabeled pool: [N]."""

    def __call__(self, learner: Learner, pool: Pool, size: int, generator: torch.Generator) -> Query:
        """Query the `size` unlabeled samples that score highest."""
        unlabeled = pool.unlabeled
        scores = self.scores(self.measured(learner, unlabeled)).cpu()
        chosen = top(scores, unlabeled, size, len(pool), generator)
        return Query(unlabeled[chosen], scores[chosen])


@dataclass(frozen=True)
class IdealKurtosis(Ideal):
    """The kurtosis of the map's histogram: relevance that is gathered in few pixels (equation 1).

    m₄ / m₂², the central moments of the distribution that the histogram shows. High is informative.

    Args:
        bins: of the histogram, between the lowest and the highest value of a map.
        of: `distribution`, what the histogram shows; `counts`, the letter of the equation.
    """

    bins: Several = 256
    of: Of = "distribution"

    def features(self, maps_NHW: Tensor) -> Tensor:
        """Of N maps: [N, 1]."""
        return histogram_kurtosis(maps_NHW, self.bins, self.of)[:, None]

    def scores(self, features_NF: Tensor) -> Tensor:
        """The kurtosis itself."""
        return features_NF[:, 0]


@dataclass(frozen=True)
class ByRank(Ideal):
    """Several features, combined by Borda count (equation 2).

    Args:
        informative: of each feature that counts, whether its high or its low values are informative.
    """

    informative: Informative = field(kw_only=True)
    names: ClassVar[tuple[str, ...]]

    def __post_init__(self) -> None:
        super().__post_init__()
        if not self.informative or not set(self.informative) <= set(self.names):
            raise ValueError(
                f"strategy.informative={self.informative}: one or more of {', '.join(self.names)}"
            )

    def scores(self, features_NF: Tensor) -> Tensor:
        """The Borda count of the features that count."""
        columns = [self.names.index(name) for name in self.informative]
        return borda(features_NF[:, columns], [DIRECTIONS[which] for which in self.informative.values()])


@dataclass(frozen=True)
class OfLevels(ByRank):
    """Features of gray levels in bins.

    Args:
        scale: `range`, each map from 0 to 255; `none`, as it is.
        bin_width: on that scale.
    """

    scale: Scale = "range"
    bin_width: Positive = 25.0

    @abstractmethod
    def measure(self, levels_NHW: Tensor) -> Tensor:
        """The features of scaled maps: [N, 4]."""

    def features(self, maps_NHW: Tensor) -> Tensor:
        """Of N maps: [N, 4].

        Raises:
            InputError: the bins are too narrow.
        """
        levels_NHW = scaled(maps_NHW) if self.scale == "range" else maps_NHW
        try:
            return self.measure(levels_NHW)
        except ValueError as error:
            raise InputError(f"strategy.bin_width: {error}") from error


@dataclass(frozen=True)
class IdealFirstOrder(OfLevels):
    """Kurtosis, skewness, entropy and total energy of the map (the paper's PyRad 1st-order).

    Each ranks the N unlabeled samples; the score is their Borda count, Σ (N − rank) (equation 2).
    """

    names: ClassVar[tuple[str, ...]] = first_order.NAMES

    def measure(self, levels_NHW: Tensor) -> Tensor:
        """The features of scaled maps: [N, 4]."""
        return first_order.first_order(levels_NHW, self.bin_width)


@dataclass(frozen=True)
class IdealGlcm(OfLevels):
    """Sum and difference entropy, inverse difference and maximal correlation of neighbors (PyRad GLCM).

    Each ranks the N unlabeled samples; the score is their Borda count, Σ (N − rank) (equation 2).
    """

    names: ClassVar[tuple[str, ...]] = glcm.NAMES

    def measure(self, levels_NHW: Tensor) -> Tensor:
        """The features of scaled maps: [N, 4]."""
        return glcm.glcm(levels_NHW, self.bin_width)


@dataclass(frozen=True)
class IdealShape2d(ByRank):
    """Sphericity, its inverse and elongation of what is above a threshold in the map (PyRad 2DShape).

    Each ranks the N unlabeled samples; the score is their Borda count, Σ (N − rank) (equation 2).

    Args:
        threshold: `otsu`, or a share of the way from a map's lowest to its highest value.
    """

    threshold: Literal["otsu"] | ShareBelowOne = "otsu"
    names: ClassVar[tuple[str, ...]] = shape2d.NAMES

    def features(self, maps_NHW: Tensor) -> Tensor:
        """Of N maps: [N, 3]."""
        return shape2d.shape2d(maps_NHW, self.threshold)


def gray(images: Tensor) -> Tensor:
    """The mean of the channels: [n, channels, ...] → float64 [n, ...]."""
    return images.double().mean(1)
