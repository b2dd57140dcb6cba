"""Strategies that ask a proxy."""

import copy
from dataclasses import dataclass

import torch
from torch import Tensor

from al_runner.loop.pool import Pool, Query
from al_runner.loop.protocols import Learner, Strategy


@dataclass(frozen=True)
class OfProxy:
    """A strategy whose learner answers as the proxy, so that labeled samples have the proxy's labels, too.

    Args:
        strategy: any.
        targets: the proxy's, of the whole training split.
    """

    strategy: Strategy
    targets: Tensor

    def __call__(self, learner: Learner, pool: Pool, size: int, generator: torch.Generator) -> Query:
        """Query what the strategy would."""
        seen = copy.copy(pool)
        seen.labels = self.targets[pool.labeled]
        return self.strategy(learner, seen, size, generator)
