"""Targets that masks made: decoded once, then known by the checksum of the mask's file."""

import hashlib
import io
import sys
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING
from zipfile import BadZipFile

from al_runner.data.masks import Masks
from al_runner.errors import InputError
from al_runner.files import digest, replace

if TYPE_CHECKING:
    from torch import Tensor

DECODED = ".decoded"
"""In the run folder: whoever removes it loses time alone."""
DIGEST = "sha256:"
"""How a mask's checksum begins."""
FORMAT = 1
"""Of what is made of a mask: another one is decoded anew."""


@dataclass(frozen=True)
class Decoded:
    """The targets of a run's masks.

    Attributes:
        folder: the run folder, whose data, grid and labels are always the same.
        root: of the images.
        masks: how they are read.
    """

    folder: Path
    root: Path
    masks: Masks

    def target(self, sample: str, mask: Path, label: str) -> "Tensor":
        """The target that a mask's file makes; people hear of foreground that it loses when it is decoded.

        Args:
            sample: the path of its image below the root.
            mask: its file.
            label: the file's `checksum`.

        Raises:
            InputError: it cannot be read, does not fit its image, or was saved meanwhile.
        """
        path = self._place(sample, label)
        if (known := _load(path)) is not None:
            return known
        try:
            target, loses = self.masks.read(self.root / sample, mask)
        except InputError as error:
            raise InputError(f"{mask}: {error}") from error
        if checksum(mask) != label:
            raise InputError(f"{mask} was saved while it was read: start the same al-run again")
        if loses:
            shape = list(target.shape)
            print(
                f"al-run: {mask.name} reaches beyond dataset.shape={shape} and loses foreground",
                file=sys.stderr,
            )
        with suppress(OSError):  # where it cannot be kept, it is decoded again
            path.parent.mkdir(exist_ok=True)
            replace(path, _packed(target))
        return target

    def _place(self, sample: str, label: str) -> Path:
        key = hashlib.sha256(f"{FORMAT} {sample} {label}".encode(errors="replace")).hexdigest()
        return self.folder / DECODED / f"{key[:32]}.npz"


def checksum(mask: Path) -> str:
    """What a mask's file is known by, as the label of an answer.

    Raises:
        InputError: it cannot be read.
    """
    try:
        return f"{DIGEST}{digest(mask)}"
    except OSError as error:
        raise InputError(f"cannot read {mask}: {error.strerror or error}") from error


def _packed(target: "Tensor") -> bytes:
    import numpy as np

    buffer = io.BytesIO()
    np.savez_compressed(buffer, target=target.numpy())
    return buffer.getvalue()


def _load(path: Path) -> "Tensor | None":
    """A target that was kept; None = it was not, or is damaged."""
    import numpy as np
    from torch import from_numpy

    try:
        with np.load(path, allow_pickle=False) as found:
            return from_numpy(found["target"])
    except (OSError, ValueError, KeyError, EOFError, BadZipFile):
        return None
