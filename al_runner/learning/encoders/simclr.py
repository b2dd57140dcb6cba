"""SimCLR: views of an image attract each other, those of other images repel."""

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
    temperature: Positive = 0.2
    hidden: Count = 128
    projection: Count = 64

    name: ClassVar[str] = "simclr"

    def method(self, features: Features) -> Method:
        """Features and a projection."""
        heads = needed("lightly.models.modules.heads", "encoder=simclr", "encoders")
        losses = needed("lightly.loss.ntx_ent_loss", "encoder=simclr", "encoders")
        head = heads.SimCLRProjectionHead(features.size, self.hidden, self.projection)
        return TwoViews(features, self.views, head, losses.NTXentLoss(self.temperature))
