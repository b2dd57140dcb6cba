"""What every encoder does."""

from collections.abc import Mapping
from dataclasses import dataclass
from importlib import import_module
from typing import Any, Protocol

from torch import Tensor, nn

from al_runner.data.dataset import Dataset
from al_runner.errors import InputError
from al_runner.learning.machine import Machine
from al_runner.models import NetworkBuilder


@dataclass(frozen=True)
class Encoded:
    """A data set's features.

    Attributes:
        splits: `train`, `val` and `test` → float32 [N, D], row by row the split's samples; may be over a
            read-only memory map, so not to be written to.
    """

    splits: Mapping[str, Tensor]


class Encoder(Protocol):
    """Images → features; what `conf/encoder` names as its `_target_` makes one."""

    def encode(self, dataset: Dataset, machine: Machine) -> Encoded:
        """The features of all splits. An encoder that learns sees the training images alone, and no labels.

        Raises:
            InputError: the encoder cannot be had, or is not for such images.
        """
        ...

    def frozen(self, dataset: Dataset, machine: Machine) -> nn.Module:
        """The network that makes the features: images of −1..1 → float32 [n, D], in evaluation mode.

        Raises:
            InputError: nothing makes them of images, or it cannot be had.
        """
        ...

    def start(self, dataset: Dataset, machine: Machine) -> NetworkBuilder:
        """A builder of networks that begin with the encoder's weights.

        The last layer, which gives the outputs, is fresh: its weights are from PyTorch's global generator.

        Raises:
            InputError: the encoder has no weights to begin with, or its architecture does not allow it.
        """
        ...


def needed(module: str, what: str, extra: str) -> Any:
    """A module of a library that not everybody has.

    Args:
        module: its dotted name.
        what: needs it, such as `encoder=simclr`.
        extra: of al-runner, that installs it.

    Raises:
        InputError: it is not installed.
    """
    try:
        return import_module(module)
    except ImportError as error:
        library = module.partition(".")[0]
        raise InputError(f"{what} needs {library} ({error}): pip install 'al-runner[{extra}]'") from error
