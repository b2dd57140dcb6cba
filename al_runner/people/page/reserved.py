"""Who has which question on the screen, so that two readers get different images."""

import time
from collections.abc import Callable, Sequence

KEPT = 300.0
"""Seconds for which a question is a reader's after the page last said that the reader is there."""


class Reserved:
    """Questions that were shown to readers and are not answered.

    Args:
        clock: seconds that never go back.
    """

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self.clock = clock
        self._held: dict[str, tuple[float, list[int]]] = {}

    def of(self, reader: str) -> list[int]:
        """A reader's questions, in the order in which they are to be shown."""
        until, places = self._held.get(reader, (0.0, []))
        return list(places) if until > self.clock() else []

    def hold(self, reader: str, places: Sequence[int]) -> None:
        """From now on, these are a reader's questions."""
        self._held[reader] = (self.clock() + KEPT, list(places))

    def by_others(self, place: int, reader: str) -> set[str]:
        """The other readers who have a question."""
        return {other for other in self._held if other != reader and place in self.of(other)}
