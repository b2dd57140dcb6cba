"""What a self-supervised method is to its training."""

from abc import ABC, abstractmethod

import torch
from torch import Tensor, nn

from al_runner.learning.encoders.features import Features


class Method(nn.Module, ABC):
    """A self-supervised method: features, whatever is trained with them, and a loss of images alone.

    Args:
        features: begin as their network was made.
    """

    def __init__(self, features: Features) -> None:
        super().__init__()
        self.features = features

    @abstractmethod
    def loss(self, images: Tensor, draws: torch.Generator, done: float) -> Tensor:
        """The mean loss of a batch.

        Args:
            images: float32 [n, channels, ...] of 0..1.
            draws: a CPU generator for whatever is random.
            done: share of the training so far.
        """

    def stepped(self, done: float) -> None:
        """Called after each step of the optimizer."""

    @property
    def learned(self) -> Features:
        """The features that are worth keeping."""
        return self.features
