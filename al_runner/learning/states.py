"""States of what a run goes on with, as files: tensors and plain values."""

import io
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import torch


def write(state: Mapping[str, Any], path: Path) -> None:
    """Write a state."""
    # Through memory: torch's own writer turns a full disk into an error that does not say so.
    buffer = io.BytesIO()
    torch.save(state, buffer)
    path.write_bytes(buffer.getbuffer())


def read(path: Path, device: torch.device | str = "cpu") -> dict[str, Any]:
    """Read a state, its tensors on `device`."""
    state: dict[str, Any] = torch.load(path, map_location=device, weights_only=True)
    return state
