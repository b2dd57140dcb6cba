"""Saliency maps over many samples, chunk by chunk."""

from collections.abc import Iterator

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from al_runner.data.dataset import Split
from al_runner.data.tasks import Task
from al_runner.data.tasks.base import NO_SALIENCY
from al_runner.errors import InputError
from al_runner.learning.aleatoric import NoisyLogits
from al_runner.learning.batches import images_at
from al_runner.learning.chunks import through
from al_runner.learning.inference import feature_numbers
from al_runner.learning.machine import Machine
from al_runner.learning.posterior import SideBySide
from al_runner.models.saliency.base import Explained, Saliency, of_class


def saliency_maps(
    network: nn.Module, split: Split, indices: Tensor, method: Saliency, task: Task, machine: Machine
) -> Iterator[Tensor]:
    """The maps of `indices`, one chunk at a time.

    Raises:
        InputError: the task predicts pixels, or the method does not work for such a network.
    """
    if task.dense:
        raise InputError(NO_SALIENCY)
    yield from through(
        indices,
        feature_numbers(network, split.images),
        lambda chunk: images_at(split, chunk, machine),
        lambda images: _maps(network, images, method, task),
        machine,
    )


def _maps(network: nn.Module, images: Tensor, method: Saliency, task: Task) -> Tensor:
    """Those of what the network predicts; of an ensemble, the mean of its members' for what they predict.

    With a method's `of`, those of a class.
    """
    number: int | None = getattr(method, "of", None)
    explained = task.explained if number is None else of_class(number)
    if not isinstance(network, SideBySide):
        return _map_of(network, images, method, explained)
    network.eval()
    with torch.no_grad():
        chosen = explained(task.mixture(network(images).transpose(0, 1)))
    maps = (_map_of(member, images, method, lambda _: chosen) for member in network.members)
    return torch.stack(list(maps)).mean(0)


def _map_of(network: nn.Module, images: Tensor, method: Saliency, explained: Explained) -> Tensor:
    """That of one network; one that predicts noise, too, is asked for its logits alone."""
    if not isinstance(network, NoisyLogits):
        return method(network, images, explained)

    def of_logits(outputs: Tensor) -> Tensor:
        logits, _ = outputs.chunk(2, 1)
        return F.pad(explained(logits), (0, logits.shape[1]))

    return method(network.network, images, of_logits)
