"""Strategies around strategies: the walk through all of them."""

from collections.abc import Iterator


def nested(strategy: object) -> Iterator[object]:
    """A strategy, then those that it is around, at any depth.

    A strategy is around another one that is its attribute `strategy`, or around those of its `strategies`.
    """
    yield strategy
    one = getattr(strategy, "strategy", None)
    for inner in getattr(strategy, "strategies", () if one is None else (one,)):
        yield from nested(inner)
