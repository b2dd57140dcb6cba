"""Targets of which some are known from elsewhere: they are looked up by index, and nothing is copied."""

from collections.abc import Mapping
from dataclasses import dataclass, field

import torch
from torch import Tensor

from al_runner.loop.oracle import are_told


@dataclass(frozen=True)
class Overlay:
    """Some targets over others.

    Attributes:
        below: [N, ...], the targets of all samples; may be over a read-only memory map.
        known: index → the target that counts in place of the one below.
    """

    below: Tensor
    known: Mapping[int, Tensor] = field(default_factory=dict)

    @property
    def dtype(self) -> torch.dtype:
        """Of a target."""
        return self.below.dtype

    @property
    def ndim(self) -> int:
        """Axes of all targets."""
        return self.below.ndim

    def __len__(self) -> int:
        return len(self.below)

    def __getitem__(self, indices: Tensor) -> Tensor:
        """The targets of some samples: a copy [n, ...]."""
        found = self.below[indices]
        for place, index in enumerate(indices.tolist()):
            if index in self.known:
                found[place] = self.known[index]
        return found

    def told(self) -> Tensor:
        """Of which samples the target is known: bool [N]."""
        found = are_told(self.below)
        if self.known:
            of_known = torch.stack(list(self.known.values()))
            found[list(self.known)] = are_told(of_known)
        return found

    def whole(self) -> Tensor:
        """All targets in one tensor, which is a copy if some are known."""
        if not self.known:
            return self.below
        found = self.below.clone()
        for index, target in self.known.items():
            found[index] = target
        return found
