"""What strategies make of the functions that they call."""

import numpy as np
import torch
from skactiveml.pool import Clue

from al_runner.acquisition.uncertainty import entropy, margin
from al_runner.loop.pool import Pool, Query
from al_runner.strategies.coverage import ProbCover
from al_runner.strategies.diversity import KMeans, k_center
from al_runner.strategies.hybrid import ClusterMargin, SuggestiveAnnotation, UncertaintyKMeans
from al_runner.strategies.known_classifier import KnownClassifier
from tests import reference
from tests.acquisition.data import blobs, generator
from tests.strategies.fake import FakeLearner


def clouds() -> tuple[FakeLearner, Pool, torch.Tensor]:
    """Six clouds of 20 samples, the first two samples labeled."""
    learner, pool = FakeLearner(120), Pool(120)
    learner.embeddings, cloud = blobs(6, 20)
    pool.add(Query(torch.arange(2)), torch.zeros(2), 0)
    return learner, pool, cloud


def test_one_sample_of_every_cloud() -> None:
    learner, pool, cloud = clouds()
    for strategy in (KMeans(), KMeans(components=2), KMeans(pick="random"), UncertaintyKMeans()):
        chosen = strategy(learner, pool, 6, generator()).indices
        assert sorted(cloud[chosen].tolist()) == list(range(6))
    assert 0 not in cloud[k_center(learner, pool, 5, generator()).indices], "the cloud with labels is covered"
    covered = ProbCover(radius=20.0, normalize=False)(learner, pool, 5, generator())
    assert sorted(cloud[covered.indices].tolist()) == list(range(1, 6))
    assert covered.scores is not None
    assert covered.scores.tolist() == [20] * 5


def test_uncertainty_k_means_agrees_with_scikit_activeml() -> None:
    learner, pool, _ = clouds()
    labels = np.full(120, np.nan)
    labels[:2] = 0
    peer = Clue(
        predict_dict={"return_embeddings": True}, cluster_algo_dict={"random_state": 0}, random_state=0
    ).query(
        np.arange(120.0)[:, None],
        labels,
        KnownClassifier(learner.probs.double().numpy(), learner.embeddings.numpy()),
        fit_estimator=False,
        batch_size=6,
    )
    ours = UncertaintyKMeans()(learner, pool, 6, generator()).indices
    assert set(ours.tolist()) == set(peer.tolist())


def test_temperature_divides_the_logits() -> None:
    logits = torch.randn(30, 4, generator=generator())
    weights = UncertaintyKMeans(temperature=0.1)._weights(logits.softmax(1))
    torch.testing.assert_close(weights, entropy((logits / 0.1).softmax(1)), rtol=1e-3, atol=1e-5)


def test_saturated_predictions_weigh_alike() -> None:
    learner, pool, cloud = clouds()
    learner.probs = torch.eye(4)[torch.zeros(120, dtype=torch.int64)]
    chosen = UncertaintyKMeans()(learner, pool, 6, generator()).indices
    assert sorted(cloud[chosen].tolist()) == list(range(6))


def test_cluster_margin_looks_at_the_smallest_margins() -> None:
    learner, pool, cloud = clouds()
    ranked = pool.unlabeled[margin(learner.probs[2:]).argsort(descending=True)]
    assert set(ClusterMargin(candidates=1)(learner, pool, 9, generator()).indices.tolist()) == {
        *ranked[:9].tolist()
    }
    spread = ClusterMargin(candidates=5, cluster_size=5)(learner, pool, 6, generator()).indices
    assert {*spread.tolist()} <= {*ranked[:30].tolist()}
    assert len(cloud[spread].unique()) >= min(5, len(cloud[ranked[:30]].unique()))


def test_suggestive_annotation_agrees_with_its_twin() -> None:
    learner, pool = FakeLearner(80), Pool(80)
    pool.add(Query(torch.arange(10)), torch.zeros(10), 0)
    query = SuggestiveAnnotation()(learner, pool, 6, generator())
    candidates = entropy(learner.probs[10:]).topk(12).indices.tolist()
    points = torch.nn.functional.normalize(learner.embeddings[10:].double(), dim=1)
    taken = (query.indices - 10).tolist()
    assert {*taken} <= {*candidates}
    steps = reference.coverage_gains((points @ points.T).tolist(), candidates, [-1.0] * 70, taken)
    assert query.scores is not None
    for score, (gain, most) in zip(query.scores.tolist(), steps, strict=True):
        assert abs(score - gain) < 1e-5
        assert abs(gain - most) < 1e-5
