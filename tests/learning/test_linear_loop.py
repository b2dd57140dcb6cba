"""A linear head in the loop: strategies, and going on from a checkpoint."""

from contextlib import nullcontext
from pathlib import Path
from typing import Any

import pytest
import torch

from al_runner.acquisition.bayesian import bald
from al_runner.acquisition.uncertainty import entropy, margin
from al_runner.learning.linear import Bootstrap, Laplace, LinearHead, LinearPosterior
from al_runner.loop.experiment import Experiment
from al_runner.loop.oracle import Simulated
from al_runner.loop.pool import Pool, Query
from al_runner.loop.protocols import Strategy
from al_runner.loop.schedule import Schedule
from al_runner.loop.seeding import Streams
from al_runner.strategies.coverage import ProbCover
from al_runner.strategies.diversity import KMeans, TypiClust, k_center
from al_runner.strategies.hybrid import Badge, ClusterMargin, SuggestiveAnnotation, UncertaintyKMeans
from al_runner.strategies.random import random
from al_runner.strategies.sampled import Sampled
from al_runner.strategies.uncertainty import Uncertainty
from tests.learning.features import clusters, learner, several_labels

STRATEGIES: list[Strategy] = [
    Uncertainty(margin), Badge(), ClusterMargin(), UncertaintyKMeans(), SuggestiveAnnotation(), k_center,
    TypiClust(), KMeans(), ProbCover(), Sampled(bald),
]  # fmt: skip


class Rows:
    """A journal that keeps everything in memory, and the checkpoint of one round in a file."""

    def __init__(self, kept: int = -1, path: Path = Path()) -> None:
        self.rows: list[dict[str, float]] = []
        self.queries: list[tuple[Query, torch.Tensor]] = []
        self.kept, self.path = kept, path

    def timed(self, *_: object) -> Any:
        return nullcontext()

    def wait(self, *_: object) -> None:
        raise AssertionError("a simulated oracle answers")

    def close_round(self, step, query, labels, learner, evaluation) -> None:  # type: ignore[no-untyped-def]
        self.rows.append({"n_queried": len(query), **evaluation.metrics})
        self.queries.append((query, labels))
        if step.number == self.kept:
            learner.save(self.path)


def experiment(data, strategy: Strategy, initial: Strategy = random, **options: Any) -> Experiment:  # type: ignore[no-untyped-def]
    size = len(data[0].train)
    return Experiment(
        Pool(size), learner(data, **options), Simulated(data[0].train.targets), initial, strategy, Streams(0),
        Schedule(8, [5], 28, epochs=1, agreement=50).plan(size),
    )  # fmt: skip


@pytest.mark.parametrize(
    "strategy", STRATEGIES, ids=lambda each: getattr(each, "__name__", type(each).__name__)
)
@pytest.mark.parametrize("data", [clusters(2), clusters(4)], ids=["two", "four"])
def test_every_kind_of_strategy_asks_it_from_the_first_query_on(data, strategy: Strategy) -> None:  # type: ignore[no-untyped-def]
    journal = Rows()
    assert experiment(data, strategy, strategy, posterior=Laplace(samples=5)).run(journal)
    assert [row["n_queried"] for row in journal.rows] == [8, 5, 5, 5, 5]
    assert journal.rows[-1]["test/accuracy"] > 1 / data[0].task.n_classes


@pytest.mark.parametrize("posterior", [Laplace(samples=5), Bootstrap(samples=5)])
@pytest.mark.parametrize("data", [clusters(4), several_labels()], ids=["classes", "labels"])
@pytest.mark.parametrize(
    "head", [LinearHead(), LinearHead(semi_supervised="label_spreading", temperature=True)]
)
def test_going_on_from_a_checkpoint_changes_nothing(
    data,  # type: ignore[no-untyped-def]
    head: LinearHead,
    posterior: LinearPosterior,
    tmp_path: Path,
) -> None:
    options = {"head": head, "posterior": posterior}
    whole = Rows(kept=2, path=tmp_path / "checkpoint.pt")
    experiment(data, Sampled(bald), **options).run(whole)
    rest, again = Rows(), experiment(data, Sampled(bald), **options)
    for number, (query, labels) in enumerate(whole.queries[:3]):
        again.pool.add(query, labels, number)
    again.learner.load(tmp_path / "checkpoint.pt")
    again.run(rest, whole.rows[:3])
    assert rest.rows == whole.rows[3:]
    assert all(
        torch.equal(one.indices, other.indices)
        for (one, _), (other, _) in zip(rest.queries, whole.queries[3:], strict=True)
    )


def test_a_strategy_changes_neither_the_first_query_nor_the_first_model() -> None:
    journals = [Rows(), Rows()]
    for journal, strategy in zip(journals, (Uncertainty(entropy), k_center), strict=True):
        experiment(clusters(4), strategy).run(journal)
    assert journals[0].rows[0] == journals[1].rows[0]
    assert not torch.equal(journals[0].queries[1][0].indices, journals[1].queries[1][0].indices)
