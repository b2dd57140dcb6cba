"""Encoders that were learned elsewhere: images as they were trained with, their features, and new heads."""

import copy
import math
from abc import ABC, abstractmethod
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Any, ClassVar, Literal

from annotated_types import Len
from torch import nn

from al_runner.data.dataset import Dataset
from al_runner.data.progress import counted
from al_runner.errors import InputError
from al_runner.learning.encoders.adapted import Adapted, Seen, check
from al_runner.learning.encoders.base import Encoded
from al_runner.learning.encoders.features import Features, blank, ready, write_all
from al_runner.learning.encoders.kept import Store
from al_runner.learning.encoders.options import described
from al_runner.learning.finetuning import of_encoder
from al_runner.learning.machine import Machine
from al_runner.models import NetworkBuilder
from al_runner.values import Count, Named

Size = Count | Annotated[Sequence[Count], Len(2, 3)] | Literal["image"] | None


@dataclass(frozen=True, kw_only=True)
class Pretrained(ABC):
    """What encoders with weights of others share: their features are kept, for they take time.

    Args:
        size: edges of the images that it sees: None = as it was trained, `image` = as they are, or pixels.
        cache_dir: folder of all encoders.
    """

    cache_dir: Named
    size: Size = None

    name: ClassVar[str]

    @abstractmethod
    def load(self, dataset: Dataset) -> tuple[nn.Module, Seen]:
        """The network with its weights, and how it sees images.

        Raises:
            InputError: it cannot be had, or is not for such images.
        """

    def source(self) -> Any:
        """What else than its options tells the weights, such as a digest of their file; JSON has it."""
        return None

    def features(self, dataset: Dataset) -> tuple[nn.Module, Seen]:
        """Images of −1..1 → features, and how the network behind sees them."""
        network, seen = self._sees(*self.load(dataset), dataset)
        try:
            return Features(Adapted(network, seen), blank(dataset)), seen
        except InputError as error:
            if self.size != "image":
                raise
            raise InputError(f"{error}; if they are too small, encoder.size=96 enlarges them") from error

    def encode(self, dataset: Dataset, machine: Machine) -> Encoded:
        """The features of all splits; computed if nobody did."""

        def make(folder: Path) -> None:
            features, seen = self.features(dataset)
            n = sum(map(len, dataset.splits.values()))
            first = next(
                (m.out_channels for m in features.modules() if isinstance(m, nn.Conv2d | nn.Conv3d)), 64
            )
            what = f"encoder={self.name} computes features of the {n:,} images of {dataset.name}"
            with counted(what, n) as advance:
                numbers = first * math.prod(seen.size or dataset.image_size)
                write_all(folder, features, dataset, machine, numbers, advance)

        options = {**described(self), "source": self.source()}
        return Store(self.cache_dir, self.name, options, dataset).get(make, machine.name).encoded()

    def frozen(self, dataset: Dataset, machine: Machine) -> nn.Module:
        """The network with these weights."""
        return ready(self.features(dataset)[0], dataset, machine)

    def start(self, dataset: Dataset, machine: Machine) -> NetworkBuilder:  # noqa: ARG002
        """Networks with these weights and a fresh last layer, which have images as the encoder has them."""
        network, seen = self._sees(*self.load(dataset), dataset)

        def begin(in_channels: int, n_outputs: int, image_size: tuple[int, ...]) -> nn.Module:
            check(self.name, seen, in_channels, image_size)
            return Adapted(self.with_head(copy.deepcopy(network), n_outputs), seen)

        return begin

    def with_head(self, network: nn.Module, n_outputs: int) -> nn.Module:
        """The network with a fresh last linear layer.

        Raises:
            InputError: it has none.
        """
        linear = [name for name, module in network.named_modules() if isinstance(module, nn.Linear)]
        if not linear:
            raise InputError(f"encoder={self.name}: its network has no linear layer that could be a new head")
        of_encoder(network, [name for name in network.state_dict() if name.rpartition(".")[0] != linear[-1]])
        parent, _, last = linear[-1].rpartition(".")
        old = network.get_submodule(linear[-1])
        setattr(network.get_submodule(parent), last, nn.Linear(int(old.in_features), n_outputs))  # type: ignore[arg-type]
        return network

    def _sees(self, network: nn.Module, seen: Seen, dataset: Dataset) -> tuple[nn.Module, Seen]:
        """The network, and what it sees with the size that was asked for."""
        check(self.name, seen, dataset.channels, dataset.image_size)
        if self.size is None:
            return network, seen
        axes = len(dataset.image_size)
        if self.size == "image":
            size = dataset.image_size
        else:
            size = (self.size,) * axes if isinstance(self.size, int) else tuple(map(int, self.size))
        if len(size) != axes:
            raise InputError(f"encoder.size={self.size} must have {axes} edges, as the images have")
        return network, Seen(seen.channels, size, seen.mean, seen.std, seen.axes)
