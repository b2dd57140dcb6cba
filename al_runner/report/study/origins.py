"""Which data sets are made of the same images, and so are one where data sets are what is counted."""

from collections.abc import Mapping

import numpy as np

from al_runner.report.statistics.curves import Array

ORIGINS = {
    "OrganMNIST": ("organamnist", "organcmnist", "organsmnist", "organmnist", "organmnist3d"),
    "ChestX-ray14": ("chestmnist", "nih_chestxray14"),
    "pediatric chest X-rays": ("pneumoniamnist", "chest_xray"),
    "GlaS": ("glas", "glas_grades"),
}
"""What the data sets of one origin count as: slices of the same scans (LiTS), and the same images in other
sizes or with other labels."""
ORIGIN = {name: origin for origin, names in ORIGINS.items() for name in names}


def block(dataset: str) -> str:
    """What a data set counts as: itself, or all that share its origin."""
    return ORIGIN.get(dataset, dataset)


def in_blocks(scores: Mapping[str, Array]) -> dict[str, Array]:
    """Scores [A] by data set → by independent block: the mean of the data sets of one origin.

    A block of one data set keeps that one's name.
    """
    members: dict[str, dict[str, Array]] = {}
    for name, values in scores.items():
        members.setdefault(block(name), {})[name] = values
    return {
        origin if len(each) > 1 else next(iter(each)): np.mean(list(each.values()), 0)
        for origin, each in members.items()
    }
