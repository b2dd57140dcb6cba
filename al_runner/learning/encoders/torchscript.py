"""Encoders that are a file of TorchScript."""

from dataclasses import dataclass
from typing import Any, ClassVar

import torch
from torch import Tensor, nn

from al_runner.data.dataset import Dataset
from al_runner.errors import InputError
from al_runner.learning.encoders.adapted import Adapted, Seen
from al_runner.learning.encoders.statefile import OfFile
from al_runner.learning.machine import Machine
from al_runner.models import NetworkBuilder


@dataclass(frozen=True, kw_only=True)
class TorchScript(OfFile):
    """A network in a file of TorchScript: images → features [n, D]. What it was made of is not needed."""

    name: ClassVar[str] = "torchscript"

    def network(self, channels: int, image_size: tuple[int, ...]) -> nn.Module:  # noqa: ARG002
        """The script."""
        try:
            return torch.jit.load(str(self.path), map_location="cpu")
        except Exception as error:  # of damaged content, PyTorch raises many kinds: nothing else runs here
            why = " ".join(str(error).split())[:160]
            raise InputError(f"encoder.file={self.file} is no file of TorchScript: {why}") from error

    def features(self, dataset: Dataset) -> tuple[nn.Module, Seen]:
        """What the script gives."""
        network, seen = self._sees(*self.load(dataset), dataset)
        adapted = Adapted(network, seen).eval()
        try:
            with torch.inference_mode():
                made: Any = adapted(torch.zeros(2, dataset.channels, *dataset.image_size))
        except RuntimeError as error:
            why = " ".join(str(error).split())[-160:]
            raise InputError(f"encoder.file={self.file} cannot take the images: … {why}") from error
        if not isinstance(made, Tensor) or made.ndim != 2 or len(made) != 2:
            shape = list(made.shape) if isinstance(made, Tensor) else type(made).__name__
            raise InputError(
                f"encoder.file={self.file} gives {shape} for 2 images; features [2, D] are needed"
            )
        return adapted, seen

    def start(self, dataset: Dataset, machine: Machine) -> NetworkBuilder:  # noqa: ARG002
        """Refused: a script has no head that could be replaced."""
        raise InputError(
            "encoder=torchscript gives features alone: no network can begin with it; take encoder=state_file"
        )
