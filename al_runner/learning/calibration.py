"""How sure predictions should be: one temperature for all logits (Guo, Pleiss, Sun and Weinberger, 2017)."""

from collections.abc import Callable
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from torch import Tensor


def best_temperature(loss: Callable[[float], float], low: float, high: float) -> float:
    """The temperature between two that minimizes a log loss.

    Args:
        loss: of the inverse temperature, in which it is convex.
        low, high: the temperatures.
    """
    from scipy.optimize import minimize_scalar

    return float(1 / minimize_scalar(loss, bounds=(1 / high, 1 / low), method="bounded").x)


def tempered(probs: "Tensor", divisor: float) -> "Tensor":
    """Probabilities whose logits are divided: float32."""
    return (probs.double().clamp(min=1e-12).log() / divisor).softmax(-1).float()
