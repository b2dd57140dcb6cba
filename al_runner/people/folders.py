"""What a run folder says of its run, for those who start none."""

import json
from pathlib import Path
from typing import Any

from filelock import FileLock, Timeout


def read_manifest(folder: Path) -> dict[str, Any]:
    """What al-run says of itself; {} where it says nothing that can be read."""
    try:
        found = json.loads((folder / "manifest.json").read_text(encoding="utf-8"))
    except (OSError, ValueError, RecursionError):
        return {}
    return found if isinstance(found, dict) else {}


def is_locked(folder: Path) -> bool:
    """Whether an al-run works on the folder."""
    try:
        with FileLock(folder / "run.lock").acquire(timeout=0):
            return False
    except Timeout:
        return True


def has_model(folder: Path) -> bool:
    """Whether a round is complete."""
    return any(folder.glob("round_*"))
