"""Random sampling, the baseline of every comparison."""

import torch

from al_runner.loop import Learner
from al_runner.pool import Pool, Query


def random(learner: Learner, pool: Pool, size: int, generator: torch.Generator) -> Query:  # noqa: ARG001
    """Every unlabeled sample is equally likely, without replacement."""
    # A permutation of the whole pool: what is drawn does not depend on how many are labeled already.
    order = torch.randperm(len(pool), generator=generator)
    return Query(order[pool.acquired[order] < 0][:size])
