"""How sure predictions should be: one temperature for all logits (Guo, Pleiss, Sun and Weinberger, 2017)."""

from collections.abc import Callable


def best_temperature(loss: Callable[[float], float], low: float, high: float) -> float:
    """The temperature between two that minimizes a log loss.

    Args:
        loss: of the inverse temperature, in which it is convex.
        low, high: the temperatures.
    """
    from scipy.optimize import minimize_scalar

    return float(1 / minimize_scalar(loss, bounds=(1 / high, 1 / low), method="bounded").x)
