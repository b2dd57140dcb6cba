import numpy as np
import pytest
import torch
from skactiveml.pool import CoreSet

from al_runner.acquisition import core_set
from al_runner.acquisition.core_set import k_center
from tests import reference
from tests.acquisition.data import clusters, generator


@pytest.mark.parametrize("look_ahead", [1, 4, 512])
@pytest.mark.parametrize("seed", range(3))
def test_agrees_with_its_twin(seed: int, look_ahead: int, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(core_set, "LOOK_AHEAD", look_ahead)
    points = clusters(120, seed=seed)
    chosen, distances = k_center(points[:100], points[100:], 40, generator())
    assert chosen.tolist() == reference.k_center(points[:100].tolist(), points[100:].tolist(), 40)
    assert (distances.diff() <= 1e-5).all()


def test_agrees_with_scikit_activeml() -> None:
    points = clusters(1200, dimensions=32)
    labels = np.full(1200, np.nan)
    labels[1000:] = 0
    peer = CoreSet(random_state=0).query(points.numpy(), labels, batch_size=100)
    assert k_center(points[:1000], points[1000:], 100, generator())[0].tolist() == peer.tolist()


def test_is_the_same_far_from_the_origin() -> None:
    points = clusters(300)
    near = k_center(points[:250], points[250:], 30, generator())[0]
    far = k_center(points[:250] + 1000, points[250:] + 1000, 30, generator())[0]
    assert near.tolist() == far.tolist()


def test_distances_are_those_of_the_picks() -> None:
    chosen, distances = k_center(torch.tensor([[0.0, 0], [3, 4], [6, 8]]), torch.zeros(1, 2), 3, generator())
    assert chosen.tolist() == [2, 1, 0]
    assert distances.tolist() == [10, 5, 0]


def test_without_labeled_samples_the_first_falls_to_chance() -> None:
    points = clusters(50)
    queries = [k_center(points, points[:0], 3, generator(seed)) for seed in range(20)]
    assert len({int(chosen[0]) for chosen, _ in queries}) > 5
    assert all(distances[0] == torch.inf for _, distances in queries)


def test_equal_embeddings_fall_to_chance_evenly() -> None:
    counts = torch.zeros(10)
    constant = torch.full((10, 3), 0.1)
    for seed in range(1000):
        counts[k_center(constant, constant[:2], 3, generator(seed))[0]] += 1
    assert (counts - 300).abs().max() < 5 * (1000 * 0.3 * 0.7) ** 0.5


def test_refuses_what_is_not_finite() -> None:
    with pytest.raises(ValueError, match="not finite"):
        k_center(torch.tensor([[0.0], [torch.nan]]), torch.zeros(1, 1), 1, generator())
