"""Strategies that learn from the labels that they bought."""

import copy
from collections.abc import Mapping
from typing import Protocol, runtime_checkable

from torch import Tensor

from al_runner.loop.protocols import Memory, Strategy


@runtime_checkable
class Legible(Memory, Protocol):
    """A memory that people can look into."""

    def lesson(self) -> Mapping[str, Tensor]:
        """What it learned from the round's query: name → a row for each sample; nothing, if that is so."""


def memory_of(strategy: Strategy) -> Memory | None:
    """What a strategy, or the one that it is around, remembers; None = nothing."""
    if isinstance(strategy, Memory):
        return strategy
    inner = getattr(strategy, "strategy", None)
    return None if inner is None else memory_of(inner)


def lesson_of(strategy: Strategy) -> Mapping[str, Tensor]:
    """What a strategy, or the one that it is around, learned from the round's query; mostly nothing."""
    memory = memory_of(strategy)
    return memory.lesson() if isinstance(memory, Legible) else {}


def for_people(strategy: Strategy) -> Strategy:
    """The strategy for a question of which nothing is bought: one with a memory must not take note of it."""
    return strategy if memory_of(strategy) is None else copy.deepcopy(strategy)
