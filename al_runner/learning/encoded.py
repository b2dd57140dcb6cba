"""A network that learns while strategies see an encoder's features."""

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from torch import Tensor

from al_runner.data.dataset import Dataset, Split
from al_runner.learning.batches import stored_at
from al_runner.learning.learner import NetworkLearner


class EncodedLearner(NetworkLearner):
    """A learner whose embeddings are features that do not depend on labels, in every round.

    Args:
        dataset: what the network is trained on.
        embeddings: float32 [N, D], a row for each training sample.
        stored: the training split with its images, where the network is trained on features.
        options: those of `NetworkLearner`.
    """

    def __init__(self, dataset: Dataset, embeddings: Tensor, stored: Split, **options: Any) -> None:
        super().__init__(dataset, **options)
        self.embeddings, self.stored = embeddings, stored

    def embed(self, indices: Tensor) -> Tensor:
        """The embeddings of training `indices`: float32 [n, D]."""
        return self.embeddings[indices.to(self.embeddings.device)].to(self.machine.device)

    def images(self, indices: Tensor) -> Tensor:
        """Training `indices` as they are stored: uint8 [n, channels, ...]."""
        return stored_at(self.stored, indices, self.machine)


def of_features(dataset: Dataset, features: Mapping[str, Tensor]) -> Dataset:
    """The data set with features [N, D] in place of images: what a network for features is trained on."""
    splits = {name: replace(split, images=features[name]) for name, split in dataset.splits.items()}
    return replace(dataset, splits=splits)
