"""How far two models agree."""

from collections.abc import Callable
from typing import Protocol

import torch
from torch import Tensor
from torchmetrics.functional.classification import multiclass_cohen_kappa

from al_runner.loop.seeding import Streams


class Predicts(Protocol):
    """A model."""

    def predict(self, indices: Tensor, reduce: Callable[[Tensor], Tensor] | None = None) -> Tensor:
        """Probabilities of training `indices`, or what `reduce` keeps of them."""


def decisions(model: Predicts, size: int, count: int, streams: Streams) -> Tensor:
    """The likeliest classes of `count` of `size` training samples, the same ones in every round."""
    drawn = torch.randperm(size, generator=streams.generator("agreement"))
    return model.predict(drawn[:count].sort().values, lambda probs: probs.argmax(-1).to(torch.int16))


def kappa(before: Tensor, after: Tensor) -> float:
    """Cohen's kappa (1960) of two models' decisions: agreement beyond chance.

    κ = (p_o − p_e) / (1 − p_e): p_o is the share of equal decisions, p_e what it would be if each model
    spread its own decisions at random. At most 1; 0 = chance; NaN where both say one and the same class
    throughout, which tells nothing.

    Args:
        before: integers [n, ...], the classes that one model decides for.
        after: the same of the other.

    >>> kappa(torch.tensor([0, 0, 1, 1]), torch.tensor([0, 0, 1, 0]))
    0.5
    """
    n_classes = max(2, int(torch.maximum(before, after).max()) + 1)
    return float(multiclass_cohen_kappa(after.flatten(), before.flatten(), n_classes, validate_args=False))
