"""States of what a run goes on with, as files: tensors and plain values."""

import io
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import torch

from al_runner.errors import InputError


def write(state: Mapping[str, Any], path: Path) -> None:
    """Write a state."""
    # Through memory: torch's own writer turns a full disk into an error that does not say so.
    buffer = io.BytesIO()
    torch.save(state, buffer)
    path.write_bytes(buffer.getbuffer())


def read(path: Path, device: torch.device | str = "cpu") -> dict[str, Any]:
    """Read a state, its tensors on `device`.

    Raises:
        InputError: it was damaged, or is none: a pickle of anything else is not loaded.
        OSError: there is none.
    """
    try:
        state: dict[str, Any] = torch.load(path, map_location=device, weights_only=True)
    except (OSError, torch.OutOfMemoryError):
        raise
    except Exception as error:  # of damaged content, PyTorch raises many kinds: nothing else runs here
        raise InputError(f"{path} is damaged, or holds more than tensors and numbers") from error
    return state
