"""Strategies that learn from the labels that they bought."""

from al_runner.loop import Memory, Strategy


def memory_of(strategy: Strategy) -> Memory | None:
    """What a strategy, or the one that it is around, remembers; None = nothing."""
    if isinstance(strategy, Memory):
        return strategy
    inner = getattr(strategy, "strategy", None)
    return None if inner is None else memory_of(inner)
