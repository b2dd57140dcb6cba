"""Gaussian noise on images, drawn once for each (Figure 11 of the ideal system)."""

from collections.abc import Collection, Mapping
from dataclasses import replace

import torch

from al_runner.data.dataset import SPLITS, Split
from al_runner.loop.seeding import Streams


def with_noise(
    splits: Mapping[str, Split], sigma: float, noisy: Collection[str], streams: Streams, part: int = 0
) -> dict[str, Split]:
    """The splits with x + ε in place of each image x, ε ~ N(0, σ²) for each pixel and channel by itself.

    Values are cut to what images hold, 0..1, and rounded to 8 bits. An image's noise depends on the seed, its
    split and its index alone, not on the machine. Noisy splits are copies in memory, beside the originals.

    Args:
        splits: by their names.
        sigma: σ, in units of images of 0..1, at least 0.
        noisy: the splits that are changed.
        streams: the run's; the draws are those of `noise`.
        part: of the data, where a run has several: others have other noise.
    """
    return {
        name: _noisy(name, split, sigma, streams, part) if name in noisy else split
        for name, split in splits.items()
    }


def _noisy(name: str, split: Split, sigma: float, streams: Streams, part: int) -> Split:
    images, generator = torch.empty_like(split.images), torch.Generator()
    stream = len(SPLITS) * part + SPLITS.index(name)
    for index, image in enumerate(split.images):
        generator.manual_seed(streams.seed_of("noise", stream, index))
        noise = torch.randn(image.shape, generator=generator).mul_(255 * sigma)
        images[index] = noise.add_(image).round_().clamp_(0, 255)
    return replace(split, images=images)
