"""Levels of clusters and the forest that learns them, against their definitions."""

import pytest
import torch
from torch import Tensor

from al_runner.acquisition.informativeness import Lesson, OnlineForest, levels, spread
from tests import reference
from tests.acquisition.data import generator


@pytest.mark.parametrize("distinct", [1, 3, 1000])
def test_levels_are_the_definition(distinct: int) -> None:
    values = torch.randint(distinct, (10,), generator=generator()).double() / 7
    assert levels(values).tolist() == reference.levels(values.tolist())


def test_spread_gives_a_sample_the_level_of_its_cluster() -> None:
    clusters = torch.tensor([2, 0, 1, 2, 3, 0])
    found = spread(clusters, torch.tensor([0, 3, 2]), torch.tensor([3, 1, 2]))
    assert found.tolist() == [2, 3, 0, 2, 1, 3], "cluster 1 has no level"


def lesson(n_levels: int, seed: int) -> Lesson:
    features = torch.rand(60, 3, generator=generator(seed))
    return Lesson(features, (features[:, 0] * n_levels).long() + 1, n_levels, seed)


def grown(*lessons: Lesson) -> OnlineForest:
    forest = OnlineForest(trees=7)
    for each in lessons:
        forest.learn(each)
    return forest


def test_score_is_the_mean_over_trees_of_the_expected_informativeness() -> None:
    lessons = [lesson(4, 0), lesson(3, 1)]
    forest, features = grown(*lessons), torch.rand(20, 3, generator=generator(9))
    trees = [
        (tree, [int(c) for c in part.classes_], one.n_levels)
        for part, one in zip(forest.grown, lessons, strict=True)
        for tree in part.estimators_
    ]
    assert len(trees) == 14
    expected = [reference.expected_informativeness(trees, row) for row in features.numpy()]
    assert forest.score(features).tolist() == pytest.approx(expected, abs=1e-12)


def test_learns_what_it_is_taught() -> None:
    scores = grown(lesson(4, 0)).score(torch.tensor([[0.05, 0.5, 0.5], [0.4, 0.5, 0.5], [0.95, 0.5, 0.5]]))
    assert scores[0] > 0.9 > scores[1] > 0.4 > scores[2], "level 1 is where the first feature is low"


def test_is_a_function_of_its_lessons() -> None:
    features = torch.rand(20, 3, generator=generator(9))
    whole = grown(lesson(4, 0), lesson(4, 1))
    again = grown(*whole.lessons)
    assert torch.equal(again.score(features), whole.score(features))
    assert not torch.equal(grown(lesson(4, 0)).score(features), whole.score(features))


def test_nothing_learned_and_nothing_to_tell_apart() -> None:
    features: Tensor = torch.rand(5, 3, generator=generator())
    assert grown().score(features).tolist() == [0] * 5
    tied = Lesson(features, torch.ones(5, dtype=torch.int64), 3, 0)
    assert grown(tied).score(features).tolist() == [1] * 5
