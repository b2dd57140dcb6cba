"""Networks that begin with an encoder's weights, and networks that learn from its features."""

from functools import partial
from typing import cast

import pytest
import torch
from torch import nn

from al_runner.config.annotations import check_values
from al_runner.data.dataset import Dataset
from al_runner.errors import InputError
from al_runner.learning.encoded import EncodedLearner, of_features
from al_runner.learning.encoders.pretrained import Pretrained
from al_runner.learning.encoders.starting import beginning
from al_runner.learning.finetuning import FineTuning, encoder_layers, of_encoder
from al_runner.learning.learner import NetworkLearner
from al_runner.learning.machine import Machine
from al_runner.learning.optimizer import Optimizer
from al_runner.loop.schedule import Round
from al_runner.loop.seeding import Streams
from al_runner.models.alda import alda_cnn
from al_runner.models.mlp import mlp

CPU = Machine.detect("cpu")
SGD = Optimizer(torch.optim.SGD, lr=0.1, batch_size=16, milestones=[0.5])
ROUND = Round(0, 0, 2, reset=True, evaluate=True)


def start(in_channels: int, n_outputs: int, image_size: tuple[int, ...]) -> nn.Module:
    """What an encoder gives: everything but the last layer is the same each time."""
    with torch.random.fork_rng():
        torch.manual_seed(7)
        trained = alda_cnn(in_channels, n_outputs, image_size, width=4).state_dict()
    network = alda_cnn(in_channels, n_outputs, image_size, width=4)
    kept = {name: value for name, value in trained.items() if not name.startswith("25.")}
    network.load_state_dict(kept, strict=False)
    return of_encoder(network, frozenset(kept))


def tuned(dataset: Dataset, head: FineTuning) -> NetworkLearner:
    return NetworkLearner(dataset, head.network(start), head.recipe(SGD), CPU, Streams(0))


def fit(learner: NetworkLearner, step: Round = ROUND) -> dict[str, torch.Tensor]:
    indices = torch.arange(30)
    learner.fit(indices, learner.dataset.train.targets[indices], step)
    return {name: value.clone() for name, value in learner.network.state_dict().items()}


def rates(learner: NetworkLearner) -> list[float]:
    return [group["lr"] for group in learner.optimizer.param_groups]


def test_the_encoder_learns_more_slowly_and_follows_the_milestones(small: Dataset) -> None:
    learner = tuned(small, FineTuning(encoder_lr=0.25))
    seen = []
    learner.on_epoch = lambda _done, _all: seen.append(rates(learner))
    fit(learner, Round(0, 0, 4, reset=True, evaluate=True))
    assert seen[0] == pytest.approx([0.1, 0.025])
    assert seen[-1] == pytest.approx([0.01, 0.0025])
    sizes = [sum(p.numel() for p in group["params"]) for group in learner.optimizer.param_groups]
    assert sizes[0] == 8 * 3 + 3, "the classifier alone has the whole rate"


def test_without_a_rate_only_the_classifier_changes(small: Dataset) -> None:
    learner = tuned(small, FineTuning(encoder_lr=0))
    before = {name: value.clone() for name, value in learner.network.state_dict().items()}
    after = fit(learner)
    changed = {name for name in before if not torch.equal(before[name], after[name])}
    assert changed == {"network.25.weight", "network.25.bias"}


def test_statistics_of_batch_norms_stay_or_follow(small: Dataset) -> None:
    frozen, free = tuned(small, FineTuning()), tuned(small, FineTuning(freeze_statistics=False))
    means = [name for name in start(1, 3, (14, 14)).state_dict() if name.endswith("running_mean")]
    began, after, other = start(1, 3, (14, 14)).state_dict(), fit(frozen), fit(free)
    assert means
    for name in means:
        assert torch.equal(after[f"network.{name}"], began[name])
        assert not torch.equal(other[name], began[name])


def test_each_reset_begins_with_the_encoder_again(small: Dataset) -> None:
    learner = tuned(small, FineTuning())
    first = {name: value.clone() for name, value in learner.network.state_dict().items()}
    fit(learner)
    learner._restart(Round(1, 0, 2, reset=True, evaluate=True))
    again = learner.network.state_dict()
    assert all(torch.equal(first[name], again[name]) for name in first if not name.startswith("network.25."))
    assert not torch.equal(first["network.25.weight"], again["network.25.weight"])


def test_networks_of_encoders_say_which_layers_are_theirs() -> None:
    build = partial(alda_cnn, width=4)
    own = {
        name: each for name, each in build(1, 3, (14, 14)).state_dict().items() if not name.startswith("25.")
    }
    network = beginning(build, own, "simclr")(1, 3, (14, 14))
    theirs = set(encoder_layers(network))
    others = {layer for layer in network if layer not in theirs and any(True for _ in layer.parameters())}
    assert others == {network[25]}
    with_head = Pretrained.with_head(cast(Pretrained, None), build(1, 5, (14, 14)), 3)
    assert with_head[25] not in set(encoder_layers(with_head))
    assert with_head[0] in set(encoder_layers(with_head))


@pytest.mark.parametrize("rate", [-0.1, 1.5, True])
def test_a_rate_is_a_share(rate: float) -> None:
    with pytest.raises(InputError, match=r"head\.encoder_lr=.* must be"):
        check_values(FineTuning, {"encoder_lr": rate}, "head")


def features_of(dataset: Dataset) -> dict[str, torch.Tensor]:
    """Features that tell the classes, at a scale that images do not have."""
    draws = torch.Generator().manual_seed(0)
    return {
        name: 40 * nn.functional.one_hot(split.targets, 3).float()
        + torch.randn(len(split), 3, generator=draws)
        for name, split in dataset.splits.items()
    }


def test_a_perceptron_learns_from_features_while_strategies_see_them(small: Dataset) -> None:
    features = features_of(small)
    learner = EncodedLearner(
        of_features(small, features),
        embeddings=features["train"],
        stored=small.train,
        build_network=partial(mlp, width=8),
        recipe=Optimizer(torch.optim.AdamW, lr=0.01, batch_size=16),
        machine=CPU,
        streams=Streams(0),
    )
    fit(learner, Round(0, 0, 20, reset=True, evaluate=True))
    assert learner.evaluate().metrics["test/accuracy"] > 0.95
    some = torch.tensor([5, 2, 40])
    assert torch.equal(learner.embed(some), features["train"][some])
    assert torch.equal(learner.images(some), small.train.images[some])
    assert learner.predict(some).shape == (3, 3)
