"""What is kept for people of a round's model and the pool: no decision sees it."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Generator, Tensor

from al_runner.data.dataset import Dataset
from al_runner.data.thumbnails import small, thumbnails
from al_runner.errors import InputError
from al_runner.loop.pool import Pool, Query
from al_runner.loop.protocols import Evaluation, Learner, Strategy
from al_runner.models.saliency.base import Saliency
from al_runner.strategies.memory import for_people, lesson_of
from al_runner.strategies.ranking import QUERY, ends, rank
from al_runner.strategies.wrappers import depends_on_size

Array = NDArray[Any]
FOLLOWED = "followed"
"""The group of samples that are shown of every model."""


@dataclass(frozen=True)
class Audit:
    """What is shown of a sample to those who audit a choice: it, and where the model sees what it says.

    Args:
        samples: of each kind that are shown.
        saliency: makes their maps.
        dataset: what is queried, for pictures and true labels.
        follow: positions of samples that are shown of every model, labeled or not.

    Raises:
        InputError: there is no such sample.
    """

    samples: int
    saliency: Saliency
    dataset: Dataset
    follow: Sequence[int] = ()

    def __post_init__(self) -> None:
        n = len(self.dataset.train)
        if beyond := [index for index in self.follow if index >= n]:
            raise InputError(f"audit.follow={beyond[0]}: the training split has {n} samples, the first is 0")

    @property
    def followed(self) -> Mapping[str, Query]:
        """A group of those that are followed, if any are."""
        return {FOLLOWED: Query(torch.tensor(self.follow))} if self.follow else {}

    def shown(self, learner: Learner, groups: Mapping[str, Query]) -> Array:
        """The samples of some groups, a record each.

        Returns:
            `group`: its group's name; `index`; `score`: NaN where the strategy has none; `label`: the true
            one, as in `queries.csv`; `probabilities`: the model's, [C], or [L, 2] of several labels;
            `picture`: as `thumbnails` makes it; `map`: the saliency of what is seen there, float16 [h, w],
            divided by its largest magnitude; `method`: what made it.
        """
        train, indices = self.dataset.train, torch.cat([query.indices for query in groups.values()])
        labels = [self.dataset.task.describe(target) for target in train.targets[indices]]
        return records(
            group=np.repeat(list(groups), [len(query) for query in groups.values()]),
            index=indices.numpy(),
            score=np.concatenate([_scores(query) for query in groups.values()]),
            label=np.array(labels),
            probabilities=learner.predict(indices).float().cpu().numpy(),
            picture=thumbnails(train, indices),
            map=_relative(small(learner.saliency(indices, self.saliency).cpu()[:, None])[:, 0]),
            method=np.repeat(type(self.saliency).__name__, len(indices)),
        )


@dataclass(frozen=True)
class Review:
    """Measures a round's model, and keeps what it makes of the pool.

    Args:
        strategy: that of the run, asked in a way that it takes no note of.
        keep_pool: keep the whole pool in the strategy's order, and measure the model on it.
        audit: what is shown of samples at the ends of that order, and of what the strategy learned; None =
            nothing is.
    """

    strategy: Strategy
    keep_pool: bool = True
    audit: Audit | None = None

    def __call__(self, learner: Learner, pool: Pool, size: int, generator: Generator) -> Evaluation:
        """What a model is measured to be, and arrays for the round's folder.

        Args:
            learner: the model.
            pool: knows what it left unlabeled.
            size: of the next query.
            generator: of the next query.
        """
        asked, left = for_people(self.strategy), len(pool.unlabeled)
        ranked = rank(asked, learner, pool, generator) if left else Query.empty()
        measured = learner.evaluate(ranked.indices if self.keep_pool and left else None)
        arrays: dict[str, Array] = {**measured.arrays}
        if self.keep_pool and left:
            arrays["pool"] = ranked.indices.numpy()
            if ranked.scores is not None:
                arrays["pool_scores"] = ranked.scores.numpy()
        if self.audit is not None and left:
            if depends_on_size(asked):
                query = asked(learner, pool, min(size, left), generator)
                groups: Mapping[str, Query] = {QUERY: query[: self.audit.samples]}
            else:
                groups = ends(ranked, self.audit.samples)
            arrays["audit"] = self.audit.shown(learner, {**groups, **self.audit.followed})
        if self.audit is not None and (lesson := lesson_of(self.strategy)):
            arrays["lesson"] = records(**{name: rows.cpu().numpy() for name, rows in lesson.items()})
        return Evaluation(measured.metrics, arrays)


def records(**columns: Array) -> Array:
    """One structured array of arrays that have a row for each sample.

    >>> records(index=np.array([7]), map=np.zeros((1, 2)))["map"].shape
    (1, 2)
    """
    dtype = [(name, rows.dtype, rows.shape[1:]) for name, rows in columns.items()]
    made = np.empty(len(next(iter(columns.values()))), dtype)
    for name, rows in columns.items():
        made[name] = rows
    return made


def _scores(query: Query) -> Array:
    return np.full(len(query), np.nan, np.float32) if query.scores is None else query.scores.numpy()


def _relative(maps_NHW: Tensor) -> Array:
    """Each map by its largest magnitude; one of zeros as it is."""
    largest_N = maps_NHW.abs().amax((1, 2), keepdim=True)
    return (maps_NHW / largest_N.where(largest_N > 0, 1)).half().numpy()
