"""Saliency by the gradient of an output by the pixels."""

from dataclasses import dataclass

import torch
from torch import Tensor, nn

from al_runner.data.dataset import BLACK
from al_runner.models.saliency.base import Explained, explaining, scalar
from al_runner.values import Count, Natural


@dataclass(frozen=True)
class Gradient:
    """How much the output changes with a pixel (Simonyan et al., 2014): Σ over channels of |∂f/∂x|, ≥ 0.

    Args:
        of: the class whose output is explained; None = what the model predicts.
    """

    of: Natural | None = None

    def __call__(self, network: nn.Module, images: Tensor, explained: Explained) -> Tensor:
        """The gradients' magnitudes: [n, ...]."""
        with explaining(network):
            pixels = images.detach().clone().requires_grad_()
            outputs = network(pixels)
            output = scalar(outputs, explained(outputs.detach()))
            return torch.autograd.grad(output.sum(), pixels)[0].abs().sum(1)


@dataclass(frozen=True)
class IntegratedGradients:
    """Integrated gradients (Sundararajan, Taly and Yan, 2017) from a black image, by captum.

    (x − black) · ∫ ∂f/∂x (black + t (x − black)) dt, t from 0 to 1, summed over channels. The sum of a map is
    f(x) − f(black), up to the error of the integral (Gauss–Legendre).

    Args:
        steps: gradients that are averaged.
        of: the class whose output is explained; None = what the model predicts.
    """

    steps: Count = 32
    of: Natural | None = None

    def __call__(self, network: nn.Module, images: Tensor, explained: Explained) -> Tensor:
        """Integrated gradients: [n, ...]."""
        from captum.attr import IntegratedGradients as Path  # slow to import, and seldom needed

        with explaining(network):
            with torch.no_grad():
                chosen = explained(network(images))
            path = Path(lambda inputs, chosen: scalar(network(inputs), chosen))
            return path.attribute(
                images,
                baselines=BLACK,
                additional_forward_args=chosen,
                n_steps=self.steps,
                internal_batch_size=len(images),  # as many at once as for a prediction
            ).sum(1)
