"""al-runner and one other contestant in turns, for the other scripts here."""

import time
from collections.abc import Callable
from dataclasses import dataclass
from statistics import median
from typing import Any

from threadpoolctl import threadpool_limits


@dataclass(frozen=True)
class Contestant:
    """Something that is timed.

    Attributes:
        name: for people.
        work: what is timed.
        units: how much of it there is: times are told for one unit.
    """

    name: str
    work: Callable[[], Any]
    units: float


def compare(ours: Contestant, other: Contestant, repeats: int, threads: int, told: str) -> tuple[Any, Any]:
    """Print the seconds of a unit of each, and the other's as multiples of ours in the same repeat.

    Args:
        ours: comes first in each repeat.
        other: comes second.
        repeats: turns of each that count; one before them does not.
        threads: of both.
        told: a median time in words, by the format's field `seconds`.

    Returns:
        What both made in the last repeat.
    """
    turns = []
    with threadpool_limits(threads):
        for _ in range(repeats + 1):
            start = time.perf_counter()
            found = ours.work()
            middle = time.perf_counter()
            expected = other.work()
            end = time.perf_counter()
            turns.append(((middle - start) / ours.units, (end - middle) / other.units))
    del turns[0]  # the first calls
    for place, name in enumerate((ours.name, other.name)):
        ratios = [turn[place] / turn[0] for turn in turns]
        seconds = told.format(seconds=median(turn[place] for turn in turns))
        print(
            f"{name:<14} {seconds}   {median(ratios):6.1f} × {ours.name} "
            f"({min(ratios):.1f} to {max(ratios):.1f})"
        )
    return found, expected
