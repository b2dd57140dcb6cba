import torch

from al_runner.data.sets.phantom_ct import load


def test_scans_are_drawn_from_the_seed_and_their_number() -> None:
    small, large = load(n_train=3, n_val=1, n_test=1), load(n_train=5, n_val=1, n_test=1)
    assert torch.equal(small.train.images, large.train.images[:3])
    assert torch.equal(small.splits["test"].targets, large.splits["test"].targets)
    assert small.fingerprint == load(n_train=3, n_val=1, n_test=1).fingerprint
    assert small.fingerprint != load(n_train=3, n_val=1, n_test=1, seed=1).fingerprint
    assert small.train.images.shape == (3, 1, 40, 24, 24)
    assert small.train.targets.shape == (3, 40, 24, 24)


def test_one_tumor_is_sometimes_absent() -> None:
    dataset = load(n_train=60, n_val=1, n_test=1)
    counts = dataset.task.count(dataset.train.targets)
    assert counts[:4].tolist() == [0, 60, 60, 60]
    assert 60 > counts[4] > 40
    assert 60 > counts[5] > 40
    tumors = [{4, 5} & set(mask.unique().tolist()) for mask in dataset.train.targets]
    assert min(map(len, tumors)) == 1
    left, right = (
        [
            (mask == label).nonzero()[:, 2].float().mean()
            for mask in dataset.train.targets
            if (mask == label).any()
        ]
        for label in (4, 5)
    )
    assert min(left) > 12 > max(right)


def test_organs_are_there_in_other_shapes() -> None:
    dataset = load(n_train=4, n_val=1, n_test=1, shape=(32, 33, 20))
    assert dataset.train.images.shape[2:] == (32, 33, 20)
    assert dataset.task.count(dataset.train.targets)[:4].tolist() == [0, 4, 4, 4]


def test_intensities_tell_organs_apart_on_average() -> None:
    dataset = load(n_train=10, n_val=1, n_test=1, noise=0)
    images, masks = dataset.train.images[:, 0].float(), dataset.train.targets
    skeleton, liver, kidney = (images[masks == label].mean() for label in (1, 2, 3))
    assert skeleton > kidney > liver > images[masks == 0].mean()
