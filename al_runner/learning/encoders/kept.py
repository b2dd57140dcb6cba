"""What encoders learn and compute, kept: once for a data set and an encoder's options, for all runs."""

import hashlib
import json
import shutil
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import Tensor

from al_runner.data.cache import mapped
from al_runner.data.dataset import SPLITS, Dataset, Split
from al_runner.errors import InputError
from al_runner.files import alone, digest, to_disk
from al_runner.learning import states
from al_runner.learning.encoders.base import Encoded
from al_runner.learning.encoders.options import digest_of

FORMAT = 1
"""Of the files: what another one has is made anew."""
META, WEIGHTS = "meta.json", "weights.pt"
LOOKED_AT = 64
"""Images of each split that tell whether it was changed in memory, such as by noise."""


@dataclass(frozen=True)
class Kept:
    """A folder of what was made.

    Attributes:
        folder: has `features_<split>.npy`, `meta.json` and, where something was learned, `weights.pt`.
        meta: what it says about itself.
    """

    folder: Path
    meta: Mapping[str, Any]

    def encoded(self) -> Encoded:
        """The features, over read-only memory maps."""
        return Encoded(
            {name: mapped(np.load(features_file(self.folder, name), mmap_mode="r")) for name in SPLITS}
        )

    def weights(self) -> dict[str, Tensor]:
        """The weights that were learned, by their names in the network."""
        return states.read(self.folder / WEIGHTS)


@dataclass(frozen=True)
class Store:
    """A place in the cache for what an encoder makes of a data set.

    It is known by the encoder's options, the data set's fingerprint and shapes, and a look at some images.

    Args:
        cache_dir: folder of all encoders.
        encoder: the name, for people.
        options: the encoder's, as values that JSON has.
        dataset: what is encoded.
    """

    cache_dir: str | Path
    encoder: str
    options: Mapping[str, Any]
    dataset: Dataset

    @property
    def folder(self) -> Path:
        """Where the finished files lie: `<data set>-<encoder>-<hash>`."""
        shapes = {name: list(split.images.shape) for name, split in self.dataset.splits.items()}
        looks = {name: _look(split) for name, split in self.dataset.splits.items()}
        key = digest_of([FORMAT, self.encoder, self.options, self.dataset.fingerprint, shapes, looks])
        name = self.dataset.name.replace("/", "_")
        return Path(self.cache_dir).expanduser() / f"{name}-{self.encoder}-{key[:16]}"

    def has(self) -> bool:
        """Whether it was made."""
        return _load(self.folder) is not None

    def get(self, make: Callable[[Path], None], machine: str) -> Kept:
        """What was made; by the first who asks, while others wait.

        It appears by one rename, when it is complete and on the disk. What a killed process leaves is handed
        to the next one to go on with. What was damaged or cut short is made anew.

        Args:
            make: writes features (`write_features`), weights and whatever it needs to go on into a folder,
                which may have what a killed process left; only features and weights are kept.
            machine: on which, for people.

        Raises:
            InputError: it cannot be made, or not be written; then nothing is left of it.
        """
        folder = self.folder
        if found := _load(folder):
            return found
        with self._writing(folder):
            folder.parent.mkdir(parents=True, exist_ok=True)
            with alone(folder, "makes"):
                if not (found := _load(folder)):  # else another process made it meanwhile
                    self._make(folder, make, machine)
                    found = _load(folder)
        if not found:
            raise InputError(f"{folder} was changed while it was in use; start again")
        return found

    def _make(self, folder: Path, make: Callable[[Path], None], machine: str) -> None:
        shutil.rmtree(folder, ignore_errors=True)  # damaged
        partial = partial_of(folder)
        partial.mkdir(exist_ok=True)
        start = time.perf_counter()
        try:
            make(partial)
            made = [*(features_file(partial, name) for name in SPLITS), partial / WEIGHTS]
            for path in set(partial.iterdir()) - set(made):
                path.unlink()
            files = {path.name: digest(path) for path in made if path.exists()}
            meta = {
                "format": FORMAT,
                "encoder": self.encoder,
                "dataset": self.dataset.name,
                "fingerprint": self.dataset.fingerprint,
                "options": self.options,
                "seconds": round(time.perf_counter() - start, 1),
                "machine": machine,
                "files": files,
            }
            (partial / META).write_text(json.dumps(meta, indent=2), encoding="utf-8")
            for path in (*partial.iterdir(), partial):
                to_disk(path)
            partial.rename(folder)
            to_disk(folder.parent)
        except (OSError, InputError):
            shutil.rmtree(partial, ignore_errors=True)
            raise

    @contextmanager
    def _writing(self, folder: Path) -> Iterator[None]:
        """What the system refuses is bad input: the place, or its size."""
        try:
            yield
        except OSError as error:
            raise InputError(
                f"cannot keep encoder={self.encoder} of dataset {self.dataset.name} in {folder.parent}: "
                f"{error.strerror or error}; make room, or name another place by encoder.cache_dir or "
                "$AL_RUNNER_CACHE"
            ) from error


def partial_of(folder: Path) -> Path:
    """Where a folder is while it is made."""
    return folder.with_name(f".{folder.name}.partial")


def features_file(folder: Path, split: str) -> Path:
    """The features of a split, in NumPy's format."""
    return folder / f"features_{split}.npy"


def write_features(folder: Path, split: str, n: int, chunks: Iterator[Tensor]) -> None:
    """Write the features of a split, float32 [n, D], chunk by chunk.

    Not through a writable map, which a full disk would kill the process by.

    Raises:
        InputError: they are not finite.
    """
    with features_file(folder, split).open("wb") as file:
        for count, chunk in enumerate(chunks):
            if not chunk.isfinite().all():
                raise InputError(f"the encoder gives features of {split} images that are not finite")
            if not count:
                header = {"descr": "<f4", "fortran_order": False, "shape": (n, chunk.shape[1])}
                np.lib.format.write_array_header_1_0(file, header)
            file.write(chunk.to("cpu", torch.float32).contiguous().numpy().tobytes())


def _load(folder: Path) -> Kept | None:
    """What a folder has; None where there is none, or a damaged one."""
    try:
        meta = json.loads((folder / META).read_text(encoding="utf-8"))
        needed = {features_file(folder, name).name for name in SPLITS}
        whole = all(_digest(folder / name) == expected for name, expected in meta["files"].items())
        return (
            Kept(folder, meta)
            if meta["format"] == FORMAT and whole and needed <= set(meta["files"])
            else None
        )
    except (OSError, ValueError, KeyError, TypeError, AttributeError, RecursionError):
        return None


def _digest(path: Path) -> str:
    """SHA-256 of a file; as long as it does not change, a process computes it once for all its runs."""
    status = path.stat()
    return _digest_of(path, status.st_size, status.st_mtime_ns)


@cache
def _digest_of(path: Path, _size: int, _changed: int) -> str:
    return digest(path)


def _look(split: Split) -> str:
    """A digest of some images, spread over a split."""
    places = torch.linspace(0, len(split) - 1, min(LOOKED_AT, len(split))).long()
    images = split.images[places.to(split.images.device)].cpu().contiguous()
    return hashlib.sha256(images.numpy().tobytes()).hexdigest()
