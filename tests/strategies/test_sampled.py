"""Strategies over samples of the model, and perturbed scores."""

from functools import partial
from types import SimpleNamespace

import pytest
import torch

from al_runner.acquisition.bayesian import bald, mc_entropy
from al_runner.acquisition.uncertainty import entropy
from al_runner.errors import InputError
from al_runner.learning.posterior import McDropout
from al_runner.loop.pool import Pool
from al_runner.strategies.diversity import KMeans
from al_runner.strategies.sampled import BatchBald, Sampled
from al_runner.strategies.stochastic import Stochastic
from al_runner.strategies.uncertainty import Uncertainty
from tests.composing import composed
from tests.data.test_transforms import dataset_of, images
from tests.learning.test_learner import learner
from tests.strategies.fake import FakeLearner
from tests.strategies.test_strategies import generator, pool_of


@pytest.mark.parametrize("acquisition", [bald, mc_entropy])
def test_queries_the_highest_scores_over_samples(acquisition) -> None:  # type: ignore[no-untyped-def]
    subject, pool = FakeLearner(50), pool_of(50, 10)
    query = Sampled(acquisition)(subject, pool, 5, generator())
    scores = acquisition(subject.sample(torch.arange(50), generator()))
    assert query.scores is not None
    torch.testing.assert_close(query.scores, scores[10:].sort(descending=True).values[:5])
    torch.testing.assert_close(scores[query.indices], query.scores)


def test_many_sites_are_reduced_after_the_samples_are() -> None:
    subject = FakeLearner(30, sites=6)
    query = Sampled(bald, "max")(subject, Pool(30), 4, generator())
    scores = bald(subject.sample(torch.arange(30), generator())).amax(1)
    assert query.indices.tolist() == scores.argsort(descending=True)[:4].tolist()


def test_batchbald_does_not_take_duplicates_where_bald_does() -> None:
    subject = FakeLearner(20)
    scores = bald(subject.sample(torch.arange(20), generator()))
    best = int(scores.argmax())
    subject.probs[[(best + 1) % 20, (best + 2) % 20]] = subject.probs[best].clone()
    alike = {best, (best + 1) % 20, (best + 2) % 20}
    assert set(Sampled(bald)(subject, Pool(20), 3, generator()).indices.tolist()) == alike
    subject.noise = subject.noise * 10  # passes that are sure: a duplicate says nothing new
    query = BatchBald()(subject, Pool(20), 3, generator())
    assert len(alike & set(query.indices.tolist())) < 3


def test_one_network_is_refused_with_what_to_do() -> None:
    subject = learner(dataset_of(images(12)))
    with pytest.raises(InputError, match="posterior=mc_dropout"):
        Sampled(bald)(subject, Pool(12), 3, generator())


def test_the_same_query_in_whatever_order_the_pool_is(monkeypatch: pytest.MonkeyPatch) -> None:
    """With a network: a draw of its dropouts is the same for all samples."""
    subject = learner(dataset_of(images(30)), posterior=McDropout(8))
    expected = Sampled(bald)(subject, Pool(30), 6, generator()).indices.tolist()
    order = torch.randperm(30, generator=generator(5))
    monkeypatch.setattr(Pool, "unlabeled", property(lambda self: order))
    assert Sampled(bald)(subject, Pool(30), 6, generator()).indices.tolist() == expected


def test_a_strategy_brings_its_posterior_and_the_command_line_wins() -> None:
    def posterior(*overrides: str) -> str:
        return str(composed(*overrides).posterior._target_).rpartition(".")[2]

    assert posterior() == posterior("strategy=entropy") == "Point"
    assert posterior("strategy=bald") == posterior("strategy=power_bald") == "McDropout"
    assert posterior("strategy=committee_kl") == "Ensemble"
    assert posterior("strategy=bald", "posterior=ensemble") == "Ensemble"
    assert posterior("strategy=reversed", "strategy@strategy.strategy=bald") == "McDropout"
    assert posterior("experiment=alda/4_active", "strategy=batchbald") == "McDropout"


@pytest.mark.parametrize(("perturb", "weights"), [
    ("power", [0.5, 0.3, 0.2]), ("softmax", [0.391, 0.322, 0.287]), ("rank", [6 / 11, 3 / 11, 2 / 11]),
])  # fmt: skip
def test_the_first_pick_is_drawn_by_its_weight(perturb: str, weights: list[float]) -> None:
    """Gumbel-max: P(first = i) = w_i / Σ w, with w = s, exp(s) or 1/rank."""
    subject = FakeLearner(3)
    subject.probs = torch.tensor([[0.5, 0.5], [0.7, 0.3], [0.8, 0.2]])
    strategy = Stochastic(Uncertainty(lambda probs: probs[..., 1]), perturb)
    counts = torch.zeros(3)
    for seed in range(3000):
        counts[strategy(subject, Pool(3), 1, generator(seed)).indices] += 1
    assert (counts / 3000 - torch.tensor(weights)).abs().max() < 5 * (0.25 / 3000) ** 0.5


def test_much_beta_is_no_noise() -> None:
    subject, pool = FakeLearner(50), pool_of(50, 10)
    expected = Uncertainty(entropy)(subject, pool, 8, generator()).indices.tolist()
    for perturb in ("power", "softmax"):
        query = Stochastic(Uncertainty(entropy), perturb, beta=1e9)(subject, pool, 8, generator())
        assert query.indices.tolist() == expected


def test_a_strategy_without_scores_has_nothing_to_perturb() -> None:
    with pytest.raises(InputError, match="no scores"):
        Stochastic(KMeans())(FakeLearner(20), Pool(20), 3, generator())


def test_a_slow_batchbald_says_so_once(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    strategy = BatchBald(50)
    ask = partial(strategy, FakeLearner(60), pool_of(60, 10), 4)
    quick = ask(generator())
    assert not capsys.readouterr().err
    clock = iter(range(0, 10_000, 15))
    monkeypatch.setattr("al_runner.strategies.sampled.time", SimpleNamespace(monotonic=lambda: next(clock)))
    slow = [ask(generator()) for _ in range(2)]
    (line,) = capsys.readouterr().err.splitlines()
    assert line.startswith("al-run: batchbald has chosen 2 of 4 samples in 30 s: with 4 classes, it")
    assert all(query.indices.equal(quick.indices) for query in slow)
