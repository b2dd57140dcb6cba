"""Forward passes over many samples, chunk by chunk."""

import copy
import math
from collections.abc import Callable, Iterator, Sequence
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn.modules.instancenorm import _InstanceNorm

from al_runner.data.dataset import Dataset, Split, shape_of
from al_runner.errors import InputError
from al_runner.learning.batches import images_at
from al_runner.learning.chunks import through
from al_runner.learning.machine import Machine
from al_runner.learning.patches import seen


def forward(
    network: nn.Module, split: Split, indices: Tensor, machine: Machine, copies: int = 1
) -> Iterator[Tensor]:
    """The network's outputs for `indices`, in evaluation mode, one chunk at a time.

    `copies` are made of an image's feature maps on their way through the network.
    """
    network.eval()

    def outputs(images: Tensor) -> Tensor:
        with torch.inference_mode(), machine.autocast():  # here: the modes are not the consumer's
            found: Tensor = network(images)
        return found

    numbers = copies * feature_numbers(network, split.images)
    yield from through(indices, numbers, lambda chunk: images_at(split, chunk, machine), outputs, machine)


def feature_numbers(network: nn.Module, images: Tensor) -> int:
    """How many numbers the network's first feature maps of one of some images have."""
    convolutions = (m for m in network.modules() if isinstance(m, nn.Conv2d | nn.Conv3d))
    width = next((m.out_channels for m in convolutions), images.shape[1])
    return width * math.prod(images.shape[2:])


def check_output(network: nn.Module, dataset: Dataset, machine: Machine) -> None:
    """Try a network on an image.

    Raises:
        InputError: it cannot take such images, or gives something else than the task needs.
    """
    task, images = dataset.task, shape_of(dataset.train.images)
    try:
        outputs = next(forward(network, dataset.train, torch.arange(1), machine))
    except Exception as error:  # a library's, of any kind: nothing else runs here
        why = " ".join(str(error).split())
        raise InputError(f"the model cannot take images of {images}: {why}") from error
    expected = (task.n_outputs, *(dataset.image_size if task.dense else ()))
    if outputs.shape[-len(expected) :] != expected or (not task.dense and outputs.ndim > 3):
        needs = "a number for each label and pixel" if task.dense else "a number for each class"
        hint = "model=unet and dense_vnet" if task.dense else "model=alda_cnn and resnet18"
        raise InputError(
            f"the model gives {shape_of(outputs)} for an image of {images}; dataset {dataset.name} needs "
            f"{'×'.join(map(str, expected))}, {needs}: {hint} are such networks"
        )


def check_lone(
    network: nn.Module,
    dataset: Dataset,
    machine: Machine,
    fewest: int,
    size: Sequence[int] | None = None,
) -> None:
    """Try to train a network on a batch of one sample, if some batch has no more.

    Batch and instance norm cannot where their maps are one pixel: a single value has no variance.

    Args:
        network: is left as it is.
        dataset: gives the sample.
        machine: tries it.
        fewest: samples of the smallest batch.
        size: what the network sees of it, as an edge along each axis; None = all.

    Raises:
        InputError: it cannot.
    """
    if fewest > 1:
        return
    corner: Any = (..., *(slice(edge) for edge in size or dataset.image_size))
    images = images_at(dataset.train, torch.arange(1), machine)[corner]
    devices = [machine.device] if machine.device.type == "cuda" else []
    try:
        with torch.random.fork_rng(devices), torch.no_grad(), machine.autocast():
            copy.deepcopy(network).train()(images)
    except ValueError as error:
        raise InputError(
            f"the model cannot train on one sample of {shape_of(images)} at a time ({error}): set "
            "schedule.initial_size and optimizer.batch_size to at least 2, or take larger images"
        ) from error


def embeddings(network: nn.Module, split: Split, indices: Tensor, machine: Machine) -> Tensor:
    """What the last linear layer sees of each sample: float32 [n, D].

    Of a network without one, such as those for segmentation, the means of the deepest feature maps. Where a
    network sees patches, the mean over an image's patches.

    Raises:
        ValueError: the network has neither a linear layer nor a convolution.
    """
    linear = [module for module in network.modules() if isinstance(module, nn.Linear)]
    made: list[Tensor] = []
    """By the calls of the layer during one forward pass: the last one counts."""
    passes: list[Tensor] = []
    """One for each call of the network: several, where it is slid over images."""
    if linear:
        handle = linear[-1].register_forward_pre_hook(lambda _, inputs: made.append(inputs[0].float()))
    else:
        deepest = deepest_layer(network, images_at(split, torch.arange(1), machine))
        handle = deepest.register_forward_hook(
            lambda _module, _inputs, maps: made.append(maps.float().flatten(2).mean(2))
        )

    def passed(*_: object) -> None:
        passes.append(made[-1])
        made.clear()

    begins = network.register_forward_pre_hook(lambda *_: passes.clear())  # one may have failed on its way
    ends = seen(network).register_forward_hook(passed)
    found: list[Tensor] = []
    try:
        for outputs in forward(network, split, indices, machine):
            each = len(torch.cat(passes)) // max(len(outputs), 1)  # of no samples there are no passes
            found.append(torch.cat(passes).unflatten(0, (len(outputs), each)).mean(1))
            passes.clear()
    finally:
        for hook in (handle, begins, ends):
            hook.remove()
    return torch.cat(found)


def deepest_layer(network: nn.Module, image: Tensor) -> nn.Module:
    """The last of the layers that make the smallest feature maps with more than one pixel.

    Maps of a single pixel are gates or pooled features, unless there are no others. Those of an instance norm
    have the same mean for every image. A layer is a module without modules of its own.

    Raises:
        ValueError: no layer makes feature maps.
    """
    sizes: dict[nn.Module, int] = {}

    def look(layer: nn.Module, _inputs: object, output: object) -> None:
        if isinstance(output, Tensor) and output.ndim == image.ndim:
            sizes.pop(layer, None)  # its last call counts, so that the order is that of the calls
            sizes[layer] = output.shape[2:].numel()

    layers = [
        module
        for module in network.modules()
        if not any(module.children()) and not isinstance(module, _InstanceNorm)
    ]
    handles = [layer.register_forward_hook(look) for layer in layers]
    network.eval()
    try:
        with torch.inference_mode():
            network(image)
    finally:
        for handle in handles:
            handle.remove()
    if not sizes:
        raise ValueError("the network has neither a linear layer nor feature maps that could be an embedding")
    smallest = min(sizes.values(), key=lambda size: (size == 1, size))
    return [layer for layer, size in sizes.items() if size == smallest][-1]


def blocks(chunks: Iterator[Tensor], numel: int = 2**22) -> Iterator[Tensor]:
    """Join chunks until a block holds `numel` numbers: fewer, larger updates, in bounded memory."""
    held: list[Tensor] = []
    for chunk in chunks:
        held.append(chunk)
        if sum(part.numel() for part in held) >= numel:
            yield torch.cat(held)
            held.clear()
    if held:
        yield torch.cat(held)


Reduce = Callable[[Tensor], Tensor]
