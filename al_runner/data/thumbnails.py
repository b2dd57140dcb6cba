"""Small pictures of samples, for the report and other views by people."""

from typing import Any

import numpy as np
import torch
import torch.nn.functional as F
from torch import Tensor

from al_runner.data.dataset import Split

SHOWN = 24
"""Pictures kept of a query: enough to see what a strategy likes, kilobytes in the record."""
EDGE = 64
"""Pixels of a picture's longer edge, at most."""


def thumbnails(split: Split, indices: Tensor) -> np.ndarray[Any, np.dtype[np.uint8]]:
    """Pictures of the first `SHOWN` of some samples.

    A volume shows its middle slice; an image with other than three channels its first one.

    Returns:
        uint8 [n, h, w], or [n, h, w, 3] in color; edges of at most `EDGE` pixels.
    """
    images = split.images[indices[:SHOWN].to(split.images.device)].cpu()
    if images.shape[1] != 3:
        images = images[:, :1]
    pictures = small(images).round().to(torch.uint8)
    return pictures.squeeze(1).numpy() if pictures.shape[1] == 1 else pictures.movedim(1, -1).numpy()


def small(images: Tensor) -> Tensor:
    """Images, or the middle slices of volumes, with edges of at most `EDGE` pixels: float32 [n, c, h, w]."""
    if images.ndim == 5:
        images = images[:, :, images.shape[2] // 2]
    scale = EDGE / max(images.shape[2:])
    if scale >= 1:
        return images.float()
    size = [max(1, round(edge * scale)) for edge in images.shape[2:]]
    return F.interpolate(images.float(), size, mode="area")
