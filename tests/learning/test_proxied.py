"""A learner with a proxy is two learners, of which one is measured and the other is asked."""

from dataclasses import replace
from functools import partial
from pathlib import Path

import pytest
import torch
from torch import Tensor

from al_runner.data.dataset import Dataset, Split
from al_runner.data.tasks import Binary
from al_runner.errors import InputError
from al_runner.learning.learner import NetworkLearner
from al_runner.learning.posterior import McDropout
from al_runner.learning.proxied import ProxiedLearner
from al_runner.loop.schedule import Round
from al_runner.loop.seeding import Streams
from al_runner.models.alda import alda_cnn
from al_runner.models.saliency.gradients import Gradient
from tests.learning.test_learner import CPU, adamw, step, weights
from tests.segmentation import disks, tiny_unet

SOME, OTHERS = torch.tensor([3, 8, 21, 5, 30, 2]), torch.tensor([1, 7, 9])


def sides(masks: Dataset) -> Dataset:
    """Of the same samples at half the size: whether the disk is large."""

    def of(split: Split) -> Split:
        large = (split.targets.flatten(1).sum(1) > 30).long()
        return Split(split.images[..., ::2, ::2].contiguous(), large)

    return Dataset("sides", {name: of(split) for name, split in masks.splits.items()}, Binary(), "sides")


def main(**options: object) -> NetworkLearner:
    return NetworkLearner(disks(), tiny_unet, adamw(), CPU, Streams(0), **options)  # type: ignore[arg-type]


def proxy(**options: object) -> NetworkLearner:
    options = {"recipe": adamw(), "posterior": McDropout(3), "machine": CPU, **options}
    network = partial(alda_cnn, width=2)
    return NetworkLearner(sides(disks()), network, streams=Streams(0, "proxy"), **options)  # type: ignore[arg-type]


def fitted(subject: NetworkLearner, step: Round, indices: Tensor = SOME) -> dict[str, float]:
    return dict(subject.fit(indices, subject.dataset.train.targets[indices], step))


def both(**options: object) -> ProxiedLearner:
    return ProxiedLearner(main(**options), proxy(), epochs=5)


def fit(subject: ProxiedLearner, step: Round) -> dict[str, float]:
    return dict(subject.fit(SOME, subject.main.dataset.train.targets[SOME], step))


def test_each_is_trained_and_measured_as_it_would_be_alone() -> None:
    subject, segments, classifies = both(), main(), proxy()
    plan = replace(step(epochs=2), record_max="val/dice", agreement=10)
    found = fit(subject, plan)
    of_main, of_proxy = fitted(segments, plan), fitted(classifies, step(epochs=5))
    assert found == {**of_main, "proxy_train/loss": of_proxy["train/loss"]}
    assert torch.equal(weights(subject.main), weights(segments))
    assert torch.equal(weights(subject.proxy), weights(classifies))
    measured, pool = subject.evaluate(OTHERS), segments.evaluate(OTHERS)
    own = classifies.evaluate()
    names = {f"proxy_{key}": value for key, value in own.metrics.items()}
    assert measured.metrics == {**pool.metrics, **names}
    assert measured.metrics["proxy_test/accuracy"] == own.metrics["test/accuracy"]
    assert set(measured.arrays) == set(pool.arrays) | {"proxy_confusion_val", "proxy_confusion_test"}


def test_the_proxy_answers() -> None:
    subject = both()
    fit(subject, step(epochs=1))
    asked = subject.proxy

    def draw() -> torch.Generator:
        return torch.Generator().manual_seed(4)

    assert torch.equal(subject.predict(OTHERS), asked.predict(OTHERS))
    assert subject.predict(OTHERS).shape == (3, 2)
    assert torch.equal(subject.predict(OTHERS, lambda probs: probs[:, 0]), asked.predict(OTHERS)[:, 0])
    assert torch.equal(subject.sample(OTHERS, draw()), asked.sample(OTHERS, draw()))
    noisy = subject.sample_with_noise(OTHERS, draw(), lambda probs, _: probs)
    assert torch.equal(noisy, asked.sample(OTHERS, draw()))
    assert torch.equal(subject.embed(OTHERS), asked.embed(OTHERS))
    maps = subject.saliency(OTHERS, Gradient())
    assert torch.equal(maps, asked.saliency(OTHERS, Gradient()))
    assert subject.images(OTHERS).shape == (3, 1, 8, 8)


def test_worth_is_that_of_the_proxys_own_labels() -> None:
    subject = both()
    fit(subject, step(epochs=3))
    masks, sizes = subject.main.dataset.train.targets, subject.proxy.dataset.train.targets
    before = weights(subject.main), weights(subject.proxy)
    found = subject.worth(OTHERS, masks[OTHERS], SOME, masks[SOME], step(1), 2)
    expected = subject.proxy.worth(OTHERS, sizes[OTHERS], SOME, sizes[SOME], step(1), 2)
    assert torch.equal(found, expected)
    assert found.isfinite().all()
    assert torch.equal(before[0], weights(subject.main))
    assert torch.equal(before[1], weights(subject.proxy))


@pytest.mark.parametrize("warm", [True, False])
def test_a_state_goes_on_to_the_bit(warm: bool, tmp_path: Path) -> None:
    there, resumed = (ProxiedLearner(main(warm=warm), proxy(warm=warm), 2) for _ in range(2))
    fit(there, step(epochs=2))
    there.save(tmp_path / "checkpoint.pt")
    resumed.load(tmp_path / "checkpoint.pt")
    assert torch.equal(there.predict(OTHERS), resumed.predict(OTHERS))
    for subject in (there, resumed):
        fit(subject, step(1, epochs=2, reset=not warm))
    assert torch.equal(weights(there.main), weights(resumed.main))
    assert torch.equal(weights(there.proxy), weights(resumed.proxy))


def test_a_final_model_leaves_the_proxy_as_it_was() -> None:
    subject = both()
    fit(subject, step(epochs=1))
    before, measured = weights(subject.proxy), subject.evaluate().metrics
    found = fit(subject, Round(1, 0, 2, True, True, final=True))
    assert "proxy_train/loss" not in found
    assert torch.equal(before, weights(subject.proxy))
    after = subject.evaluate().metrics
    assert {key for key in after if after[key] != measured[key]} == {
        key for key in after if not key.startswith("proxy_")
    }


def test_one_class_in_the_labeled_set() -> None:
    subject = both()
    large = subject.proxy.dataset.train.targets.nonzero().squeeze(1)[:6]
    found = subject.fit(large, subject.main.dataset.train.targets[large], step(epochs=10))
    assert 0 <= found["proxy_train/loss"] < 1
    assert subject.predict(OTHERS).isfinite().all()


def test_a_proxy_that_diverges_says_that_it_is_the_proxy() -> None:
    subject = ProxiedLearner(main(), proxy(recipe=adamw(lr=1e30)), 3)
    with pytest.raises(
        InputError, match=r"in proxy: round 0, .* not finite; lower optimizer.lr \(now 1e\+30"
    ):
        fit(subject, step())
