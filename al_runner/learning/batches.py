"""What a round trains on: the order of its batches, and their images."""

from collections.abc import Iterator, Sequence

import torch
from torch import Tensor

from al_runner.data.dataset import Split, normalize
from al_runner.data.transforms import Drawn, block_size, unit
from al_runner.learning.machine import Machine
from al_runner.learning.patches import Cut

Batch = tuple[Tensor, Tensor]


def batches(
    n: int, batch_size: int, generator: torch.Generator, chances: Tensor | None = None
) -> list[Tensor]:
    """Positions 0..n−1 in a random order, `batch_size` at a time; with `chances`, n draws with replacement.

    A lone last sample joins the batch before it: batch norm cannot train on a single value.
    """
    if chances is None:
        order = torch.randperm(n, generator=generator)
    else:
        order = chances.multinomial(n, replacement=True, generator=generator)
    parts = list(order.split(batch_size))
    if len(parts) > 1 and len(parts[-1]) == 1 < batch_size:
        parts[-2:] = [torch.cat(parts[-2:])]
    return parts


class Epochs:
    """What Lightning iterates over: each epoch holds one item, the batches of the whole epoch.

    Lightning's work for each item costs as much as a fifth of an optimizer step of a small network.
    """

    def __init__(
        self, n: int, batch_size: int, generator: torch.Generator, chances: Tensor | None = None
    ) -> None:
        self.n, self.batch_size, self.generator, self.chances = n, batch_size, generator, chances

    def __len__(self) -> int:
        return 1

    def __iter__(self) -> Iterator[list[Tensor]]:
        yield batches(self.n, self.batch_size, self.generator, self.chances)


class LabeledSet:
    """Labeled samples, batch by batch.

    Args:
        split: the training split.
        indices: int64 [n], those that are labeled.
        labels: [n, ...], what the oracle said.
        machine: where batches are needed.
        change: transforms of images and masks, drawn anew at each call; None = as they are.
        cut: takes a patch of each image and mask, once they are changed; None = they stay whole.
    """

    def __init__(
        self,
        split: Split,
        indices: Tensor,
        labels: Tensor,
        machine: Machine,
        change: Drawn | None = None,
        cut: Cut | None = None,
    ) -> None:
        self.split, self.machine, self.change = split, machine, change
        self.cut: Cut = cut or (lambda images, labels: (images, labels))
        self.indices, self.labels = indices.to(split.images.device), labels.to(machine.device)

    def __len__(self) -> int:
        return len(self.indices)

    def load(self, epoch: Sequence[Tensor]) -> Iterator[Batch]:
        """The images and labels of an epoch's batches, each batch given as positions."""
        # At once for all batches: to bring a few positions back from a GPU is to wait until it is idle.
        order = torch.cat(list(epoch))
        indices, places = self.indices[order.to(self.indices.device)], order.to(self.labels.device)
        for sizes in self._blocks([len(positions) for positions in epoch]):
            count = sum(sizes)
            images, labels = self._samples(indices[:count], self.labels[places[:count]])
            yield from zip(images.split(sizes), labels.split(sizes), strict=True)
            indices, places = indices[count:], places[count:]

    def _blocks(self, sizes: Sequence[int]) -> Iterator[list[int]]:
        """The sizes of each batch by itself, or of as many as are transformed at once."""
        block: list[int] = []
        for size in sizes:
            block.append(size)
            if self.change is None or sum(block) >= block_size(self.split):
                yield block
                block = []
        if block:
            yield block

    def _samples(self, indices: Tensor, labels: Tensor) -> Batch:
        if self.change is None:
            images, labels = self.cut(stored_at(self.split, indices, self.machine), labels)
            return normalize(images), labels
        are_masks = labels.shape[1:] == self.split.images.shape[2:]
        images = unit(stored_at(self.split, indices, self.machine))
        if are_masks:
            images, labels = self.change.alike(images, labels)
        else:
            images = self.change(images)
        return self.cut(images.mul_(2).sub_(1), labels)


def images_at(split: Split, indices: Tensor, machine: Machine) -> Tensor:
    """The images of `indices`, float32 in −1..1, on the device, wherever the split's images live."""
    return normalize(stored_at(split, indices, machine))


def stored_at(split: Split, indices: Tensor, machine: Machine) -> Tensor:
    """The images of `indices` as they are stored, uint8, on the device."""
    images = split.images[indices.to(split.images.device)]
    if images.device.type == "cpu" and machine.device.type == "cuda":
        images = images.pin_memory()  # only from there can a copy run beside the computation
    return images.to(machine.device, non_blocking=True)
