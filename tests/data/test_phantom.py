import numpy as np
import pytest
import torch

from al_runner.data.sets.organ_slices import ORGANS, organ_slices
from al_runner.data.sets.phantom import load


@pytest.fixture(scope="module")
def slices():  # type: ignore[no-untyped-def]
    return organ_slices(0, 1000, 200, 300)


def test_sizes_shapes_and_imbalance(slices) -> None:  # type: ignore[no-untyped-def]
    for name, size in (("train", 1000), ("val", 200), ("test", 300)):
        part = slices[name]
        assert part.images.shape == (size, 28, 28)
        assert part.images.dtype == np.uint8
        shares = np.bincount(part.labels, minlength=len(ORGANS)) / size
        assert shares.min() > 0.02
        assert shares.argmax() == ORGANS.index("liver")
        assert 0.2 < shares.max() < 0.3


def test_no_patient_is_in_two_splits(slices) -> None:  # type: ignore[no-untyped-def]
    patients = [set(part.patients.tolist()) for part in slices.values()]
    assert len(set.union(*patients)) == sum(map(len, patients))


def test_slices_of_a_series_are_near_duplicates(slices) -> None:  # type: ignore[no-untyped-def]
    train = slices["train"]
    images = train.images.astype(float)
    liver = np.flatnonzero(train.labels == ORGANS.index("liver"))
    owners = train.patients[liver]
    same = [np.abs(images[a] - images[b]).mean() for a, b in pairs(liver, owners, same=True)]
    other = [np.abs(images[a] - images[b]).mean() for a, b in pairs(liver, owners, same=False)]
    assert np.mean(same) < 0.6 * np.mean(other)
    assert not any((images[a] == images[b]).all() for a, b in pairs(liver, owners, same=True))


def pairs(indices: np.ndarray, owners: np.ndarray, same: bool) -> list[tuple[int, int]]:
    found = [
        (a, b)
        for i, (a, p) in enumerate(zip(indices, owners, strict=True))
        for b, q in zip(indices[i + 1 :], owners[i + 1 :], strict=True)
        if (p == q) == same
    ]
    assert len(found) > 50
    return found[:500]


def test_a_split_depends_on_the_seed_and_its_own_size_alone(slices) -> None:  # type: ignore[no-untyped-def]
    np.random.seed(5)  # noqa: NPY002 - nobody's business
    again = organ_slices(0, 1000, 50, 70)["train"]
    assert np.array_equal(again.images, slices["train"].images)
    assert np.array_equal(again.labels, slices["train"].labels)
    assert not np.array_equal(organ_slices(1, 1000, 50, 70)["train"].images, again.images)


def test_the_data_set() -> None:
    dataset = load(n_train=120, n_val=30, n_test=40)
    assert dataset.class_names == ORGANS
    assert dataset.train.images.shape == (120, 1, 28, 28)
    assert dataset.train.targets.dtype == torch.int64
    assert load(n_train=120, n_val=30, n_test=40).fingerprint == dataset.fingerprint
    assert load(n_train=120, n_val=30, n_test=41).fingerprint != dataset.fingerprint
