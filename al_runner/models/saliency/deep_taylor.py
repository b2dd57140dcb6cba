"""Deep Taylor decomposition."""

from dataclasses import dataclass

import torch
from torch import Tensor, nn

from al_runner.data.dataset import BLACK, WHITE
from al_runner.models.saliency.base import Explained, explaining, scalar
from al_runner.models.saliency.contributions import Contributions, share
from al_runner.models.saliency.pixels import Pixels
from al_runner.models.saliency.rectified import passed
from al_runner.values import Natural


@dataclass(frozen=True)
class DeepTaylor:
    """Deep Taylor decomposition (Montavon et al., Pattern Recognition 65, 2017) of ReLU networks.

    The output is handed back layer by layer. A neuron max(0, Σ_i v_i a_i + b) of inputs a_i ≥ 0 hands each
    of them max(0, v_i a_i) / Σ_j max(0, v_j a_j) of its relevance (z⁺ rule). In the first layer, where pixels
    x lie between low and high, shares go by v x − low v⁺ − high v⁻ (bounded-input rule, z^B). Batch norms are
    part of the layer that they follow, or of the one that follows them; a residual sum is one neuron with the
    inputs of both branches; max-pooling hands all to the largest input.

    A map has the sign of the explained output everywhere, and that output is its sum, but for the relevance
    of neurons that no input supports: they are active by their bias alone. That is next to nothing where
    neurons have many inputs. In a DenseNet, batch norm and ReLU make neurons of one input: there it may be
    a part.

    It knows convolutions, linear layers, ReLU, batch norm, dropout, poolings, sums and concatenations, which
    is all of alda_cnn, ResNets, DenseNets and VGGs, in 2D and 3D.

    Args:
        of: the class whose output is explained; None = what the model predicts.
    """

    of: Natural | None = None

    def __call__(self, network: nn.Module, images: Tensor, explained: Explained) -> Tensor:
        """Relevance of each pixel: [n, ...].

        Raises:
            InputError: a layer that it knows nothing of; says which.
        """
        with explaining(network):
            pixels = images.detach().clone().requires_grad_()
            ones = torch.ones_like(pixels).requires_grad_()
            outputs = passed(network, Pixels.between(BLACK, WHITE, pixels, ones), "Deep Taylor decomposition")
            relevance = _explained(outputs, explained(outputs.value))
            of_pixels, of_ones = torch.autograd.grad(relevance.sum(), [pixels, ones])
            return (pixels.detach() * of_pixels + of_ones).sum(1)


def _explained(outputs: Contributions, chosen: Tensor) -> Tensor:
    """The explained outputs [n], as neurons of which relevance starts."""
    with torch.no_grad():
        up, down = chosen.clamp(min=0), chosen.clamp(max=0)
    supporting = scalar(outputs.supporting, up)
    if down.any() and (opposing := outputs.opposing()) is not None:
        supporting = supporting + scalar(opposing, down)
    return supporting * share(scalar(outputs.value, chosen), supporting.detach())
