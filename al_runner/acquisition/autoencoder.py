"""Features of saliency maps by an autoencoder (Mahapatra, Poellinger, Shao and Reyes, 2021)."""

from itertools import pairwise

import torch
from torch import Tensor, nn
from torch.nn import functional

WIDTHS = (256, 128, 64, 32)
"""Outputs of the encoder's layers, the features last; the decoder mirrors them."""
BATCH = 32
RATE = 1e-3


def resized(maps_NHW: Tensor, edge: int) -> Tensor:
    """Each map as `edge` × `edge` means of its parts, row by row: float32 [N, edge²].

    >>> resized(torch.tensor([[[0.0, 2.0, 1.0, 1.0], [4.0, 6.0, 1.0, 1.0]]]), 2).tolist()
    [[1.0, 1.0, 5.0, 1.0]]
    """
    return functional.adaptive_avg_pool2d(maps_NHW.float()[:, None], edge).flatten(1)


def encoder_of(n_inputs: int) -> nn.Sequential:
    """Fully connected layers of `WIDTHS`, ReLU between them."""
    return _layers(n_inputs, *WIDTHS)


def autoencoder(
    maps_NP: Tensor, epochs: int, generator: torch.Generator
) -> tuple[nn.Sequential, nn.Sequential]:
    """The encoder and the decoder of an autoencoder that was trained to reconstruct maps.

    Minimizes the mean squared error by Adam, in batches of 32, on the device of the maps.

    Args:
        maps_NP: float32 [N, pixels].
        epochs: passes over the maps.
        generator: CPU generator of the weights and of the order.
    """
    n_inputs = maps_NP.shape[1]
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(int(torch.randint(2**31 - 1, (1,), generator=generator)))
        encoder, decoder = encoder_of(n_inputs), _layers(*reversed(WIDTHS), n_inputs)
    both = nn.Sequential(encoder, decoder).to(maps_NP.device)
    optimizer = torch.optim.Adam(both.parameters(), RATE)
    for _ in range(epochs):
        for batch in torch.randperm(len(maps_NP), generator=generator).split(BATCH):
            some = maps_NP[batch.to(maps_NP.device)]
            loss = functional.mse_loss(both(some), some)
            optimizer.zero_grad()
            loss.backward()
            optimizer.step()
    return encoder, decoder


@torch.no_grad()
def encoded(maps_NP: Tensor, encoder: nn.Sequential) -> Tensor:
    """Deep saliency features of maps: float32 [N, 32]."""
    features: Tensor = encoder.to(maps_NP.device)(maps_NP)
    return features


def _layers(*widths: int) -> nn.Sequential:
    layers: list[nn.Module] = []
    for n_inputs, n_outputs in pairwise(widths):
        layers += [nn.Linear(n_inputs, n_outputs), nn.ReLU()]
    return nn.Sequential(*layers[:-1])
