"""Strategies that spread their queries over the embeddings, whatever the model predicts."""

import torch

from al_runner.acquisition import core_set
from al_runner.loop import Learner
from al_runner.pool import Pool, Query


def k_center(learner: Learner, pool: Pool, size: int, generator: torch.Generator) -> Query:
    """Core-set selection by greedy k-center (Sener and Savarese, 2018), labeled samples being centers."""
    unlabeled = pool.unlabeled.sort().values
    embeddings_ND, labeled_MD = learner.embed(unlabeled), learner.embed(pool.labeled)
    chosen, distances = core_set.k_center(embeddings_ND, labeled_MD, size, generator)
    return Query(unlabeled[chosen], distances)
