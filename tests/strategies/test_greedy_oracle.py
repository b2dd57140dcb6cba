"""The upper bound: what it takes is the best of what it tries, and it comes true."""

from dataclasses import replace

import pytest
import torch

from al_runner.acquisition.uncertainty import margin
from al_runner.errors import InputError
from al_runner.learning.posterior import McDropout
from al_runner.loop.pool import Pool, Query
from al_runner.loop.protocols import Foresight
from al_runner.runs.checks import check_fits
from al_runner.strategies.greedy_oracle import GreedyOracle
from al_runner.strategies.random import random, shuffled
from tests.learning.features import clusters, fit, learner, several_labels
from tests.learning.test_linear_loop import Rows, experiment
from tests.strategies.fake import FakeLearner

DATA = {"two": clusters(2), "three": clusters(3), "labels": several_labels()}


def generator() -> torch.Generator:
    return torch.Generator().manual_seed(3)


def begun(data, n: int = 8) -> Pool:  # type: ignore[no-untyped-def]
    pool = Pool(len(data[0].train))
    pool.add(Query(torch.arange(n)), data[0].train.targets[:n], 0)
    return pool


@pytest.mark.parametrize("data", DATA.values(), ids=DATA)
@pytest.mark.parametrize("metric", ["test/accuracy", "val/f1"])
def test_it_takes_the_best_of_what_it_tries(data, metric: str) -> None:  # type: ignore[no-untyped-def]
    subject, pool = learner(data), begun(data)
    fit(subject, 8)
    before = subject.evaluate().metrics[metric]
    query = GreedyOracle(6, metric)(subject, pool, 1, generator())
    order = shuffled(pool, generator())
    tried = [int(index) for index in order if index >= 8][:6]
    gains = {}
    for index in tried:
        other = learner(data)
        fit(other, torch.tensor([*range(8), index]))
        gains[index] = other.evaluate().metrics[metric] - before
    assert int(query.indices) in tried
    if max(gains.values()) > 0:
        assert float(query.scores) == pytest.approx(max(gains.values()), abs=1e-6)
        assert gains[int(query.indices)] == max(gains.values())
    else:
        probs = subject.predict(torch.tensor(tried))
        unsure = margin(probs) if probs.ndim == 2 else margin(probs).mean(1)
        assert int(query.indices) == tried[int(unsure.argmax())]


@pytest.mark.parametrize("data", DATA.values(), ids=DATA)
def test_what_it_foresees_comes_true(data) -> None:  # type: ignore[no-untyped-def]
    subject, pool = learner(data), begun(data)
    assert isinstance(subject, Foresight)
    fit(subject, 8)
    metric = f"test/{data[0].task.headline}"
    before, predicted = subject.evaluate().metrics, subject.predict(torch.arange(20))
    query = GreedyOracle(5)(subject, pool, 7, generator())
    pool.check(query, 7)
    assert subject.evaluate().metrics == before, "the learner is as it was"
    assert torch.equal(subject.predict(torch.arange(20)), predicted)
    pool.add(query, data[0].train.targets[query.indices], 1)
    fit(subject, pool.labeled)
    gained = subject.evaluate().metrics[metric] - before[metric]
    assert float(query.scores.sum()) == pytest.approx(gained, abs=1e-5)


def test_without_a_gain_it_is_margin_sampling() -> None:
    subject, pool = FakeLearner(40), Pool(40)
    tried = shuffled(pool, generator())[:20]
    query = GreedyOracle()(subject, pool, 1, generator())
    assert int(query.indices) == int(tried[margin(subject.probs[tried]).argmax()])


@pytest.mark.slow
def test_it_is_above_chance_in_the_loop() -> None:
    data = clusters(3)
    scores = []
    for strategy in (random, GreedyOracle(8)):
        journal = Rows()
        assert experiment(data, strategy).run(journal)
        scores.append([row["test/accuracy"] for row in journal.rows])
    assert scores[0][0] == scores[1][0], "the same first model"
    assert sum(scores[1]) > sum(scores[0]) + 0.1, "five rounds of which the first is the same"


def test_it_is_refused_where_it_would_take_too_long_or_knows_nothing() -> None:
    class Encoded:
        head = learner(DATA["two"]).head
        nothing_to_sample = ""

    dataset, known = DATA["two"][0], Encoded()
    check_fits(GreedyOracle(), dataset, McDropout(), known)  # type: ignore[arg-type]
    with pytest.raises(InputError, match="needs an encoder"):
        check_fits(GreedyOracle(), dataset, McDropout(), None)
    with pytest.raises(InputError, match="labels before they are bought"):
        check_fits(GreedyOracle(), replace(dataset, unlabeled=True), McDropout(), known)  # type: ignore[arg-type]
    with pytest.raises(InputError, match=r"strategy\.metric=test/acuracy is not measured"):
        check_fits(GreedyOracle(metric="test/acuracy"), dataset, McDropout(), known)  # type: ignore[arg-type]

    class NoForesight:
        predict = None

    with pytest.raises(InputError, match="needs an encoder"):
        GreedyOracle()(NoForesight(), Pool(9), 1, generator())  # type: ignore[arg-type]
