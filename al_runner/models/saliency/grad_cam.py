"""Grad-CAM."""

from dataclasses import dataclass
from typing import Any

import torch
import torch.nn.functional as F
from torch import Tensor, nn
from torch.overrides import TorchFunctionMode

from al_runner.errors import InputError
from al_runner.models.saliency.base import Explained, explaining, scalar
from al_runner.models.saliency.rules import AVERAGES, MAXIMA
from al_runner.values import Natural

ENLARGED = {1: "linear", 2: "bilinear", 3: "trilinear"}
"""How maps of so many axes are."""


@dataclass(frozen=True)
class GradCam:
    """Grad-CAM (Selvaraju et al., 2017): which of the last feature maps speak for the output, and where.

    max(0, Σ_k α_k A_k), α_k the mean over pixels of ∂f/∂A_k, enlarged linearly to the image; ≥ 0. The A_k are
    the last feature maps of more than one pixel that are no pooling's, after their ReLU, batch norm or
    residual sum.

    Args:
        of: the class whose output is explained; None = what the model predicts.
    """

    of: Natural | None = None

    def __call__(self, network: nn.Module, images: Tensor, explained: Explained) -> Tensor:
        """The enlarged maps: [n, ...].

        Raises:
            InputError: the network makes no feature maps.
        """
        with explaining(network):
            # The first layers may be frozen: the images make all that is computed differentiable.
            with _LastMaps(images.ndim) as seen:
                outputs = network(images.detach().clone().requires_grad_())
            if seen.maps is None:
                raise InputError(
                    "Grad-CAM needs a network with feature maps of more than one pixel, such as "
                    "model=resnet18; saliency=gradient and integrated_gradients work for every network"
                )
            output = scalar(outputs, explained(outputs.detach()))
            (gradients,) = torch.autograd.grad(output.sum(), seen.maps)
            weights = gradients.flatten(2).mean(2).view(*gradients.shape[:2], *[1] * (images.ndim - 2))
            small = (weights * seen.maps.detach()).sum(1, keepdim=True).relu()
            return F.interpolate(small, images.shape[2:], mode=ENLARGED[images.ndim - 2])[:, 0]


class _LastMaps(TorchFunctionMode):
    """Remembers the last feature maps that are made while it lasts, those of poolings left out."""

    def __init__(self, ndim: int) -> None:
        super().__init__()
        self.ndim = ndim
        self.maps: Tensor | None = None

    def __torch_function__(
        self, func: Any, _types: Any, args: tuple[Any, ...] = (), kwargs: dict[str, Any] | None = None
    ) -> Any:
        result = func(*args, **(kwargs or {}))
        if func not in (*AVERAGES, *MAXIMA) and isinstance(result, Tensor) and self._are_maps(result):
            self.maps = result
        return result

    def _are_maps(self, result: Tensor) -> bool:
        return result.ndim == self.ndim and result.shape[2:].numel() > 1 and result.grad_fn is not None
