import pytest
import torch

from al_runner.config.parts import Parts
from al_runner.strategies.ranking import rank
from al_runner.strategies.wrappers import depends_on_size
from tests.config.test_configs import (
    STRATEGIES,
    TWO_CLASSES,
    composed,
    fake_learner,
    generator,
    labeled_pool,
    sites_of,
)

DRAWN = {"badge", "epsilon_random"}
"""Strategies that draw other numbers for another size, though they have an order."""


@pytest.mark.parametrize("name", STRATEGIES)
def test_the_whole_pool_in_the_order_of_every_strategy(name: str) -> None:
    strategy = Parts(composed(f"strategy={name}"))("strategy")
    learner = fake_learner(name, 120, sites_of(name))
    pool = labeled_pool(classes=2 if name in TWO_CLASSES else 4, sites=sites_of(name))
    ranked = rank(strategy, learner, pool, generator())
    pool.check(ranked, 100)
    if depends_on_size(strategy):
        assert ranked.scores is None
        assert torch.equal(ranked.indices, pool.unlabeled)
    elif name not in DRAWN:
        query = strategy(learner, pool, 9, generator())
        assert ranked.indices[:9].tolist() == query.indices.tolist(), "what the next query takes"
        if query.scores is not None:
            assert ranked.scores is not None
            assert torch.equal(ranked.scores[:9], query.scores)
