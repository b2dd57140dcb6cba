"""Perturbed scores: a query is drawn, not cut off."""

from dataclasses import dataclass
from typing import Literal

import torch

from al_runner.acquisition import stochastic
from al_runner.acquisition.selection import top
from al_runner.errors import InputError
from al_runner.loop.pool import Pool, Query
from al_runner.loop.protocols import Learner, Strategy
from al_runner.values import Positive

KINDS = {"power": stochastic.power, "softmax": stochastic.softmax, "rank": stochastic.rank}


@dataclass(frozen=True)
class Stochastic:
    """Stochastic batch acquisition (Kirsch et al., 2023) around a strategy that scores samples.

    The strategy scores the whole pool; its scores are perturbed by Gumbel noise, and the highest are taken.
    That draws without replacement, a sample's weight being score^β, exp(β · score) or rank^−β.

    Args:
        strategy: gives the scores.
        perturb: `power` (log score), `softmax` (score) or `rank` (−log rank), each plus noise.
        beta: the larger, the less noise.
    """

    strategy: Strategy
    perturb: Literal["power", "softmax", "rank"] = "power"
    beta: Positive = 1.0

    def __call__(self, learner: Learner, pool: Pool, size: int, generator: torch.Generator) -> Query:
        """Query the samples whose perturbed scores are highest."""
        ranked = self.strategy(learner, pool, len(pool.unlabeled), generator)
        if ranked.scores is None:
            raise InputError(f"{self.strategy} gives no scores: there is nothing to perturb")
        noise = stochastic.gumbel(len(pool), generator)[ranked.indices]
        scores = KINDS[self.perturb](ranked.scores, noise, self.beta)
        chosen = top(scores, ranked.indices, size, len(pool), generator)
        return Query(ranked.indices[chosen], scores[chosen])
