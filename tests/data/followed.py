"""A loader's samples on their way through a run that is stopped: each stays with its target and its index."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from itertools import product
from pathlib import Path

import numpy as np
import torch
from kornia import augmentation as ka
from torch import Tensor

from al_runner.data.dataset import Dataset
from al_runner.data.transforms import Transforms
from al_runner.learning.batches import LabeledSet
from al_runner.learning.machine import Machine
from al_runner.learning.patches import Patches
from al_runner.loop.experiment import Experiment
from al_runner.loop.oracle import Simulated
from al_runner.loop.pool import Pool
from al_runner.loop.schedule import Plan, Round, Schedule
from al_runner.loop.seeding import Streams
from al_runner.runs.display import Display
from al_runner.runs.journal import RunJournal
from al_runner.runs.loggers.base import NoLogger
from al_runner.runs.record import Record
from al_runner.runs.run import restore
from al_runner.strategies.random import random
from tests.strategies.fake import FakeLearner

FLIPS = {
    2: (ka.RandomHorizontalFlip(p=0.5), ka.RandomVerticalFlip(p=0.5)),
    3: (ka.RandomHorizontalFlip3D(p=0.5), ka.RandomVerticalFlip3D(p=0.5), ka.RandomDepthicalFlip3D(p=0.5)),
}
"""Axes of an image → changes that leave every pixel's value."""
SCHEDULE = Schedule(3, [3], 9, epochs=1)


@dataclass(frozen=True)
class Sample:
    """What the files say of one.

    Attributes:
        image: uint8 [channels, ...].
        target: its class, or uint8 [...].
    """

    image: np.ndarray
    target: int | np.ndarray


class Files:
    """What a loader reads.

    Args:
        samples: no two images are alike.
        load: the data set of some of them.
    """

    def __init__(self, samples: Sequence[Sample], load: Callable[[], Dataset]) -> None:
        self.samples, self.load = samples, load
        self.numbers = {sample.image.tobytes(): number for number, sample in enumerate(samples)}
        assert len(self.numbers) == len(samples)

    def of(self, image: Tensor) -> int:
        """The number of the sample with these pixels."""
        number = self.numbers[image.numpy().tobytes()]
        assert self.samples[number].image.shape == tuple(image.shape)
        return number

    def decoded(self, dataset: Dataset) -> dict[str, list[int]]:
        """The samples of each split, checked: pixels, target, none twice."""
        found = {}
        for name, split in dataset.splits.items():
            found[name] = [self.of(image) for image in split.images]
            for number, target in zip(found[name], split.targets, strict=True):
                assert np.array_equal(target.numpy(), self.samples[number].target), number
        numbers = [number for split in found.values() for number in split]
        assert len({*numbers}) == len(numbers)
        return found


class Following(FakeLearner):
    """Looks at what it is trained on: flipped images, and where there are masks, patches of both."""

    def __init__(self, dataset: Dataset, files: Files, numbers: Sequence[int]) -> None:
        super().__init__(len(dataset.train))
        self.dataset, self.files, self.numbers = dataset, files, numbers
        self.flips, self.trained = 0, dict[int, list[int]]()

    def fit(self, indices: Tensor, labels: Tensor, step: Round) -> Mapping[str, float]:
        dense, edges = self.dataset.task.dense, self.dataset.image_size
        steps = dict(enumerate(FLIPS[len(edges)]))
        drawn = Transforms({str(k): step for k, step in steps.items()}, Streams(0), torch.device("cpu"))
        patches = Patches([1 + edge // 2 for edge in edges], 0.5, 0.5)
        cut = patches.cut(torch.Generator().manual_seed(step.number)) if dense else None
        labeled = LabeledSet(
            self.dataset.train, indices, labels, Machine.detect("cpu"), drawn.drawn(step.number), cut
        )
        order = torch.randperm(len(indices), generator=torch.Generator().manual_seed(1)).split(4)
        for positions, (images, targets) in zip(order, labeled.load(order), strict=True):
            for index, image, target in zip(indices[positions].tolist(), images, targets, strict=True):
                self._follow(self.files.samples[self.numbers[index]], image, target, patches.size, dense)
        self.trained[step.number] = indices.tolist()
        return {}

    def save(self, path: Path) -> None:
        path.write_bytes(b"learned")

    def _follow(
        self, sample: Sample, image: Tensor, target: Tensor, size: Sequence[int], dense: bool
    ) -> None:
        pixels = ((image + 1) * 127.5).round().byte().numpy()
        whole = tuple(size) if dense else sample.image.shape[1:]
        assert pixels.shape[1:] == whole
        found = [axes for axes in flips(len(whole)) if holds(sample, axes, pixels, target.numpy())]
        assert found
        self.flips += () not in found


def flips(axes: int) -> list[tuple[int, ...]]:
    """The axes of [channels, ...] that may be flipped together, counted from the end."""
    return [tuple(-1 - k for k in range(axes) if chosen[k]) for chosen in product((False, True), repeat=axes)]


def holds(sample: Sample, axes: tuple[int, ...], pixels: np.ndarray, target: np.ndarray) -> bool:
    """Whether pixels are a patch of a flipped image, and the target is its class or the mask's same patch."""
    windows = np.lib.stride_tricks.sliding_window_view(np.flip(sample.image, axes), pixels.shape)[0]
    at = (windows == pixels).reshape(*windows.shape[: pixels.ndim - 1], -1).all(-1)
    if not target.ndim:
        return bool(at.any()) and target == sample.target
    masks = np.lib.stride_tricks.sliding_window_view(np.flip(sample.target, axes), target.shape)
    return bool((at & (masks == target).reshape(*at.shape, -1).all(-1)).any())


def follow(files: Files, folder: Path) -> dict[str, list[int]]:
    """Load, run two rounds, stop, load again, go on; the samples of each split."""
    dataset = files.load()
    found, plan = files.decoded(dataset), SCHEDULE.plan(len(dataset.train))
    begun = _run(dataset, files, found["train"], folder, replace(plan, rounds=plan.rounds[:2]))
    again = files.load()
    assert files.decoded(again) == found
    resumed = _run(again, files, found["train"], folder, plan)
    assert [*begun.trained, *resumed.trained] == [0, 1, 2]
    assert resumed.trained[2][:6] == begun.trained[1]
    assert begun.flips + resumed.flips
    return found


def _run(dataset: Dataset, files: Files, numbers: Sequence[int], folder: Path, plan: Plan) -> Following:
    """From where the record ends to the plan's end."""
    learner = Following(dataset, files, numbers)
    experiment = Experiment(
        pool=Pool(len(dataset.train)),
        learner=learner,
        oracle=Simulated(dataset.train.targets),
        initial=random,
        strategy=random,
        streams=Streams(0),
        plan=plan,
    )
    with Record(folder).locked() as record:
        restore(record, experiment)
        rows = [closed.row for closed in record.rounds]
        journal = RunJournal(record, NoLogger(), Display("x", plan.longest, "accuracy"), dataset)
        assert experiment.run(journal, rows)
    return learner
