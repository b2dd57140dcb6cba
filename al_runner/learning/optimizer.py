"""How a network is trained: the optimizer, its learning rate over the epochs, the batch size."""

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import torch
from torch import nn
from torch.optim.lr_scheduler import LRScheduler, MultiStepLR

from al_runner.errors import InputError


@dataclass(frozen=True)
class Optimizer:
    """A recipe that every round's training follows.

    Args:
        algorithm: makes a `torch.optim.Optimizer` of parameters and `lr`.
        lr: learning rate at the start of every round.
        batch_size: samples a step.
        milestones: shares of a round's epochs, in (0, 1), after which the rate is multiplied by `gamma`.
        gamma: that factor.

    Raises:
        InputError: a value out of its range.
    """

    algorithm: Callable[..., torch.optim.Optimizer]
    lr: float
    batch_size: int
    milestones: Sequence[float] = ()
    gamma: float = 0.1

    def __post_init__(self) -> None:
        if not _is_number(self.lr) or not self.lr > 0:
            raise InputError(f"optimizer.lr={self.lr} must be a number above 0")
        if not isinstance(self.batch_size, int) or self.batch_size < 1:
            raise InputError(f"optimizer.batch_size={self.batch_size} must be a whole number, at least 1")
        if any(not _is_number(share) or not 0 < share < 1 for share in self.milestones):
            raise InputError(f"optimizer.milestones={list(self.milestones)} must be shares between 0 and 1")
        if not _is_number(self.gamma):
            raise InputError(f"optimizer.gamma={self.gamma} must be a number")

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


def _is_number(value: object) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool) and math.isfinite(value)
