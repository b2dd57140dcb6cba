"""What a model may also learn from: guesses at the labels of samples that nobody labeled."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Protocol

import torch
from torch import Tensor

from al_runner.errors import InputError

KEY = "head.semi_supervised"


@dataclass(frozen=True)
class Guesses:
    """Guessed labels of some training samples.

    Attributes:
        indices: int64 [M].
        labels: distributions [M, C] or [M, L, 2].
        counts: which of them count: bool [M], or of each label [M, L].
    """

    indices: Tensor
    labels: Tensor
    counts: Tensor


Guess = Callable[[Tensor, Tensor, Tensor], Guesses]
"""(the model's predictions for all training samples; the labeled indices; their labels, as distributions)."""


class SemiSupervised(Protocol):
    """A way to guess labels."""

    @property
    def iterations(self) -> int:
        """How often the model is fitted to guesses."""

    @property
    def weight(self) -> float:
        """Of all guesses together, as a multiple of that of all labels."""

    def begin(self, features_ND: Tensor) -> Guess:
        """How labels are guessed from the standardized features of all training samples."""


def others(size: int, labeled: Tensor) -> Tensor:
    """The indices that are not labeled."""
    free = torch.ones(size, dtype=torch.bool)
    free[labeled.cpu()] = False
    return free.nonzero().squeeze(1)


def between(key: str, value: Any, low: float, high: float) -> None:
    """Refuse a value that is not a number above `low` and at most `high`."""
    if not isinstance(value, int | float) or isinstance(value, bool) or not low < value <= high:
        upper = "" if high == float("inf") else f" and at most {high:g}"
        raise InputError(f"{KEY}.{key}={value} must be a number above {low:g}{upper}")
