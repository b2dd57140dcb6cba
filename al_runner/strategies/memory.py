"""Strategies that learn from the labels that they bought."""

import copy
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Protocol, runtime_checkable

from torch import Tensor

from al_runner.loop.pool import Pool
from al_runner.loop.protocols import Learner, Memory, Strategy
from al_runner.loop.schedule import Round
from al_runner.strategies.nested import nested


@runtime_checkable
class Legible(Memory, Protocol):
    """A memory that people can look into."""

    def lesson(self) -> Mapping[str, Tensor]:
        """What it learned from the round's query: name → a row for each sample; nothing, if that is so."""


@dataclass(frozen=True)
class Memories:
    """Those of several strategies that one is around; a round teaches those that it asked.

    Args:
        each: in the order of the strategies.
    """

    each: tuple[Memory, ...]

    def learn(self, learner: Learner, pool: Pool, step: Round) -> None:
        """Let each learn from the labels of a round's query."""
        for memory in self.each:
            memory.learn(learner, pool, step)

    def lesson(self) -> Mapping[str, Tensor]:
        """What the round taught the first of them that it taught anything."""
        lessons = (memory.lesson() for memory in self.each if isinstance(memory, Legible))
        return next(filter(None, lessons), {})

    def state(self) -> Mapping[str, Any]:
        """All that `restore` needs, of each."""
        return {"each": [memory.state() for memory in self.each]}

    def restore(self, state: Mapping[str, Any]) -> None:
        """Give each what its `state` returned."""
        for memory, remembered in zip(self.each, state["each"], strict=True):
            memory.restore(remembered)


def memory_of(strategy: Strategy) -> Memory | None:
    """What a strategy, or those that it is around, remember; None = nothing."""
    found = tuple(each for each in nested(strategy) if isinstance(each, Memory))
    return Memories(found) if len(found) > 1 else next(iter(found), None)


def lesson_of(strategy: Strategy) -> Mapping[str, Tensor]:
    """What a strategy, or one that it is around, learned from the round's query; mostly nothing."""
    memory = memory_of(strategy)
    return memory.lesson() if isinstance(memory, Legible) else {}


def for_people(strategy: Strategy) -> Strategy:
    """The strategy for a question of which nothing is bought: one with a memory must not take note of it."""
    return strategy if memory_of(strategy) is None else copy.deepcopy(strategy)
