"""The embedded default data set: synthetic CT-like organ slices."""

import hashlib
from collections.abc import Mapping

import torch

from al_runner.data.dataset import Dataset, Split
from al_runner.data.sets.organ_slices import ORGANS, organ_slices
from al_runner.data.tasks import MultiClass
from al_runner.values import Count, Named, Seed


def load(
    name: Named = "phantom", seed: Seed = 0, n_train: Count = 6000, n_val: Count = 1000, n_test: Count = 2000
) -> Dataset:
    """28×28 slices through 11 organs of synthetic patients, drawn from a seed in about two seconds; no files.

    Classes are imbalanced (3 % to 24 %), the four slices of a series are near-duplicates, and no patient is
    in two splits. None of it is real.

    Args:
        name: for people and folders.
        seed: of the data; the same seed gives the same data, whatever the run's seed.
        n_train: slices to train on.
        n_val: slices to validate on.
        n_test: slices to test on.
    """
    slices = organ_slices(seed, n_train, n_val, n_test)
    splits = {
        split: Split(torch.from_numpy(part.images).unsqueeze(1), torch.from_numpy(part.labels))
        for split, part in slices.items()
    }
    return Dataset(
        name=name,
        splits=splits,
        task=MultiClass(len(ORGANS)),
        fingerprint=fingerprint(splits),
        class_names=ORGANS,
    )


def fingerprint(splits: Mapping[str, Split]) -> str:
    """SHA-256 of what was drawn: another version of a library may draw other bits."""
    digest = hashlib.sha256()
    for split in splits.values():
        digest.update(split.images.numpy().tobytes() + split.targets.numpy().tobytes())
    return f"sha256:{digest.hexdigest()}"
