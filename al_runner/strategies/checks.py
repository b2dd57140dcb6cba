"""Checks of the values that strategies are made with, and of what they need."""


def declares(strategy: object, need: str) -> bool:
    """Whether a strategy, or the one that it is around, has an attribute `need` that is true."""
    inner = getattr(strategy, "strategy", None)
    return getattr(strategy, need, False) or (inner is not None and declares(inner, need))


def at_least_one(**values: float) -> None:
    """Refuse a value below 1, by the name that the user gave it.

    Raises:
        ValueError: says which.
    """
    for name, value in values.items():
        if value < 1:
            raise ValueError(f"strategy.{name}={value}: at least 1")


def above_zero(**values: float) -> None:
    """Refuse a value that is 0 or below, by the name that the user gave it.

    Raises:
        ValueError: says which.
    """
    for name, value in values.items():
        if not value > 0:
            raise ValueError(f"strategy.{name}={value}: above 0")
