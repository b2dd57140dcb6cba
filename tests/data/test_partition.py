"""Splits that are made: by patients, in proportion."""

from collections import Counter

import numpy as np
import pytest

from al_runner.data.partition import partition, shared

SHARES = {"train": 0.7, "val": 0.1, "test": 0.2}


def cohort(n_patients: int, seed: int = 0) -> tuple[list[str], list[str]]:
    """Labels and patients: some with one image, some with many; few of class b, some with both classes."""
    rng = np.random.default_rng(seed)
    labels, patients = [], []
    for patient in range(n_patients):
        usual = "b" if rng.random() < 0.25 else "a"
        for _ in range(rng.integers(1, 12)):
            labels.append("ab"[int(rng.integers(2))] if rng.random() < 0.05 else usual)
            patients.append(f"p{patient}")
    return labels, patients


@pytest.mark.parametrize("seed", range(5))
def test_whole_patients_and_shares_in_each_class(seed: int) -> None:
    labels, patients = cohort(400, seed)
    splits = partition(labels, patients, SHARES, seed)
    assert shared(splits, patients) == []
    for label in "ab":
        counts = Counter(split for split, other in zip(splits, labels, strict=True) if other == label)
        for split, share in SHARES.items():
            assert counts[split] / counts.total() == pytest.approx(share, abs=0.02)


def test_single_images_are_split_exactly() -> None:
    labels = ["a"] * 50 + ["b"] * 10
    splits = partition(labels, [str(i) for i in range(60)], SHARES, 0)
    assert Counter(splits[:50]) == {"train": 35, "val": 5, "test": 10}
    assert Counter(splits[50:]) == {"train": 7, "val": 1, "test": 2}


def test_the_seed_alone_decides() -> None:
    labels, patients = cohort(100)
    splits = partition(labels, patients, SHARES, 0)
    assert partition(labels, patients, SHARES, 0) == splits
    assert partition(labels, patients, SHARES, 1) != splits
    order = np.random.default_rng(1).permutation(len(labels))
    turned = partition([labels[i] for i in order], [patients[i] for i in order], SHARES, 0)
    assert turned == [splits[i] for i in order], "not the order of the files"


def test_the_split_of_a_seed_stays() -> None:
    """Results of earlier versions can be repeated."""
    splits = partition(["a"] * 10, [f"p{i}" for i in range(10)], SHARES, 0)
    assert "".join(split[1] for split in splits) == "rrraererrr"


def test_shared() -> None:
    assert shared(["train", "test", "train", "val"], ["p", "q", "q", "p"]) == ["p", "q"]
