"""The strategy that learns from the labels that it bought."""

from typing import Any

import pytest
import torch
from torch import Tensor

from al_runner.config.parts import Parts
from al_runner.errors import InputError
from al_runner.loop.pool import Pool, Query
from al_runner.loop.protocols import Memory
from al_runner.loop.schedule import Round
from al_runner.strategies.checks import check_pixels
from al_runner.strategies.memory import memory_of
from tests.composing import composed
from tests.config.test_configs import generator
from tests.strategies.fake import FakeLearner

N, KINDS = 90, 4
SMALL = ("strategy.clusters=4", "strategy.edge=6", "strategy.epochs=30", "strategy.trees=10")


class Helped(FakeLearner):
    """Maps of four kinds; a label of kind 3 is worth most, one of kind 0 least."""

    def __init__(self) -> None:
        super().__init__(N)
        self.kinds = torch.arange(N) % KINDS
        patterns = torch.rand(KINDS, 6, 6, generator=generator(1)).round()
        self.maps = patterns[self.kinds] + 0.02 * torch.rand(N, 6, 6, generator=generator(2))
        self.tried: list[tuple[list[int], list[int], list[int], list[int], Round, int]] = []

    def saliency(self, indices: Tensor, method: Any, reduce: Any = None) -> Tensor:
        return torch.cat([reduce(part) for part in self.maps[indices].split(16)])

    def worth(
        self, indices: Tensor, labels: Tensor, others: Tensor, other_labels: Tensor, step: Round, epochs: int
    ) -> Tensor:
        lists = [each.tolist() for each in (indices, labels, others, other_labels)]
        self.tried.append((*lists, step, epochs))  # type: ignore[arg-type]
        return self.kinds[indices].double()


def made(*values: str) -> Any:
    return Parts(composed("strategy=ideal_deep_features", *SMALL, *values))("strategy")


def begun() -> Pool:
    pool = Pool(N)
    pool.add(Query(torch.tensor([5, 2])), torch.tensor([50, 20]), 0)
    return pool


def asked(strategy: Any, learner: Helped, pool: Pool, number: int, size: int = 12) -> Query:
    """A query, bought and learned from; the label of sample i is 10 i."""
    query = strategy(learner, pool, size, generator(number))
    pool.check(query, size)
    pool.add(query, 10 * query.indices, number)
    memory_of(strategy).learn(learner, pool, Round(number, size, 3, True, True))  # type: ignore[union-attr]
    return query


def test_begins_with_one_of_each_kind_and_then_takes_what_helped() -> None:
    strategy, learner, pool = made(), Helped(), begun()
    first, second = asked(strategy, learner, pool, 1), asked(strategy, learner, pool, 2)
    for query in (first, second):
        assert sorted(learner.kinds[query.indices[:KINDS]].tolist()) == [0, 1, 2, 3]
    assert len(set(learner.kinds[first.indices[KINDS:]].tolist())) > 1, "nothing is known yet"
    assert first.scores is None
    assert learner.kinds[second.indices[KINDS:]].tolist() == [3] * 8
    assert second.scores is not None
    assert second.scores[KINDS:].tolist() == sorted(second.scores[KINDS:].tolist(), reverse=True)
    assert second.scores[KINDS:].min() > 0.9


def test_what_helped_least_comes_first_when_asked_for() -> None:
    strategy, learner, pool = made("strategy.least_first=true"), Helped(), begun()
    first, second = asked(strategy, learner, pool, 1), asked(strategy, learner, pool, 2)
    plain = asked(made(), Helped(), begun(), 1)
    assert first.indices.tolist() == plain.indices.tolist(), "nothing is known yet"
    assert sorted(learner.kinds[second.indices[:KINDS]].tolist()) == [0, 1, 2, 3]
    assert learner.kinds[second.indices[KINDS:]].tolist() == [0] * 8
    assert second.scores is not None
    assert second.scores[KINDS:].min() > -0.1


def test_a_label_is_worth_what_it_adds_to_those_before_it() -> None:
    strategy, learner, pool = made("strategy.update_epochs=2"), Helped(), begun()
    first, second = asked(strategy, learner, pool, 1), asked(strategy, learner, pool, 2)
    before = [5, 2]
    for query, tried in zip((first, second), learner.tried, strict=True):
        indices, labels, others, other_labels, step, epochs = tried
        assert indices == query.indices[:KINDS].tolist()
        assert labels == [10 * index for index in indices]
        assert others == before
        assert other_labels == [10 * index for index in before]
        assert (step.number, epochs) == (1 if query is first else 2, 2)
        before += query.indices.tolist()


def test_restored_it_goes_on_as_if_nothing_had_happened() -> None:
    strategy, learner, pool = made(), Helped(), begun()
    asked(strategy, learner, pool, 1)
    asked(strategy, learner, pool, 2)
    other = made()
    other.restore(strategy.state())
    expected, found = (each(learner, pool, 12, generator(3)) for each in (strategy, other))
    assert torch.equal(found.indices, expected.indices)
    assert torch.equal(found.scores, expected.scores)
    fresh = made()
    fresh.restore(made().state())
    assert torch.equal(
        fresh(learner, begun(), 12, generator()).indices, made()(learner, begun(), 12, generator()).indices
    )


def test_asking_alone_teaches_nothing() -> None:
    strategy, learner, pool = made(), Helped(), begun()
    first = strategy(learner, pool, 12, generator())
    strategy(learner, pool, 5, generator(7))
    assert torch.equal(strategy(learner, pool, 12, generator()).indices, first.indices)
    assert strategy.state() == made().state()


def test_fewer_samples_than_clusters() -> None:
    strategy, learner, pool = made("strategy.clusters=50"), Helped(), begun()
    asked(strategy, learner, pool, 1, 3)
    assert len(learner.tried[-1][0]) == 3
    asked(strategy, learner, pool, 2, 1)
    assert len(learner.tried) == 1, "one sample is not better than another"
    learner.maps = learner.maps[:1].expand(N, 6, 6)
    asked(strategy, learner, pool, 3)
    assert len(learner.tried) == 1, "one map, one cluster"
    left = len(pool.unlabeled)
    asked(strategy, learner, pool, 4, left)


def test_inside_of_another_strategy() -> None:
    inner = ["strategy@strategy.strategy=ideal_deep_features", "strategy.strategy.clusters=4"]
    strategy = Parts(composed("strategy=epsilon_random", "strategy.epsilon=0.5", *inner))("strategy")
    assert memory_of(strategy) is strategy.strategy
    learner, pool = Helped(), begun()
    for number in (1, 2, 3):
        query = asked(strategy, learner, pool, number, 4)
        if len(learner.tried) == number:
            assert set(learner.tried[-1][0]) <= set(query.indices.tolist()), "what was bought of them"
    with pytest.raises(InputError, match="chooses a set, not an order"):
        Parts(composed("strategy=reversed", *inner))("strategy")


def test_others_remember_nothing() -> None:
    assert isinstance(made(), Memory)
    for name in ("entropy", "ideal_glcm", "random", "reversed"):
        assert memory_of(Parts(composed(f"strategy={name}"))("strategy")) is None


def test_image_in_place_of_the_map() -> None:
    strategy, learner = made("strategy.source=image"), Helped()
    learner.pictures = (learner.maps * 200).to(torch.uint8)[:, None]
    query = asked(strategy, learner, begun(), 1)
    assert sorted(learner.kinds[query.indices[:KINDS]].tolist()) == [0, 1, 2, 3]


def test_bad_input(monkeypatch: pytest.MonkeyPatch) -> None:
    for value in ("clusters=1", "edge=0", "epochs=0", "update_epochs=0", "trees=0", "source=label"):
        with pytest.raises(InputError, match=rf"strategy\.{value.split('=')[0]}"):
            made(f"strategy.{value}")
    for source in ("saliency", "image"):
        with pytest.raises(InputError, match="not for segmentation: it asks what a label adds"):
            check_pixels(made(f"strategy.source={source}"), dense=True)
    monkeypatch.setattr(
        Helped, "worth", lambda _self, indices, *_rest: torch.full((len(indices),), torch.nan)
    )
    with pytest.raises(InputError, match="the validation split has one class"):
        asked(made(), Helped(), begun(), 1)
