"""Posteriors of a linear head, against covariances written out and fits one by one."""

from functools import partial

import pytest
import torch
from sklearn.linear_model import LogisticRegression
from torch import Tensor

from al_runner.acquisition.bayesian import bald
from al_runner.config.annotations import check_values
from al_runner.errors import InputError
from al_runner.learning.learner import NetworkLearner
from al_runner.learning.linear import Bootstrap, Laplace, LinearHead, LinearLearner, hessian
from al_runner.learning.optimizer import Optimizer
from al_runner.loop.pool import Pool
from al_runner.loop.seeding import Streams
from al_runner.models.alda import alda_cnn
from al_runner.strategies.sampled import BatchBald, Sampled
from tests.learning.features import CPU, clusters, fit, learner, several_labels

EVERYTHING = torch.arange(90)
HEAD = LinearHead(strengths=[0.05])
POSTERIORS = [Laplace(samples=7), Bootstrap(samples=7)]


def seeded(seed: int = 0) -> torch.Generator:
    return torch.Generator().manual_seed(seed)


def fitted(posterior, data=None, n: int = 12, head: LinearHead = HEAD) -> LinearLearner:  # type: ignore[no-untyped-def]
    subject = learner(data or clusters(3), head, posterior=posterior)
    fit(subject, n)
    return subject


def covariance(subject: LinearLearner, n: int) -> tuple[Tensor, Tensor]:
    """The design with a column of ones, and the covariance of all coefficients by the formula."""
    x = subject.scale.apply(subject.features["train"])
    design = torch.cat([x, torch.ones(len(x), 1)], 1)
    probs = subject.predict(EVERYTHING).double()
    classes, width = probs.shape[1], design.shape[1]
    precision = torch.zeros(classes * width, classes * width, dtype=torch.float64)
    for row, p in zip(design[:n], probs[:n], strict=True):
        precision += torch.kron(p.diag() - p.outer(p), row.outer(row))
    prior = torch.full((width,), subject.model.penalty, dtype=torch.float64)
    prior[-1] = 1e-9  # a flat prior of the intercept
    precision += prior.repeat(classes).diag()
    return design, torch.linalg.inv(precision)


def logits_of_samples(subject: LinearLearner, seed: int = 0) -> Tensor:
    """Centered over classes, as probabilities see them: [N, S, C]."""
    posterior = subject.posterior
    assert isinstance(posterior, Laplace | Bootstrap)
    planes = subject.model.as_planes(*posterior.draw(subject.model, seeded(seed)), CPU.device)
    logits = planes.logits(subject.features["train"]).squeeze(2).double()
    return logits - logits.mean(-1, keepdim=True)


@pytest.mark.parametrize("direct", [10**6, 0], ids=["factorized", "products"])
def test_laplace_has_the_covariance_of_the_formula(direct: int, monkeypatch: pytest.MonkeyPatch) -> None:
    """With fewer labels than features: part of it is the prior's alone."""
    monkeypatch.setattr(hessian, "DIRECT", direct)
    subject = fitted(Laplace(samples=20_000))
    design, inverse = covariance(subject, 12)
    found = logits_of_samples(subject)
    center = torch.eye(3, dtype=torch.float64) - 1 / 3
    for i, j in ((0, 0), (20, 20), (20, 50), (80, 80)):  # labeled, and not
        jacobian = [torch.kron(center, design[k][None]) for k in (i, j)]
        expected = jacobian[0] @ inverse @ jacobian[1].T
        one, other = (found[k] - found[k].mean(0) for k in (i, j))
        torch.testing.assert_close(
            one.T @ other / len(one), expected, rtol=0.06, atol=0.06 * float(expected.abs().max())
        )


def test_both_ways_to_solve_draw_the_same_models(monkeypatch: pytest.MonkeyPatch) -> None:
    for data in (clusters(2), clusters(4), several_labels()):
        subject = fitted(Laplace(samples=5), data, 30)
        directly = subject.sample(EVERYTHING, seeded())
        with monkeypatch.context() as patched:
            patched.setattr(hessian, "DIRECT", 0)
            torch.testing.assert_close(subject.sample(EVERYTHING, seeded()), directly, rtol=0, atol=1e-5)


def test_laplace_of_two_classes_is_that_of_a_sigmoid() -> None:
    subject = fitted(Laplace(samples=20_000), clusters(2))
    x = subject.scale.apply(subject.features["train"])
    design = torch.cat([x, torch.ones(len(x), 1)], 1)
    p = subject.predict(EVERYTHING)[:, 1].double()
    prior = torch.full((21,), subject.model.penalty, dtype=torch.float64)
    prior[-1] = 1e-9
    precision = (design[:12].T * (p * (1 - p))[:12]) @ design[:12] + prior.diag()
    expected = torch.einsum("nd,de,ne->n", design, torch.linalg.inv(precision), design)
    planes = subject.model.as_planes(*Laplace(samples=20_000).draw(subject.model, seeded()), CPU.device)
    found = planes.logits(subject.features["train"]).flatten(1).double().var(1)
    torch.testing.assert_close(found, expected, rtol=0.06, atol=0)


def test_a_bootstrap_is_a_fit_with_random_weights() -> None:
    subject = fitted(Bootstrap(samples=4), clusters(3), 40)
    weights = -torch.log1p(-torch.rand(4, 40, generator=seeded(), dtype=torch.float64))
    x = subject.scale.apply(subject.features["train"]).numpy()
    y = subject.dataset.train.targets.numpy()
    for place, drawn in enumerate(weights / weights.mean(1, keepdim=True)):
        model = LogisticRegression(C=0.05, tol=1e-10, max_iter=10_000).fit(x[:40], y[:40], drawn.numpy())
        expected = torch.from_numpy(model.predict_proba(x)).float()
        found = subject.sample(EVERYTHING, seeded())[:, place]
        torch.testing.assert_close(found, expected, rtol=0, atol=1e-3)


@pytest.mark.parametrize("posterior", POSTERIORS, ids=["laplace", "bootstrap"])
@pytest.mark.parametrize("data", [clusters(2), clusters(3), several_labels()], ids=["two", "three", "labels"])
def test_a_sample_is_one_model_for_all_indices(data, posterior) -> None:  # type: ignore[no-untyped-def]
    subject = fitted(posterior, data, 30)
    whole, some = subject.sample(EVERYTHING, seeded()), torch.tensor([7, 3, 89, 0])
    torch.testing.assert_close(subject.sample(some, seeded()), whole[some])
    assert not torch.equal(subject.sample(some, seeded(1)), whole[some])
    sites = () if data[0].train.targets.ndim == 1 else (4,)
    assert whole.shape == (90, *sites, 7, subject.predict(EVERYTHING).shape[-1])
    torch.testing.assert_close(whole.sum(-1), torch.ones_like(whole[..., 0]))
    noisy = subject.sample_with_noise(some, seeded(), lambda probs, noise: probs)
    torch.testing.assert_close(noisy, whole[some])


@pytest.mark.parametrize("posterior", POSTERIORS, ids=["laplace", "bootstrap"])
def test_classes_without_labels_stay_what_they_are(posterior) -> None:  # type: ignore[no-untyped-def]
    data = clusters(4)
    two = (data[0].train.targets < 2).nonzero().squeeze(1)[:10]
    subject = learner(data, posterior=posterior)
    fit(subject, two)
    samples = subject.sample(EVERYTHING, seeded())
    assert samples[..., 2:].unique().tolist() == pytest.approx([1 / 14])
    assert samples[..., 0].std(1).min() > 0
    fit(subject, two[data[0].train.targets[two] == 1])
    assert bald(subject.sample(EVERYTHING, seeded())).abs().max() < 1e-6, "one class: nothing to disagree on"


@pytest.mark.parametrize("posterior", [Laplace(), Bootstrap()], ids=["laplace", "bootstrap"])
def test_models_agree_the_more_the_more_labels_there_are(posterior) -> None:  # type: ignore[no-untyped-def]
    few, many = (fitted(posterior, clusters(2), n) for n in (12, 80))
    before, after = (bald(each.sample(EVERYTHING[80:], seeded())) for each in (few, many))
    assert before.min() >= 0
    assert after.mean() < 0.7 * before.mean()


@pytest.mark.parametrize("posterior", POSTERIORS, ids=["laplace", "bootstrap"])
def test_strategies_that_sample(posterior) -> None:  # type: ignore[no-untyped-def]
    subject, pool = fitted(posterior), Pool(90)
    for strategy in (Sampled(bald), BatchBald(100)):
        assert len(set(strategy(subject, pool, 5, seeded()).indices.tolist())) == 5


@pytest.mark.parametrize("posterior", [Laplace(), Bootstrap()], ids=["laplace", "bootstrap"])
def test_a_network_is_not_sampled_so(posterior) -> None:  # type: ignore[no-untyped-def]
    assert posterior.can_sample
    assert (posterior.members, posterior.learns_noise) == (1, False)
    recipe = Optimizer(algorithm=torch.optim.AdamW, lr=1e-3, batch_size=4)
    network = partial(alda_cnn, width=2)
    with pytest.raises(InputError, match="posterior=mc_dropout or posterior=ensemble"):
        NetworkLearner(clusters()[0], network, recipe, CPU, Streams(0), posterior=posterior)
    with pytest.raises(InputError, match="posterior=mc_dropout or posterior=ensemble"):
        posterior.sampling(torch.nn.Identity(), seeded())


@pytest.mark.parametrize("kind", [Laplace, Bootstrap])
def test_two_samples_at_least(kind) -> None:  # type: ignore[no-untyped-def]
    with pytest.raises(InputError, match=r"posterior\.samples=1"):
        check_values(kind, {"samples": 1}, "posterior")
