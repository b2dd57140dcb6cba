"""Image files with labels, patients and splits, from wherever these are known."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from al_runner.data.dataset import SPLITS
from al_runner.data.partition import partition, patient_in, shares_of_splits
from al_runner.errors import InputError

SPLIT_WORDS = {
    "train": "train",
    "training": "train",
    "val": "val",
    "valid": "val",
    "validation": "val",
    "dev": "val",
    "test": "test",
    "testing": "test",
}
"""What people call splits, in lower case → split."""


@dataclass(frozen=True)
class Sample:
    """An image file.

    Attributes:
        path: the file.
        below: its path below the root, with `/`.
        label: the name of its class.
        patient: whose it is.
        split: "" where it is not said.
    """

    path: Path
    below: str
    label: str
    patient: str
    split: str = ""


def with_patients(samples: Sequence[Sample], group: str | None) -> list[Sample]:
    """The samples with the patient that a pattern finds in each path."""
    find_patient = patient_in(group)
    found = [find_patient(sample.below) for sample in samples]
    if lost := [sample.below for sample, patient in zip(samples, found, strict=True) if not patient]:
        raise InputError(
            f"dataset.group={group} finds no patient in {len(lost):,} of {len(samples):,} paths, such as "
            f"{lost[0]}"
        )
    return [replace(sample, patient=str(patient)) for sample, patient in zip(samples, found, strict=True)]


def with_splits(samples: Sequence[Sample], shares: Sequence[float], seed: int) -> list[Sample]:
    """The samples with their splits; those that are missing are taken from the training images, by patients.

    Args:
        samples: of each split that there is; "" is for any.
        shares: of train, val and test.
        seed: of the patients' order.

    Raises:
        InputError: other than three shares above 0.
    """
    missing = [split for split in SPLITS if split not in {sample.split for sample in samples}]
    if not missing:
        return list(samples)
    named = shares_of_splits(shares)
    open_ = [i for i, sample in enumerate(samples) if sample.split in ("", "train")]
    dealt = partition(
        [samples[i].label for i in open_],
        [samples[i].patient for i in open_],
        {split: named[split] for split in SPLITS if split in ("train", *missing)},
        seed,
    )
    chosen = dict(zip(open_, dealt, strict=True))
    return [replace(sample, split=chosen.get(i, sample.split)) for i, sample in enumerate(samples)]


def in_order(samples: Sequence[Sample]) -> list[Sample]:
    """By splits, so that each is a slice, then by paths."""
    return sorted(samples, key=lambda sample: (SPLITS.index(sample.split), sample.below))


def check_classes(root: Path, samples: Sequence[Sample], names: Sequence[str]) -> None:
    """Refuse a split that lacks a class.

    Raises:
        InputError: says which.
    """
    there = {(sample.split, sample.label) for sample in samples}
    lacking = [
        f"{split} has none of {name}" for split in SPLITS for name in names if (split, name) not in there
    ]
    if lacking:
        raise InputError(f"{root}: every split needs images of every class, but {', '.join(lacking)}")
