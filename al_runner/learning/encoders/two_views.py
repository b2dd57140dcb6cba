"""Methods that compare two views of each image."""

from typing import Any

import torch
from torch import Tensor

from al_runner.learning.encoders.features import Features
from al_runner.learning.encoders.method import Method
from al_runner.learning.encoders.views import Views, joined


class TwoViews(Method):
    """A method whose loss compares the projections of two views of each image.

    Args:
        features: begin as their network was made.
        views: what is to be the same.
        head: features [n, D] → projections.
        criterion: the projections of the first and of the second views → the loss.
    """

    def __init__(self, features: Features, views: Views, head: Any, criterion: Any) -> None:
        super().__init__(features)
        self.views = views
        self.head: Any = head
        self.criterion: Any = criterion

    def loss(self, images: Tensor, draws: torch.Generator, done: float) -> Tensor:  # noqa: ARG002
        """The loss of two views of each image, which go through the network together."""
        seen = joined([self.views(images, draws), self.views(images, draws)])
        first, second = self.head(self.features(seen)).float().chunk(2)
        return self.criterion(first, second)
