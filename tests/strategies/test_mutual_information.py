"""Entropy minus normalized mutual information, as a strategy."""

from typing import Any

import numpy as np
import pytest
import torch
from skimage.metrics import normalized_mutual_information
from torch import Tensor

from al_runner.acquisition import uncertainty
from al_runner.config.parts import Parts
from al_runner.errors import InputError
from al_runner.loop.pool import Pool, Query
from al_runner.strategies.mutual_information import NmiEntropy, intensities
from al_runner.strategies.uncertainty import Uncertainty
from tests import reference
from tests.composing import composed
from tests.config.test_configs import generator
from tests.config.test_configs import strategy as composed_strategy
from tests.strategies.fake import FakeLearner

N, SITES = 12, 40


def setting(labeled: int = 3, seed: int = 0) -> tuple[FakeLearner, Pool]:
    """Predictions and masks that have all labels."""
    learner, pool = FakeLearner(N, SITES, seed), Pool(N)
    masks = torch.randint(4, (labeled, 1, SITES), generator=generator(seed)).to(torch.uint8)
    pool.add(Query(torch.tensor([7, 2, 9, 11][:labeled])), masks, 0)
    return learner, pool


def scores_of(query: Query) -> dict[int, float]:
    assert query.scores is not None
    return dict(zip(query.indices.tolist(), query.scores.tolist(), strict=True))


@pytest.mark.parametrize("labeled", [1, 3])
@pytest.mark.parametrize("options", [{}, {"pairing": "sorted", "bins": 8}, {"alpha": 0.5, "beta": 3.0}])
def test_scores_are_the_definition(options: dict[str, Any], labeled: int) -> None:
    learner, pool = setting(labeled)
    learner.probs[5] = torch.tensor([0.7, 0.1, 0.1, 0.1])  # nothing is found in it
    bins, pairing = options.get("bins", 100), options.get("pairing", "spatial")
    unlabeled = pool.unlabeled.tolist()
    information, entropies = [], []
    for i in unlabeled:
        mask = learner.probs[i].argmax(-1).tolist()
        table = [
            [
                reference.normalized_mutual_information(
                    learner.pictures[i].flatten().tolist(),
                    mask,
                    learner.pictures[j].flatten().tolist(),
                    pool.labels[k].flatten().tolist(),
                    label,
                    bins,
                    pairing,
                )
                for label in (1, 2, 3)
            ]
            for k, j in enumerate(pool.labeled.tolist())
        ]
        information.append(reference.mean_information(table))
        entropies.append(sum(reference.entropy(p) for p in learner.probs[i].tolist()) / SITES)
    assert information[unlabeled.index(5)] is None
    expected = reference.nmi_entropy(entropies, information, options.get("alpha", 1), options.get("beta", 1))
    found = scores_of(NmiEntropy(**options)(learner, pool, len(unlabeled), generator()))
    assert [found[i] for i in unlabeled] == pytest.approx(expected, abs=1e-5)


@pytest.mark.parametrize("entropy", ["mean", "foreground", "per_foreground"])
def test_uncertainty_over_what_is_asked(entropy: str) -> None:
    """With β = 0 it is the entropy alone, as the plain strategy has it."""
    learner, pool = setting()
    learner.probs[5] = torch.tensor([0.7, 0.1, 0.1, 0.1])  # nothing is found in it
    plain = Uncertainty(uncertainty.entropy, entropy)(learner, pool, 9, generator())  # type: ignore[arg-type]
    ours = NmiEntropy(beta=0, entropy=entropy)(learner, pool, 9, generator())  # type: ignore[arg-type]
    assert ours.indices.tolist() == plain.indices.tolist()
    found = scores_of(plain)
    for index in pool.unlabeled.tolist():
        each = [reference.entropy(p) for p in learner.probs[index].tolist()]
        seen = [p.index(max(p)) != 0 for p in learner.probs[index].tolist()]
        of_seen = [h for h, there in zip(each, seen, strict=True) if there]
        expected = {
            "mean": sum(each) / SITES,
            "foreground": sum(of_seen) / max(len(of_seen), 1),
            "per_foreground": sum(each) / len(of_seen) if of_seen else 0,
        }
        assert found[index] == pytest.approx(expected[entropy], rel=1e-4)


def test_the_parts_of_the_score_and_plain_information() -> None:
    alone = {
        name: scores_of(NmiEntropy(alpha, beta, bins=8)(*setting(), 9, generator()))
        for name, alpha, beta in (("entropy", 1, 0), ("information", 0, 1), ("both", 1, 1))
    }
    for index, score in alone["both"].items():
        assert score == pytest.approx(alone["entropy"][index] + alone["information"][index], abs=1e-6)
    plain = scores_of(NmiEntropy(0, 1, bins=8, information="plain")(*setting(), 9, generator()))
    assert plain != alone["information"]
    assert all(-1 <= score <= 0 for score in plain.values())


def test_chunks_meet_their_own_images(monkeypatch: pytest.MonkeyPatch) -> None:
    learner, pool = setting()
    expected = scores_of(NmiEntropy()(learner, pool, 9, generator()))
    whole = learner.predict

    def in_chunks(indices: Tensor, reduce: Any = None) -> Tensor:
        return torch.cat([whole(part, reduce) for part in indices.split(2)])

    monkeypatch.setattr(learner, "predict", in_chunks)
    assert scores_of(NmiEntropy()(learner, pool, 9, generator())) == expected


def test_takes_what_is_least_like_the_labeled_images() -> None:
    """Of equally uncertain images, a copy of a labeled one comes last."""
    learner, pool = setting(1)
    learner.probs[:] = torch.tensor([0.1, 0.7, 0.1, 0.1])
    pool.labels = torch.ones_like(pool.labels)
    learner.pictures[4] = learner.pictures[7]
    query = NmiEntropy(bins=4)(learner, pool, N - 1, generator())
    assert query.indices.tolist()[-1] == 4
    assert scores_of(query)[4] == -1
    pictures = learner.pictures.flatten(1).numpy()
    alike = [normalized_mutual_information(pictures[i], pictures[7], bins=4) for i in pool.unlabeled]
    assert query.indices[0] == pool.unlabeled[int(np.argmin(alike))]


def test_without_labels_in_common_it_is_entropy() -> None:
    learner, pool = setting()
    entropy = composed_strategy("entropy")(learner, pool, 9, generator())
    pool.labels = torch.zeros_like(pool.labels)
    assert NmiEntropy()(learner, pool, 9, generator()).indices.tolist() == entropy.indices.tolist()
    assert NmiEntropy(beta=0)(*setting(), 9, generator()).indices.tolist() == entropy.indices.tolist()
    assert len(NmiEntropy()(learner, Pool(N), 5, generator())) == 5, "as a first query"


def test_channels_are_averaged() -> None:
    learner = FakeLearner(3, 4)
    learner.pictures = torch.tensor([[10, 0, 255, 7], [20, 1, 255, 7], [31, 1, 255, 7]], dtype=torch.uint8)
    learner.pictures = learner.pictures.view(1, 3, 2, 2)
    assert intensities(learner, torch.tensor([0])).tolist() == [[20, 1, 255, 7]]


@pytest.mark.parametrize(
    "value",
    [
        "alpha=-1",
        "beta=-0.1",
        "beta=inf",
        "bins=1",
        "bins=257",
        "bins=10.5",
        "pairing=ranked",
        "entropy=all",
        "information=none",
    ],
)
def test_bad_values(value: str) -> None:
    key = value.split("=")[0]
    with pytest.raises(InputError, match=rf"strategy\.{key}="):
        Parts(composed("strategy=nmi_entropy", f"strategy.{value}"))("strategy")
