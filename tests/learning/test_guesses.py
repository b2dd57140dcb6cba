"""Guesses at labels: which samples get them, and what the model makes of them."""

from dataclasses import replace

import numpy as np
import pytest
import torch
from sklearn.linear_model import LogisticRegression
from sklearn.neighbors import kneighbors_graph
from sklearn.semi_supervised import LabelSpreading as Peer
from torch import Tensor

from al_runner.learning.linear import LinearHead
from al_runner.learning.linear.graph import nearest_neighbors, normalized_graph
from al_runner.learning.linear.label_spreading import LabelSpreading
from al_runner.learning.linear.pseudo_labels import PseudoLabels
from tests.learning.features import clusters, fit, learner, several_labels

EVERYTHING = torch.arange(90)


def one_hot(labels: Tensor, classes: int = 3) -> Tensor:
    return torch.nn.functional.one_hot(labels, classes).double()


def test_only_sure_predictions_are_pseudo_labels() -> None:
    probs = torch.tensor([[0.9, 0.1], [0.2, 0.8], [0.99, 0.01], [0.05, 0.95], [0.5, 0.5]])
    found = PseudoLabels(threshold=0.9).guess(probs, torch.tensor([2]), torch.zeros(1, 2))
    assert found.indices.tolist() == [0, 3]
    assert found.labels.tolist() == [[1, 0], [0, 1]]


def test_each_label_of_a_sample_is_sure_by_itself() -> None:
    probs = torch.tensor([[[0.9, 0.1], [0.6, 0.4]], [[0.5, 0.5], [0.6, 0.4]], [[0.2, 0.8], [0.0, 1.0]]])
    found = PseudoLabels(threshold=0.9).guess(probs, torch.empty(0).long(), torch.zeros(0, 2, 2))
    assert found.indices.tolist() == [0, 2]
    assert found.counts.tolist() == [[True, False], [False, True]]


def test_pseudo_labels_join_the_fit_with_their_weight() -> None:
    data = clusters(3)
    plain = learner(data, LinearHead(strengths=[0.05]))
    way = {"pseudo_labels": {"threshold": 0.6, "weight": 0.5}}
    subject = learner(data, LinearHead(strengths=[0.05], semi_supervised=way))
    fit(plain, 20), fit(subject, 20)
    sure, likeliest = plain.predict(EVERYTHING[20:]).max(1)
    joined = (sure >= 0.6).nonzero().squeeze(1)
    assert 5 < len(joined) < 65
    x = plain.scale.apply(data[1]["train"]).numpy()
    rows = np.r_[np.arange(20), 20 + joined.numpy()]
    labels = np.r_[data[0].train.targets[:20].numpy(), likeliest[joined].numpy()]
    weights = np.r_[np.ones(20), np.full(len(joined), 0.5 * 20 / len(joined))]
    model = LogisticRegression(C=0.05, tol=1e-10, max_iter=10_000).fit(x[rows], labels, weights)
    expected = torch.from_numpy(model.predict_proba(x)).float()
    torch.testing.assert_close(subject.predict(EVERYTHING), expected, rtol=0, atol=1e-5)


def test_neighbors_are_scikit_learns() -> None:
    points = clusters()[1]["train"]
    peer = kneighbors_graph(points.numpy(), 5)
    own = nearest_neighbors(points, 5)
    assert all(set(row.indices) == set(near) for row, near in zip(peer, own.tolist(), strict=True))
    assert nearest_neighbors(points[:3], 5).shape == (3, 2)


@pytest.mark.parametrize("alpha", [0.2, 0.9])
def test_labels_spread_as_in_scikit_learn(alpha: float) -> None:
    """On the same graph; scikit-learn's own is that of nearest neighbors in one direction."""
    data = clusters(3)
    points, targets = data[1]["train"], data[0].train.targets
    graph = kneighbors_graph(points.numpy(), 6)
    peer = Peer(kernel=lambda *_: graph.maximum(graph.T), alpha=alpha, max_iter=5000, tol=1e-9)
    peer.fit(points.numpy(), np.r_[targets[:20].numpy(), np.full(70, -1)])
    guess = LabelSpreading(neighbors=6, alpha=alpha).begin(points)
    found = guess(torch.zeros(90, 3), EVERYTHING[:20], one_hot(targets[:20]))
    assert found.indices.tolist() == list(range(20, 90))
    expected = torch.from_numpy(peer.label_distributions_[20:])
    torch.testing.assert_close(found.labels, expected, rtol=0, atol=1e-4)


def test_samples_that_no_label_reaches_do_not_count() -> None:
    far = torch.cat([torch.randn(10, 2), torch.randn(10, 2) + 1000])
    guess = LabelSpreading(neighbors=3).begin(far)
    found = guess(torch.zeros(20, 2), torch.tensor([0, 1]), one_hot(torch.tensor([0, 1]), 2))
    assert not found.counts[8:].any()
    assert found.labels.isfinite().all()


def test_the_graph_has_no_direction() -> None:
    graph = normalized_graph(torch.tensor([[1], [0], [1]])).toarray()
    assert graph == pytest.approx(np.array([[0, 0.5**0.5, 0], [0.5**0.5, 0, 0.5**0.5], [0, 0.5**0.5, 0]]))


@pytest.mark.parametrize("way", ["pseudo_labels", "label_spreading", {"pseudo_labels": {"iterations": 3}}])
@pytest.mark.parametrize("data", [clusters(2), clusters(4), several_labels()], ids=["two", "four", "labels"])
def test_guesses_come_from_the_training_split_alone(data, way) -> None:  # type: ignore[no-untyped-def]
    """Whatever the other splits hold, the model is the same; it is another than that of the labels."""
    dataset, features = data
    head = LinearHead(semi_supervised=way)
    others = {**features, "val": features["val"] * 0, "test": features["test"] * 0}
    subject, same, plain = learner(data, head), learner((dataset, others), head), learner(data)
    for each in (subject, same, plain):
        fit(each, 20)
    assert torch.equal(subject.predict(EVERYTHING), same.predict(EVERYTHING))
    assert not torch.equal(subject.predict(EVERYTHING), plain.predict(EVERYTHING))
    assert subject.predict(EVERYTHING).isfinite().all()


def test_true_labels_of_the_pool_are_not_seen() -> None:
    dataset, features = clusters(3)
    targets = dataset.train.targets.clone()
    targets[20:] = 0
    blind = replace(dataset, splits={**dataset.splits, "train": replace(dataset.train, targets=targets)})
    head = LinearHead(semi_supervised="label_spreading")
    one, other = learner((dataset, features), head), learner((blind, features), head)
    fit(one, 20), fit(other, 20)
    assert torch.equal(one.predict(EVERYTHING), other.predict(EVERYTHING))
