"""Forward passes over many samples, chunk by chunk."""

from collections.abc import Callable, Iterator

import torch
from torch import Tensor, nn

from al_runner.data.dataset import Split
from al_runner.learning.batches import images_at
from al_runner.learning.machine import Machine


def forward(network: nn.Module, split: Split, indices: Tensor, machine: Machine) -> Iterator[Tensor]:
    """The network's outputs for `indices`, in evaluation mode, one chunk at a time."""
    network.eval()
    convolutions = (m for m in network.modules() if isinstance(m, nn.Conv2d | nn.Conv3d))
    width = next((m.out_channels for m in convolutions), split.images.shape[1])
    for chunk in machine.chunks(indices, tuple(split.images.shape[2:]), width):
        with torch.inference_mode(), machine.autocast():
            outputs = network(images_at(split, chunk, machine))
        yield outputs  # outside: the modes are not the consumer's


def embeddings(network: nn.Module, split: Split, indices: Tensor, machine: Machine) -> Tensor:
    """What the last linear layer sees of each sample: float32 [n, D].

    Raises:
        ValueError: the network has no linear layer.
    """
    linear = [module for module in network.modules() if isinstance(module, nn.Linear)]
    if not linear:
        raise ValueError("the network has no linear layer whose input could serve as an embedding")
    seen: list[Tensor] = []
    handle = linear[-1].register_forward_pre_hook(lambda _, inputs: seen.append(inputs[0].float()))
    try:
        for _ in forward(network, split, indices, machine):
            pass
    finally:
        handle.remove()
    return torch.cat(seen)


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
