"""Named random streams, all derived from one root seed.

Every stream is a function of (seed, name, round) alone, so no draw depends on how many numbers another
stream took: two strategies share their initial set and first model, and a resumed run draws what the
undisturbed one would have drawn.
"""

import hashlib
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Literal

import torch

StreamName = Literal[
    "init", "model", "order", "dropout", "augment", "query", "oracle", "agreement", "noise", "patches"
]


@dataclass(frozen=True)
class Streams:
    """The streams of one run.

    `init` draws the initial set, `model` the initial weights, `order` the order of the training batches,
    `dropout` whatever a network draws while it trains, `augment` the augmentations, `query` ties and
    random choices of strategies, `oracle` label noise, `agreement` the samples on which models are compared,
    `noise` the noise of images, `patches` what of an image training sees.

    Args:
        seed: the root.
        branch: of streams apart from the run's own, such as those of a proxy; empty = the run's own.
    """

    seed: int
    branch: str = ""

    def seed_of(self, name: StreamName, round_number: int = 0, part: int | None = None) -> int:
        """A 63-bit seed: the first bytes of SHA-256 of `seed/name/round`, or of `seed/name/round/part`.

        Those of a branch are of `seed/branch/name/…`.
        """
        root = (self.seed, self.branch) if self.branch else (self.seed,)
        parts = (*root, name, round_number) if part is None else (*root, name, round_number, part)
        digest = hashlib.sha256("/".join(map(str, parts)).encode()).digest()
        return int.from_bytes(digest[:8], "big") >> 1

    def generator(self, name: StreamName, round_number: int = 0) -> torch.Generator:
        """A fresh CPU generator at the start of the stream `name` of a round."""
        return torch.Generator().manual_seed(self.seed_of(name, round_number))

    @contextmanager
    def as_global(self, name: StreamName, round_number: int = 0, part: int | None = None) -> Iterator[None]:
        """Let PyTorch's global generators follow a stream, for code that takes no generator."""
        gpus = [torch.cuda.current_device()] if torch.cuda.is_initialized() else []
        with torch.random.fork_rng(devices=gpus):  # by default it would start every GPU of the machine
            torch.manual_seed(self.seed_of(name, round_number, part))
            yield
