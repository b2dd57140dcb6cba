"""SimCLR: views of an image attract each other, those of other images repel."""

from dataclasses import dataclass, field
from typing import Any, ClassVar

import torch
from torch import Tensor

from al_runner.encoders.base import needed
from al_runner.encoders.features import Features
from al_runner.encoders.method import Method
from al_runner.encoders.options import check_number
from al_runner.encoders.selfsupervised import SelfSupervised
from al_runner.encoders.views import Views


@dataclass(frozen=True, kw_only=True)
class SimCLR(SelfSupervised):
    """SimCLR (Chen, Kornblith, Norouzi and Hinton, 2020), with the loss and the head of lightly.

    Two views of each of n images give 2n projections z. The loss of a pair is the cross-entropy of choosing
    the other view among all 2n − 1, by cos(z_i, z_j) / temperature.

    Args:
        views: what is to be the same.
        temperature: lower = the nearest of the other images repel more.
        hidden: units of the projection's hidden layer.
        projection: its outputs.
    """

    views: Views = field(default_factory=Views)
    temperature: float = 0.2
    hidden: int = 128
    projection: int = 64

    name: ClassVar[str] = "simclr"

    def __post_init__(self) -> None:
        super().__post_init__()
        check_number("temperature", self.temperature, 0, beyond=True)
        for key in ("hidden", "projection"):
            check_number(key, getattr(self, key), 1, whole=True)

    def method(self, features: Features) -> Method:
        """Features and a projection."""
        return _SimCLR(features, self)


class _SimCLR(Method):
    def __init__(self, features: Features, options: SimCLR) -> None:
        super().__init__(features)
        heads = needed("lightly.models.modules.heads", "encoder=simclr", "encoders")
        losses = needed("lightly.loss.ntx_ent_loss", "encoder=simclr", "encoders")
        self.views = options.views
        self.head: Any = heads.SimCLRProjectionHead(features.size, options.hidden, options.projection)
        self.criterion: Any = losses.NTXentLoss(options.temperature)

    def loss(self, images: Tensor, draws: torch.Generator, done: float) -> Tensor:  # noqa: ARG002
        """The contrastive loss of two views of each image."""
        first, second = two_views(self, images, self.views, draws)
        return self.criterion(first, second)


def two_views(method: Any, images: Tensor, views: Views, draws: torch.Generator) -> tuple[Tensor, Tensor]:
    """Projections [n, D] of two views of each image, in one forward pass."""
    seen = torch.cat([views(images, draws), views(images, draws)]).mul_(2).sub_(1)
    if images.ndim == 4:
        seen = seen.contiguous(memory_format=torch.channels_last)
    first, second = method.head(method.features(seen)).float().chunk(2)
    return first, second
