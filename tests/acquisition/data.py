"""Random inputs of the tests."""

import torch
from torch import Tensor


def generator(seed: int = 0) -> torch.Generator:
    return torch.Generator().manual_seed(seed)


def clusters(n: int, dimensions: int = 6, seed: int = 0) -> Tensor:
    """Float32 [n, dimensions]: five clouds, as embeddings often are."""
    draws = generator(seed)
    centers = torch.randn(5, dimensions, generator=draws) * 3
    return centers[torch.randint(5, (n,), generator=draws)] + torch.randn(n, dimensions, generator=draws)


def distributions(n: int, classes: int = 4, seed: int = 0, sites: int | None = None) -> Tensor:
    """Float32 [n, classes], or [n, sites, classes]: from unsure to saturated."""
    draws = generator(seed)
    shape = (n, classes) if sites is None else (n, sites, classes)
    return (
        torch.randn(shape, generator=draws) * torch.rand(n, *[1] * (len(shape) - 1), generator=draws) * 6
    ).softmax(-1)


def blobs(n_blobs: int, each: int, seed: int = 0) -> tuple[Tensor, Tensor]:
    """Float32 [n_blobs · each, 4], clouds far apart, and int64, the cloud of each."""
    cloud = torch.arange(n_blobs).repeat_interleave(each)
    centers = torch.eye(4).repeat(n_blobs // 4 + 1, 1)[:n_blobs] * 100
    centers += torch.arange(n_blobs)[:, None] * 37
    return centers[cloud] + torch.randn(len(cloud), 4, generator=generator(seed)), cloud
