"""A learner's model as one module gives what the learner predicts, and can be traced."""

import pytest
import torch

from al_runner.data.dataset import Dataset, Split, normalize
from al_runner.data.tasks import MultiLabel, one_of
from al_runner.data.tasks.base import Task
from al_runner.learning.calibration import tempered
from al_runner.learning.encoders.features import Features, blank, ready
from al_runner.learning.learner import NetworkLearner
from al_runner.learning.linear import LinearHead, LinearLearner
from al_runner.learning.machine import Machine
from al_runner.learning.optimizer import Optimizer
from al_runner.learning.posterior import Ensemble, McDropout, Posterior
from al_runner.learning.whole import whole
from al_runner.loop.schedule import Round
from al_runner.loop.seeding import Streams
from al_runner.models.alda import alda_cnn
from al_runner.models.convnet import convnet
from al_runner.models.unet import unet

MACHINE = Machine(torch.device("cpu"), "32")
BOUGHT, STEP = torch.arange(6), Round(0, 6, 2, reset=True, evaluate=True)


def data(task: Task) -> Dataset:
    generator = torch.Generator().manual_seed(0)

    def split() -> Split:
        images = torch.randint(0, 256, (12, 1, 16, 16), generator=generator).to(torch.uint8)
        several = torch.randint(0, 2, (12, task.n_classes), generator=generator)
        return Split(images, several if isinstance(task, MultiLabel) else torch.arange(12) % task.n_classes)

    return Dataset("any", {name: split() for name in ("train", "val", "test")}, task, "any")


@pytest.mark.parametrize("posterior", [None, Ensemble(2), McDropout(aleatoric=True)])
@pytest.mark.parametrize("task", [one_of(2), one_of(3), MultiLabel(3)])
def test_of_a_network(task: Task, posterior: Posterior | None) -> None:
    dataset = data(task)
    recipe = Optimizer(torch.optim.Adam, lr=0.01, batch_size=4)
    learner = NetworkLearner(dataset, alda_cnn, recipe, MACHINE, Streams(0), posterior=posterior)
    learner.fit(BOUGHT, dataset.train.targets[BOUGHT], STEP)
    everything = torch.arange(12)
    found = whole(learner, dataset, temperature=0.5)(dataset.train.images)
    assert torch.allclose(found, tempered(learner.predict(everything), 0.5), atol=1e-6)
    one_by_one = torch.cat([*whole(learner, dataset).predictions(dataset.train.images, MACHINE)])
    assert torch.equal(one_by_one, learner.predict(everything))


@pytest.mark.parametrize("absent", [False, True])
@pytest.mark.parametrize(
    ("task", "build"), [(one_of(3), convnet), (MultiLabel(3), unet), (one_of(2), convnet)]
)
def test_of_a_linear_head_on_an_encoder_that_is_traced(task: Task, build: object, absent: bool) -> None:
    dataset = data(task)
    encoder = ready(Features(build(1, 2, (16, 16)), blank(dataset)), dataset, MACHINE)  # type: ignore[operator]
    with torch.no_grad():
        features = {name: encoder(normalize(split.images)) for name, split in dataset.splits.items()}
    learner = LinearLearner(dataset, features, LinearHead(), MACHINE, Streams(0))
    labels = dataset.train.targets[BOUGHT].clone()
    if absent:  # a class that nobody has labeled, a label that is never there
        labels[labels == 1] = 0
    learner.fit(BOUGHT, labels, STEP)
    expected = learner.predict(torch.arange(12))
    module = whole(learner, dataset, encoder)
    assert torch.allclose(module(dataset.train.images), expected, atol=1e-6)
    images = dataset.train.images
    batch = ({0: torch.export.Dim("batch")},)
    with torch.no_grad():
        traced = torch.export.export(module.traceable(), (images[:2],), dynamic_shapes=batch, strict=False)
    assert torch.allclose(traced.module()(images), expected, atol=1e-5)
    assert torch.allclose(traced.module()(images[:1]), expected[:1], atol=1e-5)
