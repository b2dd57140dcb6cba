"""Barlow Twins: features of two views agree, each in itself and with no other."""

from dataclasses import dataclass, field
from typing import ClassVar

from al_runner.learning.encoders.base import needed
from al_runner.learning.encoders.features import Features
from al_runner.learning.encoders.method import Method
from al_runner.learning.encoders.selfsupervised import SelfSupervised
from al_runner.learning.encoders.two_views import TwoViews
from al_runner.learning.encoders.views import Views
from al_runner.values import Count, Positive


@dataclass(frozen=True, kw_only=True)
class BarlowTwins(SelfSupervised):
    """Barlow Twins (Zbontar, Jing, Misra, LeCun and Deny, 2021), with the loss and the head of lightly.

    With c the cross-correlations of the projections of two views over a batch, the loss is
    Σ_i (1 − c_ii)² + redundancy · Σ_i Σ_{j≠i} c_ij². No images repel each other, so small batches do.

    Args:
        views: what is to be the same.
        redundancy: weight of the second sum.
        hidden: units of the projection's two hidden layers.
        projection: its outputs.
    """

    views: Views = field(default_factory=Views)
    redundancy: Positive = 5e-3
    hidden: Count = 256
    projection: Count = 256

    name: ClassVar[str] = "barlow_twins"

    def method(self, features: Features) -> Method:
        """Features and a projection."""
        heads = needed("lightly.models.modules.heads", "encoder=barlow_twins", "encoders")
        losses = needed("lightly.loss.barlow_twins_loss", "encoder=barlow_twins", "encoders")
        head = heads.BarlowTwinsProjectionHead(features.size, self.hidden, self.projection)
        return TwoViews(features, self.views, head, losses.BarlowTwinsLoss(self.redundancy))
