"""Encoders with weights in a file of the user's."""

from abc import abstractmethod
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, ClassVar

import torch
from annotated_types import Len
from torch import nn

from al_runner.data.dataset import Dataset
from al_runner.errors import InputError
from al_runner.learning.encoders.adapted import Adapted, Seen, check
from al_runner.learning.encoders.features import N_OUTPUTS, Features
from al_runner.learning.encoders.pretrained import Pretrained
from al_runner.learning.encoders.starting import beginning
from al_runner.learning.encoders.weights import digest_of_file, load_state, read_state
from al_runner.learning.machine import Machine
from al_runner.models import NetworkBuilder
from al_runner.values import Count, Named, Positive


@dataclass(frozen=True, kw_only=True)
class OfFile(Pretrained):
    """What encoders with a file share.

    Args:
        file: of the weights.
        channels: of the images that it sees; None = as the data set has them.
        mean, std: of each channel of images of 0..1, or one for all: 0.5 makes −1..1 of them.
    """

    file: Named
    channels: Count | None = None
    mean: float | Annotated[Sequence[float], Len(1)] = 0.5
    std: Positive | Annotated[Sequence[Positive], Len(1)] = 0.5

    @property
    def path(self) -> Path:
        """The file."""
        return Path(self.file).expanduser()

    def source(self) -> str:
        """The digest of the file's content."""
        return digest_of_file(self.file)

    def load(self, dataset: Dataset) -> tuple[nn.Module, Seen]:
        """The network with the file's weights."""
        channels = self.channels or dataset.channels
        mean, std = (_each(getattr(self, name), channels, name) for name in ("mean", "std"))
        seen = Seen(channels, None, mean, std, axes=None)
        size = (
            dataset.image_size
            if self.size in (None, "image")
            else self._sees(nn.Identity(), seen, dataset)[1].size
        )
        return self.network(channels, size or dataset.image_size), seen

    @abstractmethod
    def network(self, channels: int, image_size: tuple[int, ...]) -> nn.Module:
        """The network with the file's weights, for images as it sees them."""


@dataclass(frozen=True, kw_only=True)
class StateFile(OfFile):
    """An architecture of `conf/model`, and a file of PyTorch's with weights for it.

    Args:
        model: the architecture.
    """

    model: NetworkBuilder

    name: ClassVar[str] = "state_file"

    def network(self, channels: int, image_size: tuple[int, ...]) -> nn.Module:
        """The architecture with the file's weights."""
        return _with_weights(self.model(channels, N_OUTPUTS, image_size), self.path, channels, image_size)

    def start(self, dataset: Dataset, machine: Machine) -> NetworkBuilder:  # noqa: ARG002
        """Networks of the architecture that begin with those of the file's weights that features depend on.

        So a U-Net begins with its way down, and what is after it is fresh.
        """
        network, seen = self._sees(*self.load(dataset), dataset)
        example = torch.zeros(1, seen.channels, *(seen.size or dataset.image_size))
        build = beginning(self.model, Features(network, example).weights(), self.name)

        def begin(in_channels: int, n_outputs: int, image_size: tuple[int, ...]) -> nn.Module:
            check(self.name, seen, in_channels, image_size)
            begun = build(seen.channels, n_outputs, seen.size or image_size)
            return begun if seen == plain(in_channels) else Adapted(begun, seen)

        return begin


@dataclass(frozen=True, kw_only=True)
class Monai(OfFile):
    """A network of MONAI, or anybody's, by its class and arguments, and a file with weights for it.

    Args:
        network_of: makes the network, for as many channels as `channels` says.
    """

    network_of: Callable[[], nn.Module]

    name: ClassVar[str] = "monai"

    def network(self, channels: int, image_size: tuple[int, ...]) -> nn.Module:
        """MONAI's network with the file's weights."""
        try:
            network = self.network_of()
        except Exception as error:  # a library's, of any kind: nothing else runs here
            raise InputError(f"encoder.network_of: {' '.join(str(error).split())}") from error
        return _with_weights(network, self.path, channels, image_size)


def _with_weights(network: nn.Module, path: Path, channels: int, image_size: tuple[int, ...]) -> nn.Module:
    """The network with a file's weights; those of its features have to be there."""
    features = Features(network, torch.zeros(1, channels, *image_size))
    needed = features.trained
    load_state(network, read_state(path), needed, path)
    features.release()
    return network


def _each(value: float | Sequence[float], channels: int, name: str) -> tuple[float, ...]:
    values = (float(value),) * channels if isinstance(value, int | float) else tuple(map(float, value))
    if len(values) != channels:
        raise InputError(f"encoder.{name} has {len(values)} values for {channels} channels")
    return values


def plain(channels: int) -> Seen:
    """Images as al-runner's own networks have them: of −1..1."""
    half = (0.5,) * channels
    return Seen(channels, None, half, half, axes=None)
