"""A learner whose data are switched."""

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from torch import Tensor

from al_runner.data.dataset import Dataset, Split
from al_runner.learning.learner import NetworkLearner
from al_runner.loop.schedule import Round
from al_runner.loop.switching import Switch


class SwitchingLearner(NetworkLearner):
    """A learner that is measured on other samples once it trains on labels of a second data set.

    Args:
        dataset: its training split holds both data sets' samples.
        switch: where the second one begins.
        later: the splits that are measured from then on.
        options: those of `NetworkLearner`.
    """

    def __init__(self, dataset: Dataset, switch: Switch, later: Mapping[str, Split], **options: Any) -> None:
        super().__init__(dataset, **options)
        self.switch = switch
        device = self.dataset.train.images.device
        there = {name: replace(split, images=split.images.to(device)) for name, split in later.items()}
        self.after = replace(self.dataset, splits={**self.dataset.splits, **there})

    def fit(self, indices: Tensor, labels: Tensor, step: Round) -> Mapping[str, float]:
        """Train on training `indices` as ever; what is measured follows from them."""
        if (indices >= self.switch.first).any():
            self.dataset = self.after
        return super().fit(indices, labels, step)
