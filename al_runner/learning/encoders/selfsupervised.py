"""Encoders that learn from the images of the training split."""

import math
import sys
from abc import ABC, abstractmethod
from dataclasses import dataclass
from pathlib import Path
from typing import ClassVar

import torch
from torch import nn

from al_runner.data.dataset import Dataset
from al_runner.data.progress import counted
from al_runner.errors import InputError
from al_runner.learning import states
from al_runner.learning.encoders.base import Encoded
from al_runner.learning.encoders.features import N_OUTPUTS, Features, blank, ready, write_all
from al_runner.learning.encoders.kept import WEIGHTS, Kept, Store
from al_runner.learning.encoders.method import Method
from al_runner.learning.encoders.options import described
from al_runner.learning.encoders.starting import beginning
from al_runner.learning.encoders.training import CHECKPOINT, Pretraining, Recipe
from al_runner.learning.machine import Machine
from al_runner.loop.seeding import Streams
from al_runner.models import NetworkBuilder
from al_runner.values import Count, Named, Natural, NotNegative, Positive, Seed, Several

FEWEST = 16
"""Images that something can be learned from."""


@dataclass(frozen=True, kw_only=True)
class SelfSupervised(ABC):
    """What self-supervised encoders share: the training, which is kept with its features.

    All training images are unlabeled images, whatever is bought of their labels; validation and test images
    are not seen before the weights are final.

    Args:
        model: the architecture; its features are what its last linear layer sees, or else the means of its
            deepest feature maps.
        epochs: of training, at least.
        least_steps: of the optimizer; on few images there are more epochs, so that there are so many.
        batch_size: images of a step.
        lr: the highest learning rate.
        weight_decay: of AdamW.
        seed: of weights, order and views; not the run's, so that runs share the encoder.
        cache_dir: folder of all encoders.
    """

    model: NetworkBuilder
    cache_dir: Named
    epochs: Count = 40
    least_steps: Natural = 600
    batch_size: Several = 256
    lr: Positive = 2e-3
    weight_decay: NotNegative = 1e-4
    seed: Seed = 0

    name: ClassVar[str]

    @abstractmethod
    def method(self, features: Features) -> Method:
        """The method with fresh heads, for the features of a fresh network."""

    def encode(self, dataset: Dataset, machine: Machine) -> Encoded:
        """The features of all splits; the encoder is trained if nobody did."""
        return self._kept(dataset, machine).encoded()

    def frozen(self, dataset: Dataset, machine: Machine) -> nn.Module:
        """The network that was trained."""
        network = self.start(dataset, machine)(dataset.channels, N_OUTPUTS, dataset.image_size)
        return ready(Features(network, blank(dataset)), dataset, machine)

    def start(self, dataset: Dataset, machine: Machine) -> NetworkBuilder:
        """Networks of the same architecture that begin with the trained weights."""
        return beginning(self.model, self._kept(dataset, machine).weights(), self.name)

    def has_yet_to_learn(self, dataset: Dataset) -> bool:
        """Whether its features of these images are not there yet, and take minutes to come.

        Raises:
            InputError: they would never come: a library is missing, or there are too few images.
        """
        if self._store(dataset).has():
            return False
        self._check(len(dataset.train))
        with Streams(self.seed, branch="encoder").as_global("model"):
            network = self.model(dataset.channels, N_OUTPUTS, dataset.image_size)
            self.method(Features(network, blank(dataset)))
        return True

    def _store(self, dataset: Dataset) -> Store:
        return Store(self.cache_dir, self.name, described(self), dataset)

    def _kept(self, dataset: Dataset, machine: Machine) -> Kept:
        def make(folder: Path) -> None:
            learned = self.train(dataset, machine, folder)
            states.write(learned.weights(), folder / WEIGHTS)
            write_all(folder, learned, dataset, machine)

        return self._store(dataset).get(make, machine.name)

    def train(self, dataset: Dataset, machine: Machine, folder: Path) -> Features:
        """Train, or go on from a checkpoint in a folder.

        Raises:
            InputError: too few images, a network that gives no features, or a loss that is not finite.
        """
        n, streams = len(dataset.train), Streams(self.seed, branch="encoder")
        recipe = self._recipe(n)
        with streams.as_global("model"):
            network = self.model(dataset.channels, N_OUTPUTS, dataset.image_size)
            method = self.method(Features(network, blank(dataset)))
        if len(dataset.image_size) == 2:
            method.to(memory_format=torch.channels_last)  # convolutions of images are faster so
        what = f"encoder={self.name} learns from the {n:,} training images of {dataset.name}"
        with counted(f"{what}, {recipe.epochs} epochs", recipe.epochs) as advance:
            checkpoint = folder / CHECKPOINT
            Pretraining(method, dataset.train, recipe, streams, machine, checkpoint, advance).run()
        return method.learned

    def _check(self, n: int) -> None:
        if n < FEWEST:
            raise InputError(
                f"encoder={self.name} learns from at least {FEWEST} training images; there are {n}"
            )

    def _recipe(self, n: int) -> Recipe:
        self._check(n)
        batch_size = min(self.batch_size, n)
        if batch_size < self.batch_size:
            print(
                f"al-run: encoder.batch_size={self.batch_size} exceeds the training images: it is now {n}",
                file=sys.stderr,
            )
        epochs = max(self.epochs, math.ceil(self.least_steps / (n // batch_size)))
        return Recipe(epochs, batch_size, self.lr, self.weight_decay)
