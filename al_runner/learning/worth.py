"""What single labels are worth to a model: a short training for each, on a copy."""

import copy
from collections.abc import Callable
from dataclasses import replace
from typing import Protocol

import torch
from torch import Tensor, nn

from al_runner.learning.machine import Machine
from al_runner.learning.optimizer import Optimizer
from al_runner.loop.schedule import Round

Labeled = tuple[Tensor, Tensor]
"""Indices into the training split, and their labels."""


class Trainable(Protocol):
    """What is trained on, by a copy that has a network and an optimizer of its own."""

    network: nn.Module
    optimizer: torch.optim.Optimizer
    recipe: Optimizer
    machine: Machine
    on_epoch: Callable[[int, int], None]
    keep_epochs: bool

    def fit(self, indices: Tensor, labels: Tensor, step: Round) -> object:
        """Train."""

    def _measure(self, key: str) -> float:
        """A metric, `split/name`."""


def worth(model: Trainable, samples: Labeled, others: Labeled, step: Round, epochs: int) -> Tensor:
    """`val/auroc` of the model updated with `others` and each of `samples`: float64 [n].

    Raises:
        InputError: the loss is not finite.
    """
    update = Round(step.number, 0, epochs, reset=False, evaluate=False)
    found = []
    for index, label in zip(samples[0].split(1), samples[1].split(1), strict=True):
        trial = _copied(model)
        trial.fit(torch.cat([others[0], index]), torch.cat([others[1], label]), update)
        found.append(trial._measure("val/auroc"))
    return torch.tensor(found, dtype=torch.float64)


def _copied(model: Trainable) -> Trainable:
    """The same model, to be trained on in silence, with nothing noted.

    Its optimizer is new: a checkpoint has the model's only where rounds train on. So short a training is not
    worth a recording of its steps.
    """
    trial = copy.copy(model)
    trial.network, trial.on_epoch = copy.deepcopy(model.network), lambda _done, _all: None
    trial.optimizer, trial.keep_epochs = model.recipe.build(trial.network), False
    trial.machine = replace(model.machine, graphs=False)
    return trial
