"""Strategies around a strategy."""

from dataclasses import dataclass
from typing import ClassVar

import torch
from torch import Tensor

from al_runner.acquisition.balance import balanced
from al_runner.loop.pool import Pool, Query
from al_runner.loop.protocols import Learner, Strategy
from al_runner.loop.share import samples
from al_runner.strategies.checks import declares
from al_runner.strategies.random import shuffled
from al_runner.values import AtLeastOne, Share, Size


def depends_on_size(strategy: Strategy) -> bool:
    """Whether a strategy chooses a set for the size asked for, and has no ranking of the pool."""
    return declares(strategy, "depends_on_size")


@dataclass(frozen=True)
class Reversed:
    """The least informative samples first (the "-Reversed" control of the IDEAL paper, Figure 8a).

    A strategy's least informative samples are those that it would query last, were it to query the whole
    pool. So a strategy without scores can be reversed as well: greedy k-center ends with the samples
    nearest to others. One that chooses a set for a given size, such as clusters, has no last sample.
    Scores change their sign. Asking for the whole pool costs what it costs: for greedy strategies, the
    time of one query grows with the square of the pool.

    Args:
        strategy: what is reversed.
    """

    strategy: Strategy

    def __post_init__(self) -> None:
        if depends_on_size(self.strategy):
            name = type(self.strategy).__name__
            raise ValueError(f"{name} chooses a set, not an order: there is nothing to reverse")

    def __call__(self, learner: Learner, pool: Pool, size: int, generator: torch.Generator) -> Query:
        """Query what the strategy would query last."""
        query = self.strategy(learner, pool, len(pool.unlabeled), generator)
        scores = None if query.scores is None else -query.scores.flip(0)[:size]
        return Query(query.indices.flip(0)[:size], scores)


@dataclass(frozen=True)
class EpsilonRandom:
    """Each sample of a query is a random one with probability ε (ε-greedy: Watkins, 1989).

    Random samples come last in the query and have no score; a query that has any has no scores.

    Args:
        strategy: chooses the others.
        epsilon: that probability.
    """

    strategy: Strategy
    epsilon: Share = 0.1

    def __call__(self, learner: Learner, pool: Pool, size: int, generator: torch.Generator) -> Query:
        """Query mostly what the strategy would."""
        n_random = int((torch.rand(size, generator=generator) < self.epsilon).sum())
        order = shuffled(pool, generator)
        if n_random == 0:
            return self.strategy(learner, pool, size, generator)
        chosen = order[:0]
        if n_random < size:
            chosen = self.strategy(learner, pool, size - n_random, generator).indices
        free = pool.open
        free[chosen] = False
        return Query(torch.cat([chosen, order[free[order]][:n_random]]))


@dataclass(frozen=True)
class ClassBalanced:
    """A strategy's best samples of the classes that have the fewest labels, by the predicted class.

    For data whose classes are far from equally frequent. In multi-label classification, the rarest
    (label, value) pair of a sample counts.

    Args:
        strategy: ranks the candidates.
        candidates: as many times the query are chosen from.
    """

    strategy: Strategy
    candidates: AtLeastOne = 10
    not_for_pixels: ClassVar[str] = "it balances the labels of samples, and a mask has most of them"

    def __call__(self, learner: Learner, pool: Pool, size: int, generator: torch.Generator) -> Query:
        """Query the strategy's first samples of each class, the rarest class first."""
        n = min(round(self.candidates * size), len(pool.unlabeled))
        ranked = self.strategy(learner, pool, n, generator)
        n_classes = learner.predict(ranked.indices[:1]).shape[-1]
        classes_NS = _sites(learner.predict(ranked.indices, lambda probs: probs.argmax(-1)))
        labeled_MS = _sites(pool.labels.long())
        if labeled_MS.shape[1] != classes_NS.shape[1]:  # labels that say nothing of single sites
            labeled_MS = classes_NS[:0]
        chosen = balanced(classes_NS, labeled_MS, n_classes, size)
        return Query(ranked.indices[chosen], None if ranked.scores is None else ranked.scores[chosen])


@dataclass(frozen=True)
class SwitchStrategy:
    """One strategy first, another from a number of labels on.

    What is worth a label changes with the number of labels: typical samples help a model that knows nothing,
    unsure ones a model that has something to be unsure about (Hacohen, Dekel and Weinshall, 2022).

    The query that is asked while fewer than `at` labels are bought is the first strategy's as a whole, every
    later one is the second's. The initial samples count as labels, however they were chosen. A strategy
    that learns from its labels learns from those of its own queries.

    Args:
        before: asked first.
        after: asked later.
        at: labels, or a share of the pool.
    """

    before: Strategy
    after: Strategy
    at: Size = 60

    @property
    def strategies(self) -> tuple[Strategy, Strategy]:
        """Both."""
        return self.before, self.after

    def labels(self, pool_size: int) -> int:
        """How many make it the second strategy's turn.

        Raises:
            InputError: the share is no sample.
        """
        return samples(self.at, pool_size, "strategy.at")

    def __call__(self, learner: Learner, pool: Pool, size: int, generator: torch.Generator) -> Query:
        """Query what the strategy would whose turn it is."""
        strategy = self.before if len(pool.labeled) < self.labels(len(pool)) else self.after
        return strategy(learner, pool, size, generator)


def _sites(values: Tensor) -> Tensor:
    """[n] or [n, ...] as [n, sites]."""
    return values.flatten(1) if values.ndim > 1 else values[:, None]
