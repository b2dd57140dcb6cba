"""A network that predicts the noise of its logits, too (Kendall and Gal, 2017, section 3.3)."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from al_runner.models import NetworkBuilder

Mixture = Callable[[Tensor], Tensor]
"""The logits of J predictions [J, n, C, ...] → those of their mean [n, C, ...]."""
TRAINING_DRAWS = 10
"""Of the noise, for each logit of a training batch."""
SCORING_DRAWS = 50
"""The same where the variance is measured. They are the same for all samples, so their error is shared."""


class NoisyLogits(nn.Module):
    """A network with twice the outputs: logits f, and what becomes the deviation σ of their Gaussian noise.

    In training it gives the logits of the mean prediction under noise, 1/J Σ_j softmax(f + σ ε_j) with
    ε_j ~ N(0, I) from the global generator, whose cross-entropy is the loss of eq. 12. In evaluation mode
    it gives f: noise is off, as dropouts are. Fresh networks have a σ near 0.7.

    Args:
        network: [n, 2 C, ...] of n images.
        mixture: of the task.
    """

    def __init__(self, network: nn.Module, mixture: Mixture) -> None:
        super().__init__()
        self.network, self.mixture = network, mixture
        self.whole = False
        """Give the network's whole output."""

    def forward(self, images: Tensor) -> Tensor:
        """[n, C, ...]."""
        outputs = self.network(images)
        if self.whole:
            return outputs
        logits, deviation = parts(outputs, 1)
        if not self.training:
            return logits
        noise = torch.randn(TRAINING_DRAWS, *logits.shape, dtype=deviation.dtype, device=logits.device)
        return self.mixture(logits + deviation * noise)


def with_noise(build: NetworkBuilder, mixture: Mixture) -> NetworkBuilder:
    """A builder of networks that predict the noise of their logits, too."""

    def noisy(in_channels: int, n_outputs: int, image_size: tuple[int, ...]) -> nn.Module:
        return NoisyLogits(build(in_channels, 2 * n_outputs, image_size), mixture)

    return noisy


def parts(outputs: Tensor, axis: int) -> tuple[Tensor, Tensor]:
    """Logits f and deviations σ.

    σ is a softplus: it grows no faster than what the network says, while exp would let the noise of a sample
    that is learned wrongly run away.
    """
    logits, noise = outputs.chunk(2, axis)
    return logits, F.softplus(noise)


@contextmanager
def whole_outputs(network: nn.Module) -> Iterator[None]:
    """While it lasts, the network gives logits and noise, [n, 2 C, ...]."""
    noisy = [module for module in network.modules() if isinstance(module, NoisyLogits)]
    for module in noisy:
        module.whole = True
    try:
        yield
    finally:
        for module in noisy:
            module.whole = False


def noise_variance(
    logits: Tensor, deviation: Tensor, draws: Tensor, probabilities: Callable[[Tensor], Tensor]
) -> Tensor:
    """How far noise moves predictions: the variance of each probability over J draws, mean over classes.

    1/C Σ_c Var_j softmax(f + σ ε_j)_c, dividing by J. In [0, ¼]: the σ̂² of eq. 9, on the scale of a
    probability.

    Args:
        logits: f of K passes, [n, K, C, ...].
        deviation: σ, the same shape.
        draws: ε, [J, C], the same for all images, passes and pixels.
        probabilities: of logits, [n, K, C] or [n, sites, K, C].

    Returns:
        [n, K] or [n, sites, K].
    """
    mean, squares = torch.zeros(()), torch.zeros(())
    for j, draw in enumerate(draws, 1):  # one after the other (Welford, 1962): memory is that of one
        probs = probabilities(logits + deviation * draw.view(-1, *[1] * (logits.ndim - 3)))
        change = probs - mean
        mean = mean + change / j
        squares = squares + change * (probs - mean)
    return squares.mean(-1) / len(draws)
