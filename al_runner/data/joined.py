"""Two data sets as one pool, for a run that goes on with another one."""

from dataclasses import replace

import torch

from al_runner.data.dataset import Dataset, Split, shape_of
from al_runner.errors import InputError


def joined(first: Dataset, second: Dataset) -> Dataset:
    """The first data set with the training samples of the second behind its own.

    The training images are a copy in memory. Validation and test split are the first one's.

    Raises:
        InputError: images of other shapes, or other tasks.
    """
    a, b = first.train, second.train
    if a.images.shape[1:] != b.images.shape[1:]:
        raise InputError(
            f"schedule.switch_dataset: images of {first.name} are {shape_of(a.images)}, those of "
            f"{second.name} {shape_of(b.images)}"
        )
    tasks = [(type(each.task).__name__, each.task.n_classes) for each in (first, second)]
    if tasks[0] != tasks[1]:
        (task, n), (other, m) = tasks
        raise InputError(
            f"schedule.switch_dataset: the task of {first.name} is {task} of {n} classes, that of "
            f"{second.name} {other} of {m}"
        )
    train = Split(torch.cat([a.images, b.images]), torch.cat([a.targets, b.targets]))
    return replace(
        first,
        splits={**first.splits, "train": train},
        fingerprint=f"{first.fingerprint} then {second.fingerprint}",
    )
