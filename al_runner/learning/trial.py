"""A learner's training steps, tried in another precision."""

import copy

import torch

from al_runner.data.tasks import TrainingLoss
from al_runner.learning.batches import images_at
from al_runner.learning.learner import NetworkLearner
from al_runner.learning.precision import Precision, seconds
from al_runner.learning.steps import step_of


def seconds_of(learner: NetworkLearner, precision: Precision) -> float:
    """What some training steps of a learner's network take, on batches of the size that it will have.

    A copy of the network learns from the first images of the training split, as if all were of the first
    class: the time does not depend on labels.

    Args:
        learner: is left as it is.
        precision: of the steps.
    """
    machine = learner.machine.at(precision)
    split = learner.dataset.train
    indices = torch.arange(min(learner.recipe.batch_size, len(split)))
    images = images_at(split, indices, machine)
    targets = torch.zeros_like(split.targets[indices]).to(machine.device)
    if learner.patches:
        images, targets = learner.patches.cut(learner.streams.generator("patches"))(images, targets)
    network = copy.deepcopy(learner.network).train()
    loss = learner.posterior.loss(TrainingLoss().of(learner.task, targets))
    step = step_of(network, learner.recipe.build(network), loss, machine, None)
    devices = [machine.device] if machine.device.type == "cuda" else []
    try:
        with torch.random.fork_rng(devices):
            return seconds(lambda: step(images, targets), machine.device)
    except torch.OutOfMemoryError:
        return float("inf")
