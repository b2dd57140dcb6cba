"""Labels that spread over the graph of nearest neighbors."""

from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from torch import Tensor

from al_runner.errors import InputError
from al_runner.learning.linear.graph import nearest_neighbors, normalized_graph
from al_runner.learning.linear.guesses import KEY, Guess, Guesses, between, others

SETTLED = 1e-6
"""A label spreads until no probability changes by more."""
MOST_ROUNDS = 10_000


@dataclass(frozen=True)
class LabelSpreading:
    """Label spreading (Zhou, Bousquet, Lal, Weston and Schölkopf, 2003): similar samples have similar labels.

    F = (1 − α) (I − α S)⁻¹ Y, with S = D^−½ W D^−½ and W the graph of nearest neighbors: 1 where one of two
    samples is among the nearest of the other. Y is 0 for unlabeled samples. A sample's soft label is its row
    of F, made to sum to 1; samples that no label reaches have none.

    Args:
        neighbors: of each sample in the graph.
        alpha: the share of a sample's label that comes from its neighbors.
        weight: of all guesses together, as a multiple of that of all labels.

    Raises:
        InputError: a value out of its range.
    """

    neighbors: int = 10
    alpha: float = 0.8
    weight: float = 1.0
    iterations: int = 1

    def __post_init__(self) -> None:
        if not isinstance(self.neighbors, int) or self.neighbors < 1:
            raise InputError(f"{KEY}.label_spreading.neighbors={self.neighbors}: a whole number, at least 1")
        between("label_spreading.alpha", self.alpha, 0, 0.999)
        between("label_spreading.weight", self.weight, 0, float("inf"))

    def begin(self, features_ND: Tensor) -> Guess:
        """On the features' graph."""
        graph = normalized_graph(nearest_neighbors(features_ND, self.neighbors))

        def guess(probs: Tensor, labeled: Tensor, known: Tensor) -> Guesses:
            unlabeled = others(len(probs), labeled)
            everywhere = self.spread(graph, labeled.cpu().numpy(), known.cpu().numpy())
            spread = torch.from_numpy(everywhere)[unlabeled]
            total = spread.sum(-1, keepdim=True)
            reached = total.squeeze(-1) > 0
            labels = torch.where(total > 0, spread / total.clamp(min=1e-300), 0)
            return Guesses(unlabeled, labels.to(known), reached.to(known.device))

        return guess

    def spread(self, graph: Any, labeled: Any, known: Any) -> Any:
        """F of labels [M, ...] of some samples: [N, ...]."""
        start = np.zeros((graph.shape[0], known[0].size))
        start[labeled] = (1 - self.alpha) * known.reshape(len(known), -1)
        found = start
        for _ in range(MOST_ROUNDS):
            before, found = found, self.alpha * (graph @ found) + start
            if np.abs(found - before).max() < SETTLED * (1 - self.alpha):
                break
        return found.reshape(-1, *known.shape[1:])
