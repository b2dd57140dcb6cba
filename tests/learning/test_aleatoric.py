"""The noise that a network learns: its loss, its variance, what a strategy gets of it."""

from functools import partial
from pathlib import Path

import pytest
import torch
import torch.nn.functional as F
from torch import Tensor, nn

from al_runner.acquisition.bayesian import bald, predictive_variance
from al_runner.config.annotations import check_values
from al_runner.data.dataset import Dataset, Split, normalize
from al_runner.data.tasks import Binary, MultiClass, MultiLabel
from al_runner.errors import InputError
from al_runner.learning import machine as machine_module
from al_runner.learning.aleatoric import SCORING_DRAWS, TRAINING_DRAWS, NoisyLogits, noise_variance, parts
from al_runner.learning.learner import NetworkLearner
from al_runner.learning.posterior import Ensemble, McDropout
from al_runner.loop.pool import Pool
from al_runner.strategies.sampled import Sampled
from tests import reference
from tests.learning.test_learner import EVERYTHING, adamw, fit, learner, step, weights
from tests.learning.test_posterior import Frozen, branching, generator
from tests.segmentation import disks, tiny_unet

NOISY = McDropout(6, 0.4, aleatoric=True)


def both(probs: Tensor, aleatoric: Tensor | None) -> Tensor:
    """What a strategy gets, side by side."""
    assert aleatoric is not None
    return torch.cat([probs, aleatoric.unsqueeze(-1)], -1)


def noise_of(subject: NetworkLearner, indices: Tensor, seed: int = 0) -> Tensor:
    """[n, K] or [n, sites, K]."""
    return subject.sample_with_noise(indices, generator(seed), both)[..., -1]


def eq_12(logits: Tensor, deviation: Tensor, noise: Tensor, targets: Tensor) -> Tensor:
    """−1/n Σ_i log 1/J Σ_j exp(x_ijc − log Σ_c' exp x_ijc'), x_ij = f_i + σ_i ε_ij, c the class of i."""
    total = 0.0
    for i, c in enumerate(targets.tolist()):
        likelihood = 0.0
        for eps in noise[:, i]:
            x = logits[i] + deviation[i] * eps
            likelihood += float(torch.exp(x[c] - torch.log(torch.exp(x).sum())))
        total -= float(torch.log(torch.tensor(likelihood / len(noise), dtype=torch.float64)))
    return torch.tensor(total / len(targets), dtype=torch.float64)


def test_the_training_loss_is_that_of_equation_12() -> None:
    outputs = 3 * torch.randn(9, 8, generator=generator(), dtype=torch.float64)
    targets = torch.randint(4, (9,), generator=generator())
    network = NoisyLogits(Frozen(torch.ones(1, dtype=torch.float64)), MultiClass(4).mixture)
    torch.manual_seed(5)
    loss = MultiClass(4).loss(network.train()(outputs), targets)
    torch.manual_seed(5)
    noise = torch.randn(TRAINING_DRAWS, 9, 4, dtype=torch.float64)
    expected = eq_12(outputs[:, :4], F.softplus(outputs[:, 4:]), noise, targets)
    torch.testing.assert_close(loss, expected, rtol=0, atol=1e-12)
    assert torch.equal(network.eval()(outputs), outputs[:, :4]), "noise is off"


TASKS = {
    "one_of_3": MultiClass(3),
    "two": Binary(),
    "one_logit": Binary(one_logit=True),
    "labels": MultiLabel(3),
}


@pytest.mark.parametrize("task", TASKS.values(), ids=TASKS)
def test_a_mixture_predicts_the_mean(task: MultiClass | MultiLabel) -> None:
    logits = 4 * torch.randn(7, 5, task.n_outputs, generator=generator())
    mean = torch.stack([task.probabilities(each) for each in logits]).mean(0)
    torch.testing.assert_close(task.probabilities(task.mixture(logits)), mean)
    targets = torch.ones(5, 3) if isinstance(task, MultiLabel) else torch.ones(5, dtype=torch.int64)
    certain = 1000 * logits  # the mean of probabilities is 0 in float32
    certain.requires_grad_()
    loss = task.loss(task.mixture(certain), targets)
    loss.backward()
    assert loss.isfinite()
    assert certain.grad is not None
    assert certain.grad.isfinite().all()


def test_sites_have_mixtures_of_their_own() -> None:
    masks = disks((4, 1, 1))
    logits = torch.randn(5, 4, 2, 16, 16, generator=generator())
    mean = torch.stack([masks.task.probabilities(each) for each in logits]).mean(0)
    torch.testing.assert_close(masks.task.probabilities(masks.task.mixture(logits)), mean)


def test_the_variance_by_noise_is_that_of_its_draws() -> None:
    logits, spread = torch.randn(2, 5, 3, 4, generator=generator(), dtype=torch.float64).unbind()
    draws, deviation = torch.randn(30, 4, generator=generator(1), dtype=torch.float64), spread.exp()
    ours = noise_variance(logits, deviation, draws, lambda logits: logits.softmax(-1))
    for i in range(5):
        for k in range(3):
            drawn = [(logits[i, k] + deviation[i, k] * eps).softmax(0) for eps in draws]
            variance = torch.stack(drawn).var(0, correction=0).mean()
            torch.testing.assert_close(ours[i, k], variance, rtol=0, atol=1e-12)
    without = noise_variance(logits, 0 * deviation, draws, lambda logits: logits.softmax(-1))
    assert without.abs().max() < 1e-30


def test_a_strategy_gets_equation_3(small: Dataset) -> None:
    """Of whole passes with the draws of the dropouts and of the noise, two classes, one output ŷ."""
    splits = {name: Split(split.images, (split.targets > 0).long()) for name, split in small.splits.items()}
    subject = learner(Dataset("two", splits, Binary(), "none"), build=branching, posterior=NOISY)
    fit(subject, step())
    found = generator(3)
    noise = torch.randn(SCORING_DRAWS, 2, generator=found)
    dropped = subject.sample(EVERYTHING, found)[..., 1]  # the dropouts' draws come after those of the noise
    ours = subject.sample_with_noise(EVERYTHING, generator(3), both)
    torch.testing.assert_close(ours[..., 1], dropped)

    inner = subject.network.network
    images, outputs = normalize(small.train.images), []
    handle = inner.register_forward_hook(lambda _module, _inputs, output: outputs.append(output))
    found = generator(3)
    torch.randn(SCORING_DRAWS, 2, generator=found)
    subject.sample(EVERYTHING, found)
    handle.remove()
    assert len(images) == 60
    logits, deviation = parts(torch.cat(outputs).unflatten(0, (60, 6)).double(), 2)
    scores = Sampled(predictive_variance)(subject, Pool(60), 60, generator(3))
    assert scores.scores is not None
    for index, score in zip(scores.indices.tolist(), scores.scores.tolist(), strict=True):
        drawn = (logits[index] + deviation[index] * noise.double()[:, None]).softmax(-1)[..., 1]
        variances = drawn.var(0, correction=0).tolist()
        expected = reference.predictive_variance(logits[index].softmax(-1)[:, 1].tolist(), variances)
        assert score == pytest.approx(expected, rel=1e-4)
        assert max(variances) > 1e-4


def test_noisy_labels_are_learned_as_noise() -> None:
    """Dark images have their class's labels, bright ones random labels: there, the noise is larger."""
    n = 600
    torch.manual_seed(0)
    bright = torch.arange(n) % 2
    images = (60 + 130 * bright[:, None, None, None] + 20 * torch.randn(n, 1, 12, 12)).clamp(0, 255)
    side = torch.randint(2, (n,))
    images[side == 0, :, :, :6] += 40
    images[side == 1, :, :, 6:] += 40
    targets = torch.where(bright == 1, torch.randint(2, (n,)), side)
    split = Split(images.clamp(0, 255).to(torch.uint8), targets)
    dataset = Dataset("noisy", dict.fromkeys(("train", "val", "test"), split), Binary(), "none")

    def build(in_channels: int, n_outputs: int, image_size: tuple[int, ...]) -> nn.Module:
        return nn.Sequential(
            nn.Flatten(), nn.Linear(144, 16), nn.ReLU(), nn.Dropout(0.1), nn.Linear(16, n_outputs)
        )

    subject = learner(dataset, build=build, posterior=McDropout(8, aleatoric=True), recipe=adamw(lr=3e-3))
    before = noise_of(subject, torch.arange(n)).mean(1)
    fit(subject, step(epochs=15), n)
    noise = noise_of(subject, torch.arange(n)).mean(1)
    assert noise[bright == 1].mean() > 2 * noise[bright == 0].mean()
    assert noise[bright == 0].mean() < before[bright == 0].mean()


def test_the_noise_is_the_same_however_samples_are_batched(
    small: Dataset, monkeypatch: pytest.MonkeyPatch
) -> None:
    subject = learner(small, build=branching, posterior=NOISY)
    expected = noise_of(subject, EVERYTHING)
    assert expected.shape == (60, 6)
    monkeypatch.setattr(machine_module, "CHUNK_NUMBERS", 1)  # chunks of 4
    torch.testing.assert_close(noise_of(subject, EVERYTHING), expected)
    order = torch.randperm(60, generator=generator(1))
    torch.testing.assert_close(noise_of(subject, order), expected[order])
    assert not torch.equal(noise_of(subject, EVERYTHING, seed=9), expected)


def test_predictions_embeddings_and_other_strategies_are_without_noise(small: Dataset) -> None:
    subject = learner(small, posterior=NOISY)
    fit(subject, step())
    predicted, measured = subject.predict(EVERYTHING), subject.evaluate().metrics
    assert predicted.shape == (60, 3)
    assert subject.embed(EVERYTHING).shape == learner(small).embed(EVERYTHING).shape
    noise_of(subject, EVERYTHING)
    assert torch.equal(subject.predict(EVERYTHING), predicted), "off again"
    assert subject.evaluate().metrics == measured
    scores = bald(subject.sample(EVERYTHING, generator()))
    query = Sampled(bald)(subject, Pool(60), 60, generator())
    assert query.scores is not None
    assert torch.equal(query.scores, scores[query.indices])


@pytest.mark.parametrize("posterior", [McDropout(6), Ensemble(2)], ids=["mc_dropout", "ensemble"])
def test_where_no_noise_is_learned_the_variance_is_that_of_the_samples(
    small: Dataset, posterior: McDropout | Ensemble
) -> None:
    subject = learner(small, posterior=posterior)
    query = Sampled(predictive_variance)(subject, Pool(60), 60, generator(2))
    expected = predictive_variance(subject.sample(EVERYTHING, generator(2)))
    assert query.scores is not None
    assert torch.equal(query.scores, expected[query.indices])


def test_sites_come_before_samples(small: Dataset) -> None:
    subject = learner(disks(), build=tiny_unet, posterior=NOISY)
    fit(subject, step(epochs=1))
    assert noise_of(subject, torch.arange(2)).shape == (2, 256, 6)
    splits = {name: Split(split.images, torch.ones(len(split), 4)) for name, split in small.splits.items()}
    labels = learner(Dataset("labels", splits, MultiLabel(4), "none"), posterior=NOISY)
    fit(labels, step(epochs=1))
    noise = noise_of(labels, torch.arange(5))
    assert noise.shape == (5, 4, 6)
    assert noise.min() > 0
    assert noise.max() <= 0.25


def test_goes_on_from_a_checkpoint(small: Dataset, tmp_path: Path) -> None:
    whole, first, second = (learner(small, posterior=NOISY) for _ in range(3))
    torch.manual_seed(7)  # nobody's business
    for subject in (whole, first):
        fit(subject, step(0))
    first.save(tmp_path / "x.pt")
    second.load(tmp_path / "x.pt")
    for subject in (whole, second):
        fit(subject, step(1, reset=False))
    assert torch.equal(weights(whole), weights(second))
    assert torch.equal(noise_of(whole, EVERYTHING), noise_of(second, EVERYTHING))


def test_not_asked_for_is_as_it_was(small: Dataset) -> None:
    plain, off = (
        learner(small, posterior=McDropout(6, 0.4)),
        learner(small, posterior=McDropout(6, 0.4, False)),
    )
    assert list(plain.network.state_dict()) == list(off.network.state_dict())
    assert not any("network" in name for name in off.network.state_dict())


def test_bad_values() -> None:
    with pytest.raises(InputError, match=r"posterior\.aleatoric=1 must be true or false"):
        check_values(McDropout, {"aleatoric": 1}, "posterior")
    with pytest.raises(TypeError):
        partial(Ensemble, aleatoric=True)()
