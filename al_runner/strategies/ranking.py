"""A pool in a strategy's order: what a run keeps for people, not what it queries."""

from collections.abc import Mapping

from torch import Generator

from al_runner.loop.pool import Pool, Query
from al_runner.loop.protocols import Learner, Strategy
from al_runner.strategies.wrappers import depends_on_size

MOST, LEAST, QUERY = "most", "least", "query"
"""Ends of an order; and the beginning of a query without one."""


def rank(strategy: Strategy, learner: Learner, pool: Pool, generator: Generator) -> Query:
    """Every unlabeled sample, most informative first, with its score where the strategy has one.

    With the generator of a query, it begins with that query, unless the strategy draws other numbers for
    another size (BADGE, ε-random, class-balanced). A strategy that chooses a set for a given size has no
    order: then the samples come by their index, without scores. A greedy one takes the time of a query of the
    whole pool.
    """
    unlabeled = pool.unlabeled
    if depends_on_size(strategy):
        return Query(unlabeled)
    ranked = strategy(learner, pool, len(unlabeled), generator)
    pool.check(ranked, len(unlabeled))
    return ranked


def ends(ranked: Query, count: int) -> Mapping[str, Query]:
    """The first and the last `count` samples of an order, by `MOST` and `LEAST`; none is in both."""
    return {MOST: ranked[:count], LEAST: ranked[max(count, len(ranked) - count) :]}
