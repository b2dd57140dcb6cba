"""Uncertain images that share little with the labeled ones."""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Annotated, ClassVar, Literal

import torch
from annotated_types import Interval
from torch import Tensor

from al_runner.acquisition.mutual_information import (
    LEVELS,
    Measure,
    MutualInformation,
    Pairing,
    entropy_without_information,
    similarity,
)
from al_runner.acquisition.reduction import over_foreground, per_foreground, predicted_foreground
from al_runner.acquisition.selection import top
from al_runner.acquisition.uncertainty import entropy
from al_runner.loop.pool import Pool, Query
from al_runner.loop.protocols import Learner
from al_runner.values import NotNegative


@dataclass(frozen=True)
class NmiEntropy:
    """Entropy minus normalized mutual information (Warren, Paisey, Lai, Spezi and Smith, 2024, equation 5).

    α · H(x) − β · NMI(x, labeled), both scaled to [0, 1] over the unlabeled pool. H is the mean entropy of
    the pixels; NMI that of each label's intensities, the predicted mask against the true one of each labeled
    image, averaged over labeled images, then labels. The background, and labels that one of two images lacks,
    are left out; an image without any pair counts as the least similar. Of several channels, the mean counts.

    Args:
        alpha: weight of the entropy.
        beta: weight of the mutual information.
        bins: of the intensities of an image.
        pairing: `spatial`, voxels at the same place; `sorted`, intensities of the same rank.
        information: `normalized`, NMI; `plain`, the mutual information itself (equation 3).
        entropy: `mean` of all pixels; `foreground`, of those that are predicted to be foreground;
            `per_foreground`, the sum over all pixels for each of these. Where nothing is found, the last two
            are 0.
    """

    alpha: NotNegative = 1.0
    beta: NotNegative = 1.0
    bins: Annotated[int, Interval(ge=2, le=LEVELS)] = 100
    pairing: Pairing = "spatial"
    information: Measure = "normalized"
    entropy: Literal["mean", "foreground", "per_foreground"] = "mean"
    only_for_pixels: ClassVar[str] = "it compares outlined regions"
    not_for_overlaps: ClassVar[str] = "it compares regions that exclude each other"

    def __call__(self, learner: Learner, pool: Pool, size: int, generator: torch.Generator) -> Query:
        """Query the `size` unlabeled samples that score highest."""
        unlabeled = pool.unlabeled
        n_labels = learner.predict(unlabeled[:1]).shape[-1] - 1
        labeled = outlined(learner, pool)
        information = MutualInformation(labeled, n_labels, self.bins, self.pairing, self.information)
        ahead = unlabeled

        def keep(probs: Tensor) -> Tensor:
            """Entropy and similarity of the next images, whose predictions these are."""
            nonlocal ahead
            part, ahead = ahead[: len(probs)], ahead[len(probs) :]
            nmi_NML = information(intensities(learner, part), probs.argmax(-1).to(torch.uint8))
            return torch.stack([self.uncertainty(probs).double(), similarity(nmi_NML)], 1)

        found = learner.predict(unlabeled, keep).cpu()
        scores = entropy_without_information(found[:, 0], found[:, 1], self.alpha, self.beta)
        chosen = top(scores, unlabeled, size, len(pool), generator)
        return Query(unlabeled[chosen], scores[chosen])

    def uncertainty(self, probs: Tensor) -> Tensor:
        """Of each image: [n, V, C] → [n]."""
        scores = entropy(probs)
        if self.entropy == "mean":
            return scores.mean(1)
        over = over_foreground if self.entropy == "foreground" else per_foreground
        return over(scores, predicted_foreground(probs))


def outlined(learner: Learner, pool: Pool) -> Iterator[tuple[Tensor, Tensor]]:
    """The intensities and the mask of each labeled image, [V], one after the other."""
    for index, mask in zip(pool.labeled, pool.labels, strict=True):
        image_V = intensities(learner, index[None])[0]
        yield image_V, mask.flatten().to(image_V.device)


def intensities(learner: Learner, indices: Tensor) -> Tensor:
    """The images of `indices`, the mean of their channels: uint8 [n, V]."""
    images = learner.images(indices)
    if images.shape[1] > 1:
        images = images.float().mean(1).round().to(torch.uint8)
    return images.flatten(1)
