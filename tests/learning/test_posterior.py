"""Samples of a model: dropout and ensembles, through the learner."""

from collections.abc import Callable
from functools import partial
from pathlib import Path

import pytest
import torch
from torch import Tensor, nn

from al_runner.config.annotations import check_values
from al_runner.data.dataset import Dataset, Split
from al_runner.data.tasks import MultiLabel
from al_runner.errors import InputError
from al_runner.learning import machine as machine_module
from al_runner.learning.dropout import add_dropout, dropouts
from al_runner.learning.learner import NetworkLearner
from al_runner.learning.posterior import Ensemble, McDropout, Point
from al_runner.models.alda import alda_cnn
from al_runner.models.vision import densenet, resnet, vgg
from al_runner.models.volumes import resnet as resnet_3d
from tests.learning.test_learner import EVERYTHING, fit, learner, step, weights
from tests.segmentation import disks, tiny_unet


def generator(seed: int = 0) -> torch.Generator:
    return torch.Generator().manual_seed(seed)


def branching(in_channels: int, n_outputs: int, image_size: tuple[int, ...]) -> nn.Module:
    """Dropouts of all kinds, one after the other."""
    return nn.Sequential(
        nn.Conv2d(in_channels, 4, 3, padding=1), nn.Dropout2d(0.3), nn.ReLU(), nn.MaxPool2d(2),
        nn.Conv2d(4, 6, 3, padding=1), nn.BatchNorm2d(6), nn.ReLU(), nn.Flatten(), nn.Dropout(0.5),
        nn.Linear(6 * (image_size[0] // 2) * (image_size[1] // 2), 8), nn.ReLU(), nn.Dropout(0.2),
        nn.Linear(8, n_outputs),
    )  # fmt: skip


class Frozen(nn.Module):
    """A dropout whose draw is given."""

    def __init__(self, mask: Tensor) -> None:
        super().__init__()
        self.mask = mask

    def forward(self, features: Tensor) -> Tensor:
        return features * self.mask


def one_by_one(subject: NetworkLearner, samples: int, seed: int) -> Tensor:
    """The slow twin: for each draw, a network whose dropouts are replaced by it, and a whole pass."""
    recorded: dict[nn.Module, Tensor] = {}
    draws, layers = generator(seed), dropouts(subject.network)
    probe = subject.dataset.train.images[:1].float()
    hooks = [layer.register_forward_hook(lambda m, i, _: recorded.update({m: i[0][0]})) for layer in layers]
    subject.network.eval()
    with torch.inference_mode():
        subject.network(probe)
    for hook in hooks:
        hook.remove()
    masks = {}
    for layer in recorded:  # in the order in which they are passed
        features, p = recorded[layer], layer.p
        shape = features.shape if isinstance(layer, nn.Dropout) else (len(features), 1, 1)
        masks[layer] = (torch.rand(samples, *shape, generator=draws) >= p).float() / (1 - p)
    names = {module: name for name, module in subject.network.named_modules()}
    found = []
    for k in range(samples):
        for layer, mask in masks.items():
            subject.network.set_submodule(names[layer], Frozen(mask[k]))
        found.append(subject.predict(EVERYTHING))
        for layer in masks:
            subject.network.set_submodule(names[layer], layer)
    return torch.stack(found, 1)


@pytest.mark.parametrize("build", [partial(alda_cnn, width=8), branching])
def test_dropout_samples_are_those_of_whole_passes(small: Dataset, build: Callable[..., nn.Module]) -> None:
    subject = learner(small, build=build, posterior=McDropout(7, 0.4))
    fit(subject, step())
    ours = subject.sample(EVERYTHING, generator(3))
    assert ours.shape == (60, 7, 3)
    torch.testing.assert_close(ours, one_by_one(subject, 7, 3))
    assert ours.std(1).max() > 1e-3


@pytest.mark.parametrize("build", [branching, partial(resnet, name="resnet18", base_width=4)])
def test_dropout_in_all_layers_is_that_of_whole_passes(
    small: Dataset, build: Callable[..., nn.Module], monkeypatch: pytest.MonkeyPatch
) -> None:
    subject = learner(small, build=build, posterior=McDropout(4, 0.3, layers="all"))
    fit(subject, step())
    weighted = [m for m in subject.network.modules() if isinstance(m, nn.Conv2d | nn.Linear)]
    assert len(dropouts(subject.network)) == len(weighted) - 1
    assert {layer.p for layer in dropouts(subject.network)} == {0.3}
    ours = subject.sample(EVERYTHING, generator(3))
    torch.testing.assert_close(ours, one_by_one(subject, 4, 3))
    assert ours.std(1).max() > 1e-3
    monkeypatch.setattr(machine_module, "CHUNK_NUMBERS", 1)  # chunks of 4
    torch.testing.assert_close(subject.sample(EVERYTHING, generator(3)), ours)


def test_a_network_of_one_layer_has_nothing_to_put_a_dropout_between(small: Dataset) -> None:
    def flat(in_channels: int, n_outputs: int, image_size: tuple[int, ...]) -> nn.Module:
        return nn.Sequential(nn.Flatten(), nn.Linear(in_channels * image_size[0] * image_size[1], n_outputs))

    with pytest.raises(ValueError, match="fewer than two layers"):
        learner(small, build=flat, posterior=McDropout(layers="all"))


def test_a_draw_is_the_same_for_all_images_however_they_are_batched(
    small: Dataset, monkeypatch: pytest.MonkeyPatch
) -> None:
    subject = learner(small, build=branching, posterior=McDropout(5))
    expected = subject.sample(EVERYTHING, generator())
    monkeypatch.setattr(machine_module, "CHUNK_NUMBERS", 1)  # chunks of 4
    torch.testing.assert_close(subject.sample(EVERYTHING, generator()), expected)
    order = torch.randperm(60, generator=generator(1))
    torch.testing.assert_close(subject.sample(order, generator()), expected[order])
    assert not torch.equal(subject.sample(EVERYTHING, generator(9)), expected)


def test_sampling_leaves_the_learner_and_the_global_generator_as_they_were(small: Dataset) -> None:
    subject = learner(small, posterior=McDropout())
    before, predicted = weights(subject), subject.predict(EVERYTHING)
    torch.manual_seed(4)
    expected = torch.rand(2)
    torch.manual_seed(4)
    subject.sample(EVERYTHING, generator())
    assert torch.equal(torch.rand(2), expected)
    assert torch.equal(weights(subject), before)
    assert torch.equal(subject.predict(EVERYTHING), predicted), "dropouts are off again"
    with pytest.raises(ZeroDivisionError):
        subject.sample(EVERYTHING, generator(), reduce=lambda probs: probs / (1 // 0))
    assert torch.equal(subject.predict(EVERYTHING), predicted), "also after an error"


def test_the_mean_logit_over_draws_is_the_prediction(small: Dataset) -> None:
    """Where a linear layer alone comes after the dropout."""
    subject = learner(small, posterior=McDropout(20_000, 0.5))
    fit(subject, step())
    indices = torch.arange(3)
    log_odds = [probs.log() - probs.log().mean(-1, keepdim=True) for probs in
                (subject.sample(indices, generator()), subject.predict(indices))]  # fmt: skip
    error = log_odds[0].std(1) / 20_000**0.5
    assert ((log_odds[0].mean(1) - log_odds[1]).abs() < 5 * error + 1e-6).all()


def test_reduces_chunk_by_chunk(small: Dataset) -> None:
    subject = learner(small, posterior=McDropout(6))
    expected = subject.sample(EVERYTHING, generator()).var(1).sum(-1)
    assert torch.equal(subject.sample(EVERYTHING, generator(), lambda probs: probs.var(1).sum(-1)), expected)


@pytest.mark.parametrize(
    "build",
    [
        partial(resnet, name="resnet18", pretrained=False),
        partial(densenet, name="densenet121", pretrained=False),
        partial(vgg, name="vgg16", pretrained=False),
        partial(resnet_3d, name="resnet18"),
    ],
    ids=["resnet18", "densenet121", "vgg16", "resnet18_3d"],
)
def test_every_network_can_be_sampled(small: Dataset, build: Callable[..., nn.Module]) -> None:
    size = (28, 28, 28) if build.func is resnet_3d else (32, 32)  # type: ignore[attr-defined]
    images = torch.randint(0, 255, (4, 1, *size), dtype=torch.uint8)
    split = Split(images, torch.tensor([0, 1, 2, 0]))
    dataset = Dataset("x", dict.fromkeys(("train", "val", "test"), split), small.task, "none")
    subject = learner(dataset, build=build, posterior=McDropout(3))
    probs = subject.sample(torch.arange(4), generator())
    assert probs.shape == (4, 3, 3)
    assert (probs.std(1) > 0).any()


def test_a_dropout_is_added_only_where_there_is_none() -> None:
    own = branching(1, 3, (14, 14))
    assert len(dropouts(add_dropout(own, 0.5))) == 3
    plain = add_dropout(alda_cnn(1, 3, (14, 14), width=2), 0.3)
    (added,) = dropouts(plain)
    assert added.p == 0.3
    convolutional = add_dropout(nn.Sequential(nn.Conv2d(1, 4, 3), nn.ReLU(), nn.Conv2d(4, 2, 1)), 0.3)
    assert isinstance(convolutional[2], nn.Sequential)
    with pytest.raises(ValueError, match="neither"):
        add_dropout(nn.Sequential(nn.ReLU()), 0.5)


def test_sites_come_before_samples(small: Dataset) -> None:
    masks = disks()
    subject = learner(masks, build=tiny_unet, posterior=McDropout(3))
    probs = subject.sample(torch.arange(2), generator())
    assert probs.shape == (2, 16 * 16, 3, 2)
    torch.testing.assert_close(probs.sum(-1), torch.ones(2, 256, 3))

    splits = {name: Split(split.images, torch.ones(len(split), 4)) for name, split in small.splits.items()}
    labels = Dataset("labels", splits, MultiLabel(4), "none")
    assert learner(labels, posterior=McDropout(3)).sample(torch.arange(5), generator()).shape == (5, 4, 3, 2)


def test_members_train_as_each_would_alone(small: Dataset) -> None:
    together, alone = learner(small, posterior=Ensemble(3)), learner(small)
    losses = fit(together, step(epochs=4)), fit(alone, step(epochs=4))
    first = together.network.members[0]
    for ours, theirs in zip(first.state_dict().values(), alone.network.state_dict().values(), strict=True):
        torch.testing.assert_close(ours, theirs)
    assert losses[0] == pytest.approx(losses[1], rel=0.5), "a mean over members, not their sum"
    probs = together.sample(EVERYTHING, generator())
    assert probs.shape == (60, 3, 3)
    torch.testing.assert_close(probs[:, 0], alone.predict(EVERYTHING))
    torch.testing.assert_close(together.predict(EVERYTHING), probs.mean(1))
    assert probs.std(1).max() > 0.01
    assert together.embed(EVERYTHING).shape == alone.embed(EVERYTHING).shape
    assert "test/accuracy" in together.evaluate().metrics


@pytest.mark.parametrize("posterior", [McDropout(4), Ensemble(2)])
def test_goes_on_from_a_checkpoint(small: Dataset, posterior: McDropout | Ensemble, tmp_path: Path) -> None:
    whole, first, second = (learner(small, posterior=posterior) for _ in range(3))
    for subject in (whole, first):
        fit(subject, step(0))
    first.save(tmp_path / "x.pt")
    second.load(tmp_path / "x.pt")
    for subject in (whole, second):
        fit(subject, step(1, reset=False))
    assert torch.equal(weights(whole), weights(second))
    assert torch.equal(whole.sample(EVERYTHING, generator()), second.sample(EVERYTHING, generator()))


def test_dropout_is_on_while_it_trains(small: Dataset) -> None:
    with_dropout, without = learner(small, posterior=McDropout(p=0.5)), learner(small)
    assert torch.equal(weights(with_dropout), weights(without)), "the same first weights"
    fit(with_dropout, step())
    fit(without, step())
    assert not torch.equal(weights(with_dropout), weights(without))


def test_one_network_cannot_be_sampled(small: Dataset) -> None:
    with pytest.raises(InputError, match="posterior=mc_dropout or posterior=ensemble"):
        learner(small).sample(EVERYTHING, generator())
    assert Point().members == 1


@pytest.mark.parametrize(
    ("kind", "options", "words"),
    [
        (McDropout, {"samples": 1}, "posterior.samples=1 must be at least 2"),
        (McDropout, {"samples": 2.5}, "posterior.samples=2.5 must be"),
        (McDropout, {"p": 1}, "posterior.p=1 must be"),
        (McDropout, {"p": "x"}, "posterior.p=x must be"),
        (Ensemble, {"members": 1}, "posterior.members=1 must be"),
    ],
)
def test_bad_values(kind: type, options: dict[str, object], words: str) -> None:
    with pytest.raises(InputError, match=words):
        check_values(kind, options, "posterior")
