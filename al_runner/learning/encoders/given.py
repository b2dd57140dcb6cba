"""Features that a user has, such as from a foundation model."""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from al_runner.data.cache import mapped
from al_runner.data.dataset import SPLITS, Dataset
from al_runner.data.formats import arrays
from al_runner.errors import InputError, within
from al_runner.learning.encoders.base import Encoded
from al_runner.learning.machine import Machine
from al_runner.models import NetworkBuilder


@dataclass(frozen=True, kw_only=True)
class Given:
    """Features from files: nothing is computed.

    Args:
        path: an .npz file with the arrays `train`, `val` and `test`, or the .npy file of each split, by its
            name: floats [N, D], row by row the samples of the split.

    Raises:
        InputError: it is neither.
    """

    path: str | Mapping[str, str]

    def __post_init__(self) -> None:
        if isinstance(self.path, str):
            if not self.path.endswith(".npz"):
                raise InputError(
                    f"encoder.path={self.path} is not an .npz file; .npy files are given for each split: "
                    "'encoder.path={train: a.npy, val: b.npy, test: c.npy}'"
                )
        elif not isinstance(self.path, Mapping) or set(self.path) != set(SPLITS):
            raise InputError(f"encoder.path={self.path} needs a file for each of train, val and test")

    def encode(self, dataset: Dataset, machine: Machine) -> Encoded:  # noqa: ARG002
        """The features as they are.

        Raises:
            InputError: they cannot be read, or do not fit the data set.
        """
        found = {name: _checked(self._read(name), name, self._file(name), dataset) for name in SPLITS}
        if (
            len(widths := {name: each.shape[1] for name, each in found.items()})
            and len(set(widths.values())) > 1
        ):
            said = ", ".join(f"{width} in {name}" for name, width in widths.items())
            raise InputError(f"encoder.path: the splits have different numbers of features: {said}")
        return Encoded(found)

    def frozen(self, dataset: Dataset, machine: Machine) -> nn.Module:  # noqa: ARG002
        """Refused: they are of the data set's own images."""
        raise InputError(
            "encoder=features has the features of the run's own images alone: nothing makes those of others"
        )

    def start(self, dataset: Dataset, machine: Machine) -> NetworkBuilder:  # noqa: ARG002
        """Refused: features have no weights."""
        raise InputError(
            "encoder=features has no weights that a network could begin with: take head=linear or head=mlp"
        )

    def _file(self, split: str) -> str:
        return self.path if isinstance(self.path, str) else self.path[split]

    def _read(self, split: str) -> NDArray[Any]:
        path = Path(self._file(split)).expanduser()
        if isinstance(self.path, str):
            with within("encoder.path"):
                return arrays.read_all(path, [split])[split]
        try:
            return arrays.read(path, mapped=True)
        except InputError as error:
            raise InputError(f"encoder.path: cannot read {path}: {error}") from error


def _checked(features: NDArray[Any], split: str, file: str, dataset: Dataset) -> Tensor:
    """The features of a split as a tensor, if they fit it."""
    n = len(dataset.splits[split])
    where = f"encoder.path={file}: the {split} features"
    if not isinstance(features, np.ndarray) or features.ndim != 2 or features.dtype.kind != "f":
        shape = getattr(features, "shape", "no shape")
        raise InputError(f"{where} are {features.dtype} {list(shape)}; floats [N, D] are needed")
    if len(features) != n or not features.shape[1]:
        raise InputError(
            f"{where} have {len(features)} rows of {features.shape[1]} numbers, dataset {dataset.name} has "
            f"{n} {split} samples"
        )
    tensor = (
        mapped(features) if features.dtype == np.float32 else torch.from_numpy(features.astype(np.float32))
    )
    rows = (~tensor.isfinite().all(1)).nonzero().squeeze(1)
    if len(rows):
        raise InputError(f"{where} are not finite in {len(rows):,} rows, first in row {int(rows[0])}")
    return tensor
