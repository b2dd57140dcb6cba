"""Where a data set's images live while networks learn from them."""

from dataclasses import replace

from al_runner.data.dataset import Dataset
from al_runner.learning.machine import Machine


def resident(dataset: Dataset, machine: Machine) -> Dataset:
    """The data set with its images on the device, where they fit."""
    if machine.device.type == "cpu" or not machine.holds(dataset.nbytes):
        return dataset
    splits = {
        name: replace(split, images=split.images.to(machine.device)) for name, split in dataset.splits.items()
    }
    return replace(dataset, splits=splits)
