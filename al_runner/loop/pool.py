"""The pool (the training split as active learning sees it) and the query."""

from dataclasses import dataclass

import torch
from torch import Tensor

from al_runner.loop.oracle import are_told
from al_runner.loop.switching import Switch


@dataclass(frozen=True)
class Query:
    """What a strategy asks the oracle to label, most informative first.

    Attributes:
        indices: int64 [n], positions in the training split.
        scores: float [n], higher = more informative; None where the strategy has no score.
    """

    indices: Tensor
    scores: Tensor | None = None

    def __post_init__(self) -> None:
        # Strategies compute where the learner does; the pool and the record live on the CPU.
        object.__setattr__(self, "indices", self.indices.detach().cpu().long())
        if self.scores is not None:
            object.__setattr__(self, "scores", self.scores.detach().cpu().float())

    @classmethod
    def empty(cls) -> "Query":
        """A query that asks nothing."""
        return cls(torch.empty(0, dtype=torch.int64))

    def __len__(self) -> int:
        return len(self.indices)

    def __getitem__(self, part: slice) -> "Query":
        """A part of it, in the same order."""
        return Query(self.indices[part], None if self.scores is None else self.scores[part])


class Pool:
    """Which samples of the training split were bought, in which round, and what the oracle answered.

    Args:
        size: number of samples in the training split.
        switch: where that holds two data sets: which of them is queried; None = it holds one.
    """

    def __init__(self, size: int, switch: Switch | None = None) -> None:
        self.switch = switch
        self.acquired = torch.full((size,), -1)
        """int64 [size]: the round in which the oracle was asked for each index, -1 = it was not."""
        self.labeled = torch.empty(0, dtype=torch.int64)
        """int64 [n_labeled]: the labeled indices in the order in which they were bought, without those where
        the oracle could not tell."""
        self.labels = torch.empty(0)
        """[n_labeled, ...]: the oracle's answers, one for each of `labeled`."""

    def __len__(self) -> int:
        return len(self.acquired)

    @property
    def queried(self) -> range:
        """The indices of the data set that is queried now, labeled ones among them; mostly all."""
        everything = range(len(self))
        return everything if self.switch is None else self.switch.queried(len(self.labeled), len(self))

    @property
    def open(self) -> Tensor:
        """bool [size]: which indices can be queried now."""
        queried = self.queried
        free = torch.zeros(len(self), dtype=torch.bool)
        free[queried.start : queried.stop] = self.acquired[queried.start : queried.stop] < 0
        return free

    @property
    def unlabeled(self) -> Tensor:
        """int64: the indices that can be queried now, ascending."""
        return self.open.nonzero().squeeze(1)

    def check(self, query: Query, size: int) -> None:
        """Refuse a query that is not `size` distinct unlabeled indices: a bug of its strategy.

        Raises:
            ValueError: wrong count, a repeat, an index outside the pool, one that was asked already, or one
                of a data set that is not queried now.
        """
        indices = query.indices
        if len(indices) != size:
            raise ValueError(f"the strategy returned {len(indices)} indices, asked for {size}")
        if query.scores is not None and query.scores.shape != indices.shape:
            raise ValueError(f"the strategy returned {len(query.scores)} scores for {size} indices")
        if len(indices.unique()) != size:
            raise ValueError("the strategy returned an index twice")
        if ((indices < 0) | (indices >= len(self))).any():
            raise ValueError(f"the strategy returned an index outside 0..{len(self) - 1}")
        if (self.acquired[indices] >= 0).any():
            raise ValueError("the strategy returned an index that is labeled already")
        if not self.open[indices].all():
            raise ValueError("the strategy returned an index of the data set that is not queried now")

    def add(self, query: Query, labels: Tensor, round_number: int) -> None:
        """Take in the oracle's answers to the query of a round."""
        self.acquired[query.indices] = round_number
        told = are_told(labels)
        self.labeled = torch.cat([self.labeled, query.indices[told]])
        labels = labels[told]
        self.labels = torch.cat([self.labels, labels]) if len(self.labels) else labels
