"""Edge cases, for every strategy that is in conf/strategy."""

from collections.abc import Callable
from functools import cache
from pathlib import Path

import pytest
import torch

from al_runner.errors import InputError
from al_runner.loop.pool import Pool, Query
from al_runner.strategies.checks import check_pixels
from tests.config.test_configs import (
    STRATEGIES,
    TWO_CLASSES,
    fake_learner,
    generator,
    labels_of,
    refused,
    sites_of,
)
from tests.config.test_configs import strategy as composed_strategy
from tests.strategies.fake import FakeLearner

N = 60
strategy = cache(composed_strategy)
Change = Callable[[FakeLearner], None]


def _saturated(learner: FakeLearner) -> None:
    learner.probs = torch.zeros_like(learner.probs).scatter_(-1, learner.probs.argmax(-1, keepdim=True), 1)


def _one_class(learner: FakeLearner) -> None:
    learner.probs = torch.zeros_like(learner.probs)
    learner.probs[..., 0] = 1


def _tied(learner: FakeLearner) -> None:
    learner.probs = torch.full_like(learner.probs, 0.25)


def _few_distinct(learner: FakeLearner) -> None:
    learner.embeddings = learner.embeddings[torch.arange(N) % 3]


def _all_the_same(learner: FakeLearner) -> None:
    learner.probs, learner.embeddings = learner.probs[:1].expand_as(learner.probs), torch.full((N, 8), 0.1)
    learner.pictures = learner.pictures[:1].expand_as(learner.pictures)


def _no_embedding(learner: FakeLearner) -> None:
    learner.embeddings = torch.zeros(N, 8)


def _far_away(learner: FakeLearner) -> None:
    learner.embeddings = learner.embeddings * 1e-2 + 1e3


def _large(learner: FakeLearner) -> None:
    learner.embeddings = learner.embeddings * 1e6


def _one_dimension(learner: FakeLearner) -> None:
    learner.embeddings = learner.embeddings[:, :1]


def _rectified(learner: FakeLearner) -> None:
    learner.embeddings = (learner.embeddings - 2).relu()


CHANGES = [_saturated, _one_class, _tied, _few_distinct, _all_the_same, _no_embedding, _far_away, _large,
           _one_dimension, _rectified]  # fmt: skip
OF_EMBEDDINGS = [_few_distinct, _no_embedding, _far_away, _large, _one_dimension, _rectified]
WITHOUT_EMBEDDINGS = ["batchbald", "ideal_deep_features", "nmi_entropy"]
"""Strategies that take long, and for which changed embeddings change nothing."""
EDGE_CASES = [
    pytest.param(name, change, id=f"{name}-{change.__name__.strip('_')}")
    for name in STRATEGIES
    for change in CHANGES
    if not (name in WITHOUT_EMBEDDINGS and change in OF_EMBEDDINGS)
]


def pool_of(labeled: int, sites: int | None = None) -> Pool:
    pool = Pool(N)
    labels = torch.zeros(labeled, dtype=torch.int64) if sites is None else labels_of(labeled, sites)
    pool.add(Query(torch.arange(N).flip(0)[:labeled]), labels, 0)
    return pool


@pytest.mark.parametrize("sites", [None, 3])
@pytest.mark.parametrize(("name", "change"), EDGE_CASES)
def test_edge_cases(name: str, sites: int | None, change: Change) -> None:
    learner = fake_learner(name, N, sites)
    change(learner)
    for size in (7, N - 6):  # the second is all that is left
        pool = pool_of(6, sites)
        if refused(name, sites):
            with pytest.raises(InputError, match="for segmentation"):
                check_pixels(strategy(name), dense=sites is not None)
            continue
        query = strategy(name)(learner, pool, size, generator())
        pool.check(query, size)
        assert query.scores is None or not query.scores.isnan().any()
        again = strategy(name)(learner, pool, size, generator())
        assert again.indices.tolist() == query.indices.tolist()


@pytest.mark.parametrize("name", WITHOUT_EMBEDDINGS)
def test_asks_for_no_embedding(name: str) -> None:
    learner, pool = fake_learner(name, N, sites_of(name)), pool_of(6, sites_of(name))
    del learner.embeddings
    pool.check(strategy(name)(learner, pool, 7, generator()), 7)


@pytest.mark.parametrize("name", TWO_CLASSES)
def test_a_third_class_is_refused(name: str) -> None:
    with pytest.raises(InputError, match="two classes"):
        strategy(name)(FakeLearner(N), pool_of(6), 3, generator())


@pytest.mark.parametrize("name", STRATEGIES)
def test_the_last_sample(name: str) -> None:
    learner, pool = fake_learner(name, N, sites_of(name)), pool_of(N - 1, sites_of(name))
    assert strategy(name)(learner, pool, 1, generator()).indices.tolist() == [0]


@pytest.mark.parametrize("name", STRATEGIES)
def test_leaves_inference_tensors_as_they_are(name: str) -> None:
    """What a network predicts may not be changed in place."""
    learner, pool = fake_learner(name, N, sites_of(name)), pool_of(6, sites_of(name))
    with torch.inference_mode():
        learner.probs, learner.embeddings = learner.probs * 1, learner.embeddings * 1
    pool.check(strategy(name)(learner, pool, 5, generator()), 5)


@pytest.mark.parametrize("name", STRATEGIES)
def test_is_in_the_documentation(name: str) -> None:
    assert f"`{name}`]" in (Path(__file__).parents[2] / "docs" / "strategies.md").read_text()


@pytest.mark.gpu
@pytest.mark.parametrize("sites", [None, 3])
@pytest.mark.parametrize("name", STRATEGIES)
def test_on_a_gpu(name: str, sites: int | None) -> None:
    learner, pool = fake_learner(name, N, sites), pool_of(6, sites)
    if refused(name, sites):
        pytest.skip("refused")
    learner.probs, learner.embeddings = learner.probs.cuda(), learner.embeddings.cuda()
    pool.check(strategy(name)(learner, pool, 9, generator()), 9)
