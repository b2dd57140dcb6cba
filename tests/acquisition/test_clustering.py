import numpy as np
import pytest
import torch
from skactiveml.pool import TypiClust
from sklearn.metrics import pairwise_distances_argmin

from al_runner.acquisition.clustering import k_means, principal_components, representatives
from al_runner.acquisition.typicality import most_typical, typicality, typiclust
from tests import reference
from tests.acquisition.data import blobs, clusters, generator


@pytest.mark.parametrize("seed", range(5))
def test_representatives_agree_with_their_twin(seed: int) -> None:
    points = clusters(200, seed=seed)
    found, distances = k_means(points, 12, generator(seed))
    chosen = representatives(found, distances, 12, generator(seed))
    assert set(chosen.tolist()) == reference.representatives(points.tolist(), found.tolist())
    sizes = np.bincount(found)[found[chosen.numpy()]]
    assert (np.diff(sizes) <= 0).all(), "the largest cluster first"


def test_every_sample_is_in_the_cluster_of_its_nearest_center() -> None:
    points = clusters(300)
    found, _ = k_means(points, 9, generator())
    centers = np.stack([points.numpy()[found == c].mean(0) for c in range(9)])
    assert (pairwise_distances_argmin(points.numpy(), centers) == found).mean() > 0.98


def test_weights_draw_the_centers() -> None:
    points = torch.tensor([[0.0], [1.0], [10.0], [11.0]])
    found, distances = k_means(points, 2, generator(), torch.tensor([3.0, 1, 1, 3]))
    assert found[0] == found[1] != found[2] == found[3]
    np.testing.assert_allclose(distances, [0.25, 0.75, 0.75, 0.25])


def test_fewer_distinct_points_than_clusters() -> None:
    points = torch.arange(3.0).repeat_interleave(10)[:, None]
    found, distances = k_means(points, 8, generator())
    chosen = representatives(found, distances, 8, generator())
    assert len(set(chosen.tolist())) == 8
    assert set(points[chosen[:3], 0].tolist()) == {0, 1, 2}


def test_any_sample_of_each_cluster() -> None:
    found = np.repeat(np.arange(3), 20)
    queries = [representatives(found, np.zeros(60), 3, generator(seed)).numpy() for seed in range(50)]
    assert all(len(set(found[chosen])) == 3 for chosen in queries)
    assert len({tuple(chosen) for chosen in queries}) > 40


def test_principal_components_keep_the_distances_that_vary_most() -> None:
    points = clusters(100, 5) * torch.tensor([9.0, 3, 1e-4, 1e-4, 1e-4])
    reduced = principal_components(points, 2, generator())
    torch.testing.assert_close(
        torch.cdist(reduced, reduced), torch.cdist(points, points), rtol=1e-3, atol=1e-2
    )
    assert principal_components(points[:3], 100, generator()).shape == (3, 3)
    assert not principal_components(torch.ones(10, 3), 2, generator()).isnan().any()


@pytest.mark.parametrize("neighbors", [1, 5, 100])
def test_typicality_agrees_with_its_twin(neighbors: int) -> None:
    points = clusters(60)
    expected = torch.tensor(reference.typicality(points.tolist(), neighbors), dtype=torch.float32)
    torch.testing.assert_close(typicality(points, neighbors), expected, rtol=1e-4, atol=0)


def test_most_typical_agrees_with_its_twin() -> None:
    points = clusters(150)
    assigned = torch.randint(7, (170,), generator=generator()).numpy()
    assigned[:3] = 7  # a small cluster
    chosen, scores = most_typical(points, assigned, 25, np.zeros(170))
    assert chosen.tolist() == reference.most_typical(points.tolist(), assigned.tolist(), 25, 20, 5)
    assert (scores > 0).all()


def test_small_clusters_come_last_and_everything_can_be_taken() -> None:
    points = clusters(30)
    assigned = np.r_[np.zeros(26, int), np.full(4, 3)]
    chosen = most_typical(points, assigned, 30, np.zeros(30))[0].tolist()
    assert sorted(chosen) == list(range(30))
    assert set(chosen[26:]) == {26, 27, 28, 29}


def test_typiclust_agrees_with_scikit_activeml_on_clouds_far_apart() -> None:
    points, cloud = blobs(8, 25)
    labeled = torch.tensor([0, 25, 50])
    unlabeled = torch.tensor([i for i in range(200) if i not in labeled])
    labels = np.full(200, np.nan)
    labels[labeled] = 0
    chosen, _ = typiclust(points[unlabeled], points[labeled], 5, generator(), neighbors=5)
    peer = TypiClust(random_state=0, k=5).query(points.numpy(), labels, batch_size=5)
    assert set(unlabeled[chosen].tolist()) == set(peer.tolist())
    assert set(cloud[peer].tolist()) == {3, 4, 5, 6, 7}
