"""What a model may also learn from: guesses at the labels of samples that nobody labeled."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, Protocol

import numpy as np
import scipy.sparse as sparse
import torch
from torch import Tensor

from al_runner.acquisition.distances import chunks, origin, squared_distances
from al_runner.errors import InputError, instead

SETTLED = 1e-6
"""A label spreads until no probability changes by more."""
MOST_ROUNDS = 10_000


@dataclass(frozen=True)
class Guesses:
    """Guessed labels of some training samples.

    Attributes:
        indices: int64 [M].
        labels: distributions [M, C] or [M, L, 2].
        counts: which of them count: bool [M], or of each label [M, L].
    """

    indices: Tensor
    labels: Tensor
    counts: Tensor


Guess = Callable[[Tensor, Tensor, Tensor], Guesses]
"""(the model's predictions for all training samples; the labeled indices; their labels, as distributions)."""


class SemiSupervised(Protocol):
    """A way to guess labels."""

    @property
    def iterations(self) -> int:
        """How often the model is fitted to guesses."""

    @property
    def weight(self) -> float:
        """Of all guesses together, as a multiple of that of all labels."""

    def begin(self, features_ND: Tensor) -> Guess:
        """How labels are guessed from the standardized features of all training samples."""


@dataclass(frozen=True)
class PseudoLabels:
    """Self-training (Scudder, 1965; Lee, 2013): predictions of which the model is sure count as labels.

    Args:
        threshold: the least probability of a class that counts.
        weight: of all guesses together, as a multiple of that of all labels.
        iterations: how often the model is fitted to its own guesses.

    Raises:
        InputError: a value out of its range.
    """

    threshold: float = 0.95
    weight: float = 1.0
    iterations: int = 1

    def __post_init__(self) -> None:
        _between("pseudo_labels.threshold", self.threshold, 0.5, 1)
        _between("pseudo_labels.weight", self.weight, 0, float("inf"))
        if not isinstance(self.iterations, int) or self.iterations < 1:
            raise InputError(f"{KEY}.pseudo_labels.iterations={self.iterations}: a whole number, at least 1")

    def begin(self, features_ND: Tensor) -> Guess:  # noqa: ARG002
        """By the model's predictions alone."""
        return self.guess

    def guess(self, probs: Tensor, labeled: Tensor, known: Tensor) -> Guesses:
        """The likeliest class of each unlabeled sample that has one which is likely enough."""
        unlabeled = _others(len(probs), labeled)
        sure, likeliest = probs[unlabeled].max(-1)
        counts = sure >= self.threshold
        chosen = counts if counts.ndim == 1 else counts.any(1)
        labels = torch.nn.functional.one_hot(likeliest[chosen], probs.shape[-1]).to(known.dtype)
        return Guesses(unlabeled[chosen.cpu()], labels, counts[chosen])


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
        _between("label_spreading.alpha", self.alpha, 0, 0.999)
        _between("label_spreading.weight", self.weight, 0, float("inf"))

    def begin(self, features_ND: Tensor) -> Guess:
        """On the features' graph."""
        graph = normalized_graph(nearest_neighbors(features_ND, self.neighbors))

        def guess(probs: Tensor, labeled: Tensor, known: Tensor) -> Guesses:
            unlabeled = _others(len(probs), labeled)
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


KEY = "head.semi_supervised"
WAYS: Mapping[str, Callable[..., SemiSupervised]] = {
    "pseudo_labels": PseudoLabels,
    "label_spreading": LabelSpreading,
}


def semi_supervised(asked: str | Mapping[str, Any] | None) -> SemiSupervised | None:
    """The way that a config asks for: by its name, or by its name and its options.

    Raises:
        InputError: there is none of that name, or it has no such option.
    """
    if asked is None:
        return None
    name, options = (asked, {}) if isinstance(asked, str) else next(iter(asked.items()), ("", {}))
    if name not in WAYS or (not isinstance(asked, str) and len(asked) != 1):
        raise InputError(f"{KEY}={asked}: null, or one of them; {instead(str(name), list(WAYS))}")
    try:
        return WAYS[name](**(options or {}))
    except TypeError as error:
        raise InputError(f"{KEY}.{name}: {error}") from error


def nearest_neighbors(points_ND: Tensor, count: int) -> Tensor:
    """The nearest others of each point: int64 [N, count], fewer where there are fewer."""
    centered = points_ND - origin(points_ND)
    count, found = min(count, len(centered) - 1), []
    for part in chunks(centered, len(centered)):
        squared_BN = squared_distances(centered, centered[part])
        rows = torch.arange(part.start, part.stop, device=centered.device)
        squared_BN[torch.arange(len(rows), device=centered.device), rows] = torch.inf
        found.append(squared_BN.topk(count, largest=False).indices)
    return torch.cat(found)


def normalized_graph(neighbors_NK: Tensor) -> Any:
    """D^−½ W D^−½ of the graph in which two points are joined if one is among the other's nearest."""
    n, count = neighbors_NK.shape
    ends = (np.arange(n).repeat(count), neighbors_NK.cpu().numpy().ravel())
    directed = sparse.csr_array((np.ones(n * count), ends), shape=(n, n))
    joined = directed.maximum(directed.T)
    scale = 1 / np.sqrt(np.maximum(joined.sum(1), 1))
    return sparse.diags_array(scale) @ joined @ sparse.diags_array(scale)


def _others(size: int, labeled: Tensor) -> Tensor:
    """The indices that are not labeled."""
    free = torch.ones(size, dtype=torch.bool)
    free[labeled.cpu()] = False
    return free.nonzero().squeeze(1)


def _between(key: str, value: Any, low: float, high: float) -> None:
    if not isinstance(value, int | float) or isinstance(value, bool) or not low < value <= high:
        upper = "" if high == float("inf") else f" and at most {high:g}"
        raise InputError(f"{KEY}.{key}={value} must be a number above {low:g}{upper}")
