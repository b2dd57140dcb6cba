"""What a model's predictions are sampled over, for strategies that ask how sure it is of itself."""

from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass
from typing import Literal, Protocol

import torch
from torch import Tensor, nn

from al_runner.data.tasks.base import Loss
from al_runner.errors import InputError
from al_runner.learning.aleatoric import Mixture, with_noise
from al_runner.learning.dropout import add_dropout, add_dropouts, sampled
from al_runner.models import NetworkBuilder
from al_runner.values import Inside, Several

NOTHING_TO_SAMPLE = (
    "the strategy samples the model's predictions: it needs posterior=mc_dropout or posterior=ensemble, best "
    "the same for every strategy that it is compared with"
)


class Posterior(Protocol):
    """A distribution over networks."""

    @property
    def members(self) -> int:
        """Networks that are trained, and whose predictions are averaged."""

    @property
    def copies(self) -> int:
        """Of a sample's feature maps that are in memory at once while it is sampled."""

    @property
    def throughout(self) -> bool:
        """Whether these copies are made before the first layer, and not of what the last ones see."""

    @property
    def can_sample(self) -> bool:
        """Whether there is anything to sample."""

    @property
    def learns_noise(self) -> bool:
        """Whether its networks predict the noise of their logits, too."""

    def build(self, build: NetworkBuilder, mixture: Mixture) -> NetworkBuilder:
        """A builder of networks that can be sampled; of n images they make [n, ...] or [n, members, ...].

        `mixture` is the task's: it makes one prediction of many that differ by noise.
        """

    def loss(self, loss: Loss) -> Loss:
        """The training loss of what such a network gives."""

    def sampling(self, network: nn.Module, generator: torch.Generator) -> AbstractContextManager[None]:
        """While it lasts, the network gives [n, K, ...] for n images, in evaluation mode: K samples.

        The k-th sample is one network for all images; it is drawn from `generator`.

        Raises:
            InputError: there is nothing to sample.
        """


class Point:
    """One network; there is nothing to sample."""

    @property
    def members(self) -> int:
        """One."""
        return 1

    @property
    def copies(self) -> int:
        """One."""
        return 1

    @property
    def throughout(self) -> bool:
        """No."""
        return False

    @property
    def can_sample(self) -> bool:
        """No."""
        return False

    @property
    def learns_noise(self) -> bool:
        """No."""
        return False

    def build(self, build: NetworkBuilder, mixture: Mixture) -> NetworkBuilder:  # noqa: ARG002
        """The builder as it is."""
        return build

    def loss(self, loss: Loss) -> Loss:
        """The loss as it is."""
        return loss

    def sampling(self, network: nn.Module, generator: torch.Generator) -> AbstractContextManager[None]:  # noqa: ARG002
        """Refused."""
        raise InputError(NOTHING_TO_SAMPLE)


@dataclass(frozen=True)
class McDropout(Point):
    """Monte Carlo dropout (Gal and Ghahramani, 2016): a sample is the network with one draw of its dropouts.

    A draw is the same for all images (consistent dropout; Kirsch, van Amersfoort and Gal, 2019), which joint
    predictions need. The layers before the first dropout are computed once for all samples. Where no samples
    are asked for, the dropouts are off.

    With `aleatoric` the network predicts the noise of its logits, too (Kendall and Gal, 2017): it is trained
    by their loss for classification, eq. 12, and `predictive_variance` has its aleatoric term.

    Args:
        samples: K.
        p: of the dropouts that a network gets.
        aleatoric: also learn the noise.
        layers: `last`: a network that has no dropout gets one before the classifier. `all`: every network has
            one before each convolution and linear layer but the first, in place of its own (Kendall and Gal,
            2017); a sample then costs as much as a prediction.
    """

    samples: Several = 20
    p: Inside = 0.5
    aleatoric: bool = False
    layers: Literal["last", "all"] = "last"

    @property
    def copies(self) -> int:
        """One for each sample, from the first dropout on."""
        return self.samples

    @property
    def throughout(self) -> bool:
        """If all layers have a dropout."""
        return self.layers == "all"

    @property
    def can_sample(self) -> bool:
        """Yes."""
        return True

    @property
    def learns_noise(self) -> bool:
        """If asked for."""
        return self.aleatoric

    def build(self, build: NetworkBuilder, mixture: Mixture) -> NetworkBuilder:
        """Networks with a dropout."""

        def with_dropout(in_channels: int, n_outputs: int, image_size: tuple[int, ...]) -> nn.Module:
            add = add_dropouts if self.throughout else add_dropout
            return add(build(in_channels, n_outputs, image_size), self.p)

        return with_noise(with_dropout, mixture) if self.aleatoric else with_dropout

    def sampling(self, network: nn.Module, generator: torch.Generator) -> AbstractContextManager[None]:
        """K draws of the dropouts."""
        return sampled(network, self.samples, generator, self.throughout)


@dataclass(frozen=True)
class Ensemble:
    """A deep ensemble (Lakshminarayanan, Pritzel and Blundell, 2017): networks from different first weights.

    They see the same batches, so they are trained side by side, each as it would be alone. The first one
    begins with the weights of the network without an ensemble. Embeddings are those of the last one.

    Args:
        members: K.
    """

    members: Several = 5

    @property
    def copies(self) -> int:
        """One: the members come one after the other."""
        return 1

    @property
    def throughout(self) -> bool:
        """No."""
        return False

    @property
    def can_sample(self) -> bool:
        """Yes."""
        return True

    @property
    def learns_noise(self) -> bool:
        """No."""
        return False

    def build(self, build: NetworkBuilder, mixture: Mixture) -> NetworkBuilder:  # noqa: ARG002
        """All of them as one network."""

        def side_by_side(in_channels: int, n_outputs: int, image_size: tuple[int, ...]) -> nn.Module:
            return SideBySide([build(in_channels, n_outputs, image_size) for _ in range(self.members)])

        return side_by_side

    def loss(self, loss: Loss) -> Loss:
        """The sum over members, so that each one's gradient is that of its own loss."""
        return Summed(loss)

    def sampling(self, network: nn.Module, generator: torch.Generator) -> AbstractContextManager[None]:  # noqa: ARG002
        """The members are the samples."""
        return nullcontext()


@dataclass(frozen=True)
class Summed:
    """The sum over members of a loss; equal to that of an equal loss, for which graphs are kept."""

    loss: Loss

    def __call__(self, outputs: Tensor, targets: Tensor) -> Tensor:
        """Of [n, members, ...]."""
        return torch.stack([self.loss(member, targets) for member in outputs.unbind(1)]).sum()


class SideBySide(nn.Module):
    """Networks of which each sees the same images: [n, members, ...]."""

    def __init__(self, members: list[nn.Module]) -> None:
        super().__init__()
        self.members = nn.ModuleList(members)

    def forward(self, images: Tensor) -> Tensor:
        """Every member's output."""
        return torch.stack([member(images) for member in self.members], 1)
