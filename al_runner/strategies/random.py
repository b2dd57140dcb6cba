"""Random sampling, the baseline of every comparison."""

from dataclasses import dataclass
from typing import ClassVar

import torch
from torch import Tensor

from al_runner.acquisition.reduction import foreground_share
from al_runner.acquisition.selection import top
from al_runner.acquisition.stochastic import gumbel, power
from al_runner.loop.pool import Pool, Query
from al_runner.loop.protocols import Learner


def random(learner: Learner, pool: Pool, size: int, generator: torch.Generator) -> Query:  # noqa: ARG001
    """Every unlabeled sample is equally likely, without replacement."""
    order = shuffled(pool, generator)
    return Query(order[pool.open[order]][:size])


def shuffled(pool: Pool, generator: torch.Generator) -> Tensor:
    """All indices of the data set that is queried, in random order.

    Labeled ones are among them, so that what is drawn does not depend on how many there are; those of another
    data set are not, so that a run that switches to it begins like one that does not.
    """
    queried = pool.queried
    return queried.start + torch.randperm(len(queried), generator=generator)


@dataclass(frozen=True)
class ForegroundRandom:
    """Random samples, the more likely the more foreground the model expects in them, without replacement.

    The idea is nnActive's (Lüth et al., 2025), whose fair baseline knows that most of an image is background:
    a strategy that only finds foreground should not look better than chance. For whole images here: a
    sample's weight is the share of its pixels that the model expects to be another class than 0.
    """

    only_for_pixels: ClassVar[str] = "it looks for pixels that are no background"

    def __call__(self, learner: Learner, pool: Pool, size: int, generator: torch.Generator) -> Query:
        """Query `size` samples, drawn one after the other with these weights."""
        unlabeled = pool.unlabeled
        shares = learner.predict(unlabeled, foreground_share).cpu()
        scores = power(shares, gumbel(len(pool), generator)[unlabeled])
        chosen = top(scores, unlabeled, size, len(pool), generator)
        return Query(unlabeled[chosen], shares[chosen])
