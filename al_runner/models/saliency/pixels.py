"""The start of a Deep Taylor decomposition: images whose pixels have bounds."""

from typing import Any, ClassVar

import torch
from torch import Tensor

from al_runner.models.saliency.contributions import Contributions, Rule
from al_runner.models.saliency.rules import AFFINE, DROPOUTS, RESHAPES


class Pixels(Contributions):
    """Images, for the bounded-input rule of the first layer (z^B; Montavon et al., 2017, section 5.3).

    A pixel x in [low, high] supports a neuron by w (x − low) for w > 0 and by w (x − high) for w < 0. In all,
    Σ_i w_i x_i − low w_i⁺ − high w_i⁻, which is a layer of w on the images and one on images of ones.

    Attributes:
        ones: of the images' shape, differentiable, as `supporting`, the images, is.
        low: the smallest value of a pixel.
        high: the largest.
    """

    ones: Tensor
    low: float
    high: float
    rules: ClassVar[dict[Any, Rule]] = {}

    @classmethod
    def between(cls, low: float, high: float, images: Tensor, ones: Tensor) -> "Pixels":
        """Images [n, channels, ...] and ones like them."""
        pixels: Any = cls.sums(images, images, lambda: None)
        pixels.ones, pixels.low, pixels.high = ones, low, high
        return pixels


@Pixels.rule_for(*RESHAPES, *DROPOUTS)
def reshape(func: Any, pixels: Pixels, *args: Any, **kwargs: Any) -> Pixels:
    """What keeps pixels as they are."""
    images, ones = (func(part, *args, **kwargs) for part in (pixels.supporting, pixels.ones))
    return Pixels.between(pixels.low, pixels.high, images, ones)


@Pixels.rule_for(*AFFINE)
def affine(
    func: Any, pixels: Pixels, weight: Tensor, bias: Tensor | None = None, *args: Any
) -> Contributions:
    """A convolution or a linear layer. What opposes it are the contributions to its negative, negated."""
    weight = weight.detach()
    up, down = weight.clamp(min=0), weight.clamp(max=0)
    low, high = pixels.low, pixels.high

    def measured(bounds: Tensor) -> Any:
        """One pass for both: that of a single channel costs as much."""
        return func(_paired(pixels.supporting, pixels.ones), _paired(weight, -bounds), None, *args)

    with torch.no_grad():
        value = func(pixels.value, weight, bias, *args)
    return Contributions.sums(
        value, measured(low * up + high * down), lambda: measured(low * down + high * up)
    )


def _paired(a: Tensor, b: Tensor) -> Tensor:
    """Their channels in turn: [n, C, ...] twice → [n, 2 C, ...]."""
    return torch.stack([a, b], 2).flatten(1, 2)
