"""How a network is trained: the optimizer, its learning rate over the epochs, the batch size."""

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import torch
from torch import nn
from torch.optim.lr_scheduler import LRScheduler, MultiStepLR

from al_runner.values import Count, Inside, Positive


@dataclass(frozen=True)
class Optimizer:
    """A recipe that every round's training follows.

    Args:
        algorithm: makes a `torch.optim.Optimizer` of parameters and `lr`.
        lr: learning rate at the start of every round.
        batch_size: samples a step.
        milestones: shares of a round's epochs after which the rate is multiplied by `gamma`.
        gamma: that factor.

    Raises:
        ValueError, TypeError: PyTorch does not take these options together.
    """

    algorithm: Callable[..., torch.optim.Optimizer]
    lr: Positive
    batch_size: Count
    milestones: Sequence[Inside] = ()
    gamma: Positive = 0.1

    def __post_init__(self) -> None:
        self.algorithm(
            [nn.Parameter(torch.zeros(1, 1))], lr=self.lr
        )  # refuses values that do not go together

    def build(self, network: nn.Module) -> torch.optim.Optimizer:
        """A fresh optimizer of the network's parameters."""
        return self.algorithm(network.parameters(), lr=self.lr)

    def rate(self, group: Mapping[str, Any]) -> float:  # noqa: ARG002
        """The learning rate that one of the optimizer's groups of parameters starts a round with."""
        return self.lr

    def schedule(self, optimizer: torch.optim.Optimizer, epochs: int) -> LRScheduler:
        """The learning rate over the epochs of one round, from its start."""
        for group in optimizer.param_groups:
            group["lr"] = group["initial_lr"] = self.rate(group)
        # Rounded up: a milestone never comes before the first epoch, and never fires after the last.
        return MultiStepLR(optimizer, [math.ceil(share * epochs) for share in self.milestones], self.gamma)
