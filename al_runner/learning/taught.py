"""What a round trains on: labeled samples, and where that is asked for, the validation samples with them."""

from dataclasses import dataclass

import torch
from torch import Tensor

from al_runner.data.dataset import Dataset, Split

Taught = tuple[Split, Tensor, Tensor]
"""A split, the positions in it that are trained on, and their labels."""


@dataclass(frozen=True)
class Teaching:
    """Says what is trained on, given the labeled samples of the training split.

    Args:
        split: where they are.
        further: positions in the same split that belong to every training.
    """

    split: Split
    further: Tensor

    @classmethod
    def of(cls, dataset: Dataset, with_validation: bool) -> "Teaching":
        """Of a data set; with validation samples, all images are a copy in memory."""
        train = dataset.train
        if not with_validation:
            return cls(train, torch.empty(0, dtype=torch.int64))
        val = dataset.splits["val"]
        images = torch.cat([train.images, val.images])
        return cls(Split(images, torch.cat([train.targets, val.targets])), len(train) + val.told)

    def __call__(self, indices: Tensor, labels: Tensor) -> Taught:
        """The labeled samples, and then the others."""
        if not len(self.further):
            return self.split, indices, labels
        targets = self.split.targets[self.further].to(labels)
        return self.split, torch.cat([indices, self.further.to(indices.device)]), torch.cat([labels, targets])
