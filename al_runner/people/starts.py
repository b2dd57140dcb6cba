"""The model's own outlines beside masks that are to be drawn, as a start for those who want one."""

import json
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from al_runner.errors import InputError
from al_runner.files import digest, replace

STARTS = "starts.json"
"""In the run folder: name of a start → its checksum as it was written."""
START = ".start"
"""In the name of a start, before the suffix of its mask."""
KINDS = (".nii", ".nii.gz", ".nrrd", ".mha", ".mhd", ".png", ".tif", ".tiff", ".bmp")
"""Files that end so are meant to be masks; others are what programs leave beside them."""


@dataclass(frozen=True)
class Starts:
    """The starts of a run: they are known by their checksums, so that what a person changed is kept.

    Attributes:
        folder: the run folder.
        masks: where masks and their starts lie.
    """

    folder: Path
    masks: Path

    def offer(self, mask: str, write: Callable[[Path], object]) -> None:
        """Let a start lie beside the mask of some name; what is there already may be what somebody works on.

        Args:
            mask: the name.
            write: writes the start to a file.
        """
        start = self.masks / started(mask)
        if not ((self.masks / mask).exists() or start.exists()):
            write(start)
            self._keep({**self._written(), start.name: digest(start)})

    def clear(self) -> None:
        """Remove those that nobody changed."""
        for name, was in self._written().items():
            start = self.masks / name
            if start.is_file() and digest(start) == was:
                start.unlink()
        (self.folder / STARTS).unlink(missing_ok=True)

    def _written(self) -> dict[str, str]:
        path = self.folder / STARTS
        if not path.is_file():
            return {}
        try:
            return {str(name): str(was) for name, was in json.loads(path.read_text(encoding="utf-8")).items()}
        except (ValueError, AttributeError) as error:
            raise InputError(
                f"{path} is not as al-run wrote it: remove it, and the model's outlines stay beside the masks"
            ) from error

    def _keep(self, written: dict[str, str]) -> None:
        replace(self.folder / STARTS, json.dumps(written, indent=1).encode())


def started(name: str) -> str:
    """The name of the model's own outline beside a mask of some name."""
    suffix = next(kind for kind in sorted(KINDS, key=len, reverse=True) if name.endswith(kind))
    return f"{name.removesuffix(suffix)}{START}{suffix}"
