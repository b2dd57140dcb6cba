import numpy as np
import pytest
import torch
from skactiveml.pool import ContrastiveAL

from al_runner.acquisition.cluster_margin import spread_over_clusters
from al_runner.acquisition.neighborhood import contrast, information_density
from al_runner.strategies.known_classifier import KnownClassifier
from tests import reference
from tests.acquisition.data import blobs, clusters, distributions, generator


@pytest.mark.parametrize("beta", [0.0, 1.0, 2.5])
def test_information_density_agrees_with_its_twin(beta: float) -> None:
    points, uncertainty = clusters(50), torch.rand(50, generator=generator())
    expected = reference.information_density(uncertainty.tolist(), points.tolist(), beta)
    torch.testing.assert_close(
        information_density(uncertainty, points, beta), torch.tensor(expected), rtol=1e-4, atol=1e-6
    )


def test_no_embedding_no_density() -> None:
    assert information_density(torch.ones(3), torch.zeros(3, 2)).tolist() == [0, 0, 0]


@pytest.mark.parametrize("neighbors", [1, 10, 100])
def test_contrast_agrees_with_its_twin(neighbors: int) -> None:
    probs, points = distributions(90).clamp(min=1e-5), clusters(90)
    probs /= probs.sum(1, keepdim=True)
    ours = contrast(probs[:60], points[:60], probs[60:], points[60:], neighbors)
    twin = reference.contrast(
        probs[:60].tolist(), points[:60].tolist(), probs[60:].tolist(), points[60:].tolist(), neighbors
    )
    torch.testing.assert_close(ours, torch.tensor(twin), rtol=1e-3, atol=1e-5)


def test_contrast_of_many_sites_is_their_mean() -> None:
    probs, points = distributions(40, sites=3), clusters(40)
    sites = [contrast(probs[:30, s], points[:30], probs[30:, s], points[30:]) for s in range(3)]
    ours = contrast(probs[:30], points[:30], probs[30:], points[30:])
    torch.testing.assert_close(ours, torch.stack(sites).mean(0))


def test_contrast_with_saturated_predictions_is_finite() -> None:
    probs, points = torch.eye(4)[torch.arange(20) % 4], clusters(20)
    scores = contrast(probs[:15], points[:15], probs[15:], points[15:], 3)
    assert ((scores >= 0) & (scores < 17)).all()
    assert contrast(probs, points, probs[:0], points[:0]).tolist() == [0] * 20


def test_contrast_agrees_with_scikit_activeml() -> None:
    probs, points = distributions(200), clusters(200)
    labels = np.full(200, np.nan)
    labels[150:] = 0
    peer = ContrastiveAL(
        {"n_neighbors": 10}, clf_embedding_flag_name="return_embeddings", random_state=0
    ).query(
        np.arange(200.0)[:, None],
        labels,
        KnownClassifier(probs.double().numpy(), points.numpy()),
        fit_clf=False,
        batch_size=20,
    )
    scores = contrast(probs[:150], points[:150], probs[150:], points[150:], 10)
    assert scores.topk(20).indices.tolist() == peer.tolist()


def test_spread_takes_turns_among_clusters_the_smallest_first() -> None:
    points, cloud = blobs(4, 10)
    keep = torch.cat([(cloud == c).nonzero()[: 4 + 2 * c, 0] for c in range(4)])  # 4, 6, 8, 10 samples
    points, cloud = points[keep], cloud[keep]
    chosen = spread_over_clusters(points, 28, generator(), cluster_size=7)
    assert sorted(chosen.tolist()) == list(range(28))
    turns = [0, 1, 2, 3] * 4 + [1, 2, 3] * 2 + [2, 3] * 2 + [3] * 2
    assert cloud[chosen].tolist() == turns
    firsts = {int(spread_over_clusters(points, 1, generator(seed), 7)[0]) for seed in range(30)}
    assert firsts == {0, 1, 2, 3}


def test_spread_of_duplicates_and_of_one() -> None:
    assert sorted(spread_over_clusters(torch.zeros(6, 2), 6, generator()).tolist()) == list(range(6))
    assert spread_over_clusters(torch.zeros(1, 2), 1, generator()).tolist() == [0]
    with pytest.raises(ValueError, match="not finite"):
        spread_over_clusters(torch.tensor([[torch.nan], [0]]), 1, generator())
