"""Images of different sizes on one common grid, as 8-bit numbers."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Annotated, Any, Literal

import numpy as np
import torch
import torch.nn.functional as F
from annotated_types import Interval
from numpy.typing import NDArray
from torch import Tensor

from al_runner.errors import InputError

Fit = Literal["pad", "resize"]
Percentile = Annotated[float, Interval(ge=0, le=100)]
Whole = NDArray[np.integer[Any]]
"""uint8, or int16 of many labels that may overlap."""


@dataclass(frozen=True)
class Grid:
    """What images are brought to.

    Args:
        shape: pixels along each axis.
        fit: `pad` keeps the pixels' size, crops about the center what is larger and adds black around what is
            smaller; `resize` changes their size.
        spacing: distance of neighboring pixels along each axis to resample to first; None = as they are.
    """

    shape: tuple[int, ...]
    fit: Fit = "pad"
    spacing: tuple[float, ...] | None = None

    def image(self, pixels: NDArray[np.float32], spacing: Sequence[float]) -> NDArray[np.float32]:
        """[channels, ...] of any size on the grid; means of pixels where there are fewer, else linear."""
        return self._on(torch.from_numpy(np.ascontiguousarray(pixels)), spacing, smooth=True).numpy()

    def mask(self, labels: Whole, spacing: Sequence[float]) -> Whole:
        """[...] of any size on the grid: the nearest pixel's label, or labels."""
        return self._on(torch.from_numpy(np.ascontiguousarray(labels))[None], spacing, smooth=False)[
            0
        ].numpy()

    def crops(self, labels: Whole, spacing: Sequence[float]) -> bool:
        """Whether foreground lies outside and is lost."""
        if self.fit == "resize":
            return False
        whole = self._resampled(torch.from_numpy(np.ascontiguousarray(labels))[None], spacing, smooth=False)
        return bool(whole.count_nonzero() > np.count_nonzero(self.mask(labels, spacing)))

    def back(self, labels: Whole, shape: Sequence[int], spacing: Sequence[float]) -> Whole:
        """A mask on the grid on the pixels of the image that was brought to it; 0 where that reaches beyond.

        Args:
            labels: on the grid.
            shape: of the image.
            spacing: of the image.
        """
        mask = torch.from_numpy(np.ascontiguousarray(labels))[None]
        if self.fit == "pad":
            whole = resampled_shape(shape, spacing, self.spacing)
            for axis, (edge, had) in enumerate(zip(self.shape, whole, strict=True), start=1):
                if edge > had:
                    mask = mask.narrow(axis, (edge - had) // 2, had)
            missing = [max(had - edge, 0) for edge, had in zip(self.shape, whole, strict=True)]
            mask = F.pad(mask, [part for gap in reversed(missing) for part in (gap // 2, gap - gap // 2)])
        return _resized(mask, tuple(shape), smooth=False)[0].numpy()

    def _resampled(self, pixels: Tensor, spacing: Sequence[float], smooth: bool) -> Tensor:
        if self.spacing is None:
            return pixels
        return _resized(pixels, resampled_shape(pixels.shape[1:], spacing, self.spacing), smooth)

    def _on(self, pixels: Tensor, spacing: Sequence[float], smooth: bool) -> Tensor:
        pixels = self._resampled(pixels, spacing, smooth)
        if self.fit == "resize":
            return _resized(pixels, self.shape, smooth)
        for axis, edge in enumerate(self.shape, start=1):
            extra = pixels.shape[axis] - edge
            if extra > 0:
                pixels = pixels.narrow(axis, extra // 2, edge)
        missing = [edge - have for edge, have in zip(self.shape, pixels.shape[1:], strict=True)]
        return F.pad(pixels, [part for gap in reversed(missing) for part in (gap // 2, gap - gap // 2)])


def resampled_shape(
    shape: Sequence[int], before: Sequence[float], after: Sequence[float] | None
) -> tuple[int, ...]:
    """Pixels along each axis once they have another spacing."""
    if after is None:
        return tuple(shape)
    steps = zip(shape, before, after, strict=True)
    return tuple(max(1, round(edge * old / new)) for edge, old, new in steps)


def _resized(pixels: Tensor, shape: tuple[int, ...], smooth: bool) -> Tensor:
    if tuple(pixels.shape[1:]) == shape:
        return pixels
    if not smooth:
        exact = pixels if pixels.dtype == torch.uint8 else pixels.float()  # which holds two bytes to the bit
        return F.interpolate(exact[None], shape, mode="nearest-exact")[0].to(pixels.dtype)
    fewer = all(new <= old for new, old in zip(shape, pixels.shape[1:], strict=True))
    mode = "area" if fewer else {2: "bilinear", 3: "trilinear"}[len(shape)]
    return F.interpolate(pixels[None], shape, mode=mode)[0]


@dataclass(frozen=True)
class Levels:
    """How intensities become 0..255.

    Args:
        window: the intensities of black and white, as for CT; None = by percentiles.
        percentiles: those of each image's own intensities that become black and white, as for MR.

    Raises:
        InputError: a pair whose second value is not the larger one.
    """

    window: tuple[float, float] | None = None
    percentiles: tuple[float, float] = (0.5, 99.5)

    def __post_init__(self) -> None:
        for key, pair in (("percentiles", self.percentiles), ("window", self.window)):
            if pair is not None and not pair[0] < pair[1]:
                raise InputError(f"dataset.{key}={list(pair)}: two rising numbers")

    def scaled(self, pixels: NDArray[Any]) -> NDArray[np.float32]:
        """[channels, ...] → 0..255, each channel by itself; 0 where all pixels are equal."""
        axes = tuple(range(1, pixels.ndim))
        if self.window is None:
            low, high = np.percentile(pixels, self.percentiles, axis=axes, keepdims=True)
        else:
            low, high = np.float64(self.window[0]), np.float64(self.window[1])
        width = np.where(high > low, high - low, np.inf)
        return ((pixels - low) / width * 255).clip(0, 255).astype(np.float32)
