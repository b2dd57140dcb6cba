from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch
from torch import Tensor

from al_runner.acquisition.core_set import k_center as greedy
from al_runner.data.dataset import Split
from al_runner.errors import InputError
from al_runner.loop.pool import Pool
from al_runner.loop.protocols import Strategy
from al_runner.strategies.diversity import k_center
from al_runner.strategies.initial import ClassBalancedDraw, OnFeatures, image_features, initial
from al_runner.strategies.random import random
from tests.strategies.fake import FakeLearner

N = 60


def split(*shape: int, classes: int = 3) -> Split:
    generator = torch.Generator().manual_seed(0)
    images = torch.randint(0, 256, (N, *shape), dtype=torch.uint8, generator=generator)
    return Split(images, torch.arange(N) ** 2 % classes)


def ask(strategy: Strategy, size: int, seed: int = 0) -> Tensor:
    pool = Pool(N)
    query = strategy(FakeLearner(N), pool, size, torch.Generator().manual_seed(seed))
    pool.check(query, size)
    return query.indices


@pytest.mark.parametrize("how", ["random", "class_balanced", "k_center", "typiclust", k_center])
@pytest.mark.parametrize("features", ["images", "model"])
@pytest.mark.parametrize("shape", [(1, 9, 9), (3, 40, 50), (1, 12, 12, 12)])
def test_any_number_of_distinct_samples(how: Strategy | str, features: str, shape: tuple[int, ...]) -> None:
    strategy = initial(how, features, split(*shape))
    for size in (1, 7, N):
        assert torch.equal(ask(strategy, size), ask(strategy, size)), "the stream decides"


def test_random_draws_as_it_always_did() -> None:
    assert initial("random", "images", split(1, 9, 9)) is random


@pytest.mark.parametrize(("counts", "size", "expected"), [
    ([50, 5, 5], 9, [3, 3, 3]),
    ([50, 2, 8], 12, [5, 2, 5]),  # a class that runs out
    ([58, 2, 0], 6, [4, 2, 0]),
])  # fmt: skip
def test_balanced_classes(counts: list[int], size: int, expected: list[int]) -> None:
    targets = torch.repeat_interleave(torch.arange(3), torch.tensor(counts))[torch.randperm(N)]
    assert targets[ask(ClassBalancedDraw(targets), size)].bincount(minlength=3).tolist() == expected
    assert len(targets[ask(ClassBalancedDraw(targets), 2)].unique()) == 2


def test_balanced_draws_are_random_within_a_class() -> None:
    targets = torch.arange(N) % 3
    draws = {tuple(ask(ClassBalancedDraw(targets), 6, seed).tolist()) for seed in range(20)}
    assert len(draws) == 20
    assert len({index for draw in draws for index in draw}) > 40, "from everywhere"


def test_balanced_labels_find_the_rare_one() -> None:
    targets = torch.zeros(N, 3, dtype=torch.int64)
    targets[[7, 30, 31], 1] = 1
    assert {7, 30, 31} & set(ask(ClassBalancedDraw(targets), 4).tolist())


def test_balanced_needs_labels_of_images() -> None:
    with pytest.raises(InputError, match="labels of whole images"):
        initial("class_balanced", "images", replace(split(1, 9, 9), targets=torch.zeros(N, 9, 9)))


def test_features_are_the_pixels() -> None:
    small = split(1, 5, 6)
    expected = small.images.double().flatten(1) / 127.5 - 1
    torch.testing.assert_close(image_features(small).double(), expected, atol=1e-6, rtol=0)
    large = split(3, 90, 36)  # √(1024 / 3) = 18 blocks an edge
    blocks = large.images.double().reshape(N, 3, 18, 5, 18, 2).mean((3, 5)) / 127.5 - 1
    torch.testing.assert_close(image_features(large).double(), blocks.flatten(1), atol=1e-5, rtol=0)
    assert image_features(split(1, 20, 20, 20)).shape == (N, 10**3)


def test_a_strategy_sees_the_features_given() -> None:
    train = split(1, 6, 6)
    features = image_features(train)
    expected, _ = greedy(features, features[:0], 8, torch.Generator().manual_seed(0))
    assert torch.equal(ask(initial("k_center", "images", train), 8), expected)
    seen = []

    def asks_for_more(learner, pool, size, generator):  # type: ignore[no-untyped-def]
        seen.append(learner.predict(pool.unlabeled).shape)
        return k_center(learner, pool, size, generator)

    assert torch.equal(ask(OnFeatures(asks_for_more, lambda: features), 8), expected)
    assert seen == [(N, 4)], "all but the embeddings is the model's"


def test_features_of_a_file(tmp_path: Path) -> None:
    features = np.random.default_rng(0).normal(size=(N, 5))
    np.save(tmp_path / "f.npy", features)
    found = ask(initial("k_center", str(tmp_path / "f.npy"), split(1, 6, 6)), 8)
    given = torch.from_numpy(features).float()
    assert torch.equal(found, greedy(given, given[:0], 8, torch.Generator().manual_seed(0))[0])


@pytest.mark.parametrize(("array", "message"), [
    (np.zeros((N - 1, 3)), rf"float64 \[{N - 1}, 3\]; expected numbers \[{N}, D\]"),
    (np.zeros(N), "a row for each training sample"),
    (np.array([["a"]] * N), "expected numbers"),
    (np.full((N, 2), np.nan), "not finite"),
    (None, "cannot be read"),
])  # fmt: skip
def test_bad_features(tmp_path: Path, array: np.ndarray | None, message: str) -> None:  # type: ignore[type-arg]
    path = tmp_path / "f.npy"
    if array is not None:
        np.save(path, array)
    with pytest.raises(InputError, match=message):
        initial("typiclust", str(path), split(1, 6, 6))


def test_unknown_features() -> None:
    with pytest.raises(InputError, match=r"images, model, or a \.npy file"):
        initial("typiclust", "pictures", split(1, 6, 6))
