"""Random changes of images, drawn for each sample: augmentation, wherever it is placed."""

import itertools
import math
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import replace
from typing import Any, Literal

import torch
from torch import Tensor

from al_runner.data.dataset import Dataset, Split, shape_of
from al_runner.errors import InputError
from al_runner.loop.oracle import are_told
from al_runner.loop.seeding import Streams

BLOCK_NUMBERS = 2**19
"""Numbers in what is changed at once: some 670 images of 28×28. Small batches cost three times as much.
Results to the bit depend on it, for each block has its own draws."""
TRIED = 64
"""Copies of an image that are changed on trial, as many steps change only some; fewer of large ones."""

Placement = Literal["none", "pre_query", "post_query"]
Step = Callable[[Tensor], Tensor]
"""Images [n, channels, (depth,) height, width] of 0..1 → the same, changed; draws from PyTorch's global
generators."""


def check_steps(steps: Mapping[str, Step]) -> None:
    """Refuse what is no step, or changes labels, too.

    Raises:
        InputError: names it.
    """
    for name, step in steps.items():
        if not callable(step):
            raise InputError(
                f"transforms.{name} needs a _target_, such as kornia.augmentation.RandomRotation"
            )
        if not isinstance(p := getattr(step, "p", 1), int | float) or not 0 <= p <= 1:
            raise InputError(f"transforms.{name}.p={p} is not a number between 0 and 1")
        if ".mix." in type(step).__module__:
            raise InputError(f"transforms.{name} mixes images with each other, but not their labels")


class Transforms:
    """Steps that change images at random, one after the other.

    Masks go where their images' pixels go, each pixel with the label of the nearest one, and with label 0
    where it comes in from outside. Steps that change intensities alone leave them as they are.

    Args:
        steps: name → a module of `kornia.augmentation`, or anything that works like one.
        streams: the run's; the draws are those of `augment`.
        device: where images are changed and numbers drawn.
    """

    def __init__(self, steps: Mapping[str, Step], streams: Streams, device: torch.device) -> None:
        self.steps, self.streams, self.device = steps, streams, device
        check_steps(steps)
        for step in steps.values():
            if hasattr(step, "set_rng_device_and_dtype"):
                step.set_rng_device_and_dtype(device, torch.float32)

    def drawn(self, round_number: int) -> "Drawn":
        """What changes images with a round's draws."""
        return Drawn(self, round_number)

    def check(self, dataset: Dataset) -> None:
        """Try the steps on an image.

        Raises:
            InputError: a step cannot change such images; says why.
        """
        image = unit(dataset.train.images[:1].to(self.device))
        count = min(TRIED, max(4, 4 * block_size(dataset.train)))
        with torch.no_grad(), self.streams.as_global("augment"):
            for name, step in self.steps.items():
                images = image.expand(count, *image.shape[1:]).clone()
                try:
                    changed = step(images)
                except Exception as error:  # a library's, of any kind: nothing else runs here
                    raise _fault(name, images, " ".join(str(error).split())) from error
                if changed.shape != images.shape:
                    raise _fault(name, images, f"it makes them {shape_of(changed)}")
                if dataset.task.dense:
                    _check_masks(name, step, images)

    def once(self, dataset: Dataset) -> Dataset:
        """The data set with every training image changed once; the other splits are as they were.

        It is a copy in memory, beside the original.
        """
        images, change = torch.empty_like(dataset.train.images), self.drawn(0)
        before = dataset.train.labels.whole()
        targets = before.clone() if dataset.task.dense else before
        for block in torch.arange(len(images)).split(block_size(dataset.train)):
            changed = unit(dataset.train.images[block].to(self.device))
            if dataset.task.dense:
                changed, masks = change.alike(changed, targets[block].to(self.device))
                targets[block] = masks.to(targets.device)
            else:
                changed = change(changed)
            images[block] = changed.mul(255).round().to(images.device, torch.uint8)
        if dataset.task.dense:  # what is not known has no place, so it stays as it is
            open_ = ~are_told(before)
            targets[open_] = before[open_]
        train = replace(dataset.train, images=images, targets=targets, answers={})
        return replace(dataset, splits={**dataset.splits, "train": train})


def placed(
    placement: Placement,
    steps: Callable[[], Mapping[str, Step]],
    dataset: Dataset,
    streams: Streams,
    device: torch.device,
) -> tuple[Dataset, Transforms | None]:
    """A data set as an augmentation leaves it, and what is to change its training batches, if anything.

    Args:
        placement: `pre_query` changes every training image once, `post_query` training batches.
        steps: makes the steps, where they are needed.
        dataset: whose training images are changed.
        streams: those of the network that is trained on it.
        device: where images are changed.

    Raises:
        InputError: there are no steps, or one cannot change such images.
    """
    if placement == "none":
        return dataset, None
    transforms = Transforms(steps(), streams, device)
    if not transforms.steps:
        raise InputError(f"transforms is empty, so augmentation={placement} would change nothing")
    transforms.check(dataset)
    return (transforms.once(dataset), None) if placement == "pre_query" else (dataset, transforms)


class Drawn:
    """Changes images with a round's draws; every call goes on with them."""

    def __init__(self, transforms: Transforms, round_number: int) -> None:
        self.transforms, self.round_number = transforms, round_number
        self.blocks = itertools.count()

    def __call__(self, images: Tensor) -> Tensor:
        """Images [n, channels, ...] of 0..1 → the same, changed."""
        with self._draws():
            for step in self.transforms.steps.values():
                images = step(images)
            return images.clamp(0, 1)

    def alike(self, images: Tensor, masks: Tensor) -> tuple[Tensor, Tensor]:
        """Images and their masks [n, ...] → the same, changed alike; the images as without masks."""
        with self._draws():
            for step in self.transforms.steps.values():
                images = step(images)
                if _is_of(step, "geometric"):
                    masks = _moved(step, masks)
            return images.clamp(0, 1), masks

    @contextmanager
    def _draws(self) -> Iterator[None]:
        """The next block's, without a trace of them elsewhere."""
        transforms = self.transforms
        with (
            torch.no_grad(),
            torch.autocast(transforms.device.type, enabled=False),
            transforms.streams.as_global("augment", self.round_number, next(self.blocks)),
        ):
            yield


def _is_of(step: Step, kind: str) -> bool:
    """Whether a step is one of kornia's of a kind, such as `geometric`."""
    module = type(step).__module__
    return module.startswith("kornia.") and f".{kind}." in module


def _moved(step: Any, masks: Tensor) -> Tensor:
    """Masks as a geometric step has just moved their images."""
    from kornia.constants import Resample  # here, for it takes a second

    nearest = {"resample": Resample.NEAREST} if "resample" in step.flags else {}
    moved = step(masks.unsqueeze(1).float(), params=step._params, **nearest)
    return moved.squeeze(1).round().to(masks.dtype)


def _check_masks(name: str, step: Step, images: Tensor) -> None:
    """Refuse a step that has just changed images, but cannot change their masks."""
    if _is_of(step, "intensity"):
        return
    if not _is_of(step, "geometric"):
        raise InputError(
            f"transforms.{name} is no geometric step of kornia: it does not say how masks change"
        )
    checkered = torch.zeros_like(images[:, 0], dtype=torch.uint8)
    checkered[..., ::2] = 200
    found = set(_moved(step, checkered).unique().tolist())
    if not found <= {0, 200}:
        raise InputError(f"transforms.{name} mixes the labels of a mask: it cannot take the nearest one")


def unit(images: Tensor) -> Tensor:
    """uint8 0..255 → float32 0..1, so that 0, which fills what comes in from outside, is black."""
    return images.to(torch.float32).div_(255)


def block_size(split: Split) -> int:
    """Images that are changed at once."""
    return max(1, BLOCK_NUMBERS // math.prod(split.images.shape[1:]))


def _fault(name: str, images: Tensor, why: str) -> InputError:
    hint = "; transforms=volumes is made for volumes" if images.ndim == 5 else ""
    return InputError(f"transforms.{name} cannot change images of {shape_of(images)}: {why}{hint}")
