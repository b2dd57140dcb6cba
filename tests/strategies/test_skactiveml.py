import importlib.util

import pytest
import torch

from al_runner.errors import InputError
from al_runner.loop.pool import Pool, Query
from al_runner.strategies.skactiveml import NAMES, SkActiveML
from tests.strategies.fake import FakeLearner


def pool_of(size: int) -> Pool:
    pool = Pool(size)
    pool.add(Query(torch.arange(0, size, 4)), torch.arange(len(range(0, size, 4))) % 4, 0)
    return pool


def generator(seed: int = 0) -> torch.Generator:
    return torch.Generator().manual_seed(seed)


@pytest.mark.parametrize("size", [1, 8, 30])
@pytest.mark.parametrize("name", NAMES)
def test_every_name_has_run(name: str, size: int) -> None:
    learner, pool = FakeLearner(40), pool_of(40)
    query = SkActiveML(name)(learner, pool, size, generator())
    pool.check(query, size)
    assert SkActiveML(name)(learner, pool, size, generator()).indices.tolist() == query.indices.tolist()


def duplicates() -> FakeLearner:
    learner = FakeLearner(40)
    learner.embeddings = learner.embeddings[torch.arange(40) // 8]
    learner.probs = torch.eye(4)[torch.arange(40) % 4]
    return learner


@pytest.mark.parametrize("name", sorted({*NAMES} - {"TypiClust"}))
def test_duplicates_and_saturated_predictions(name: str) -> None:
    pool = pool_of(40)
    pool.check(SkActiveML(name)(duplicates(), pool, 20, generator()), 20)


def test_their_typiclust_fails_where_no_cluster_is_new() -> None:
    with pytest.raises(InputError, match=r"TypiClust: scikit-activeml cannot choose 20 of 30 samples"):
        SkActiveML("TypiClust")(duplicates(), pool_of(40), 20, generator())


def test_uncertainty_is_that_of_the_predictions() -> None:
    learner, pool = FakeLearner(40), pool_of(40)
    chosen = SkActiveML("UncertaintySampling", {"method": "entropy"})(learner, pool, 5, generator()).indices
    entropies = torch.special.entr(learner.probs).sum(1)
    assert set(chosen.tolist()) == set(pool.unlabeled[entropies[pool.unlabeled].topk(5).indices].tolist())


def test_names_that_need_something_else() -> None:
    with pytest.raises(InputError, match=r"strategy.name=QueryByCommittee .* Badge, Clue") as error:
        SkActiveML("QueryByCommittee")
    assert "\n" not in str(error.value)


def test_unknown_options() -> None:
    with pytest.raises(InputError, match=r"strategy.options: .*gama.* in skactiveml.pool.Falcun"):
        SkActiveML("Falcun", {"gama": 3})


def test_needs_scikit_activeml(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(importlib.util, "find_spec", lambda name: None)
    with pytest.raises(InputError, match=r"pip install 'al-runner\[skactiveml\]'"):
        SkActiveML("Falcun")


@pytest.mark.parametrize("name", ["Quire", "CostEmbeddingAL"])
def test_many_labels_a_sample(name: str) -> None:
    pool = pool_of(40)
    pool.labels = torch.zeros(10, 3)
    with pytest.raises(InputError, match="one label for each sample"):
        SkActiveML(name)(FakeLearner(40, 3), pool, 2, generator())
