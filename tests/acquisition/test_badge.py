from collections import Counter

import numpy as np
import pytest
import torch
from skactiveml.pool import Badge
from torch.nn.functional import cross_entropy, linear

from al_runner.acquisition import badge as module
from al_runner.acquisition.badge import Gradients, badge
from al_runner.strategies.known_classifier import KnownClassifier
from tests import reference
from tests.acquisition.data import clusters, distributions, generator


def test_distances_are_those_of_the_gradients_written_out() -> None:
    probs, embeddings = distributions(50), clusters(50)
    points = reference.gradient_embeddings(probs.tolist(), embeddings.tolist())
    expected = ((points[:, None] - points[None]) ** 2).sum(-1)
    gradients = Gradients.of(probs, embeddings)
    squared = gradients.squared_distances(gradients).numpy()
    np.testing.assert_allclose(squared, expected, rtol=1e-4, atol=1e-4)
    np.testing.assert_allclose(gradients.nearest([3, 7]), expected[:, [3, 7]].min(1), rtol=1e-4, atol=1e-4)


def test_gradients_are_those_of_autograd_for_many_sites() -> None:
    weights, embeddings = torch.randn(3 * 4, 6, generator=generator()).requires_grad_(), clusters(5)
    logits = linear(embeddings, weights).view(5, 3, 4)
    loss = cross_entropy(logits.flatten(0, 1), logits.argmax(-1).flatten(), reduction="sum")
    per_sample = [
        torch.autograd.grad(
            cross_entropy(logits[i], logits[i].argmax(-1), reduction="sum"), weights, retain_graph=True
        )[0]
        for i in range(5)
    ]
    assert loss > 0
    flat = torch.stack(per_sample).flatten(1)
    gradients = Gradients.of(logits.detach().softmax(-1), embeddings)
    torch.testing.assert_close(
        gradients.squared_distances(gradients), torch.cdist(flat, flat).square(), rtol=1e-3, atol=1e-4
    )


@pytest.mark.parametrize("draws", [1, 512])
def test_draws_as_k_means_plus_plus_does(draws: int, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "DRAWS", draws)
    probs, embeddings = distributions(5, seed=3), clusters(5, 2, seed=3)
    points = reference.gradient_embeddings(probs.tolist(), embeddings.tolist())
    first = int((points**2).sum(1).argmax())
    expected = reference.k_means_plus_plus(points, first, 3)
    runs = 1500
    counts = Counter(tuple(badge(probs, embeddings, 3, generator(seed))[0].tolist()) for seed in range(runs))
    assert counts.keys() <= expected.keys()
    for sequence, probability in expected.items():
        deviation = (runs * probability * (1 - probability)) ** 0.5
        assert abs(counts[sequence] - runs * probability) < 5 * deviation + 1


def test_scores_are_the_distances_when_taken() -> None:
    probs, embeddings = distributions(40), clusters(40)
    points = reference.gradient_embeddings(probs.tolist(), embeddings.tolist())
    chosen, distances = badge(probs, embeddings, 15, generator())
    for rank in range(1, 15):
        to_taken = np.linalg.norm(points[chosen[:rank].numpy()] - points[chosen[rank]], axis=1).min()
        assert distances[rank] == pytest.approx(to_taken, rel=1e-3)


def test_as_spread_as_scikit_activeml() -> None:
    """The sum of squared distances to the nearest pick, on average: theirs draws other numbers."""
    probs, embeddings = distributions(300), clusters(300)
    points = reference.gradient_embeddings(probs.tolist(), embeddings.tolist())

    def cost(picks: list[int]) -> float:
        return float(((points[:, None] - points[picks]) ** 2).sum(-1).min(1).mean())

    classifier = KnownClassifier(probs.numpy(), embeddings.numpy())
    unlabeled = np.full(300, np.nan)
    rows = np.arange(300.0)[:, None]
    theirs = [
        Badge(random_state=seed, clf_embedding_flag_name="return_embeddings").query(
            rows, unlabeled, classifier, fit_clf=False, batch_size=20
        )
        for seed in range(20)
    ]
    ours = [badge(probs, embeddings, 20, generator(seed))[0].tolist() for seed in range(20)]
    # Theirs counts the origin as a center, so its samples are somewhat less spread.
    ratio = np.mean([cost(picks) for picks in ours]) / np.mean([cost(picks) for picks in theirs])
    assert 0.6 < ratio < 1.1


def test_first_by_chance() -> None:
    probs, embeddings = distributions(50), clusters(50)
    firsts = {int(badge(probs, embeddings, 2, generator(seed), "chance")[0][0]) for seed in range(20)}
    assert len(firsts) > 10


def test_zero_gradients_come_last_by_chance() -> None:
    probs, embeddings = torch.eye(4)[torch.arange(20) % 4], clusters(20)
    probs[5] = 0.25
    queries = {tuple(badge(probs, embeddings, 4, generator(seed))[0].tolist()) for seed in range(10)}
    assert len(queries) == 10
    assert {chosen[0] for chosen in queries} == {5}
