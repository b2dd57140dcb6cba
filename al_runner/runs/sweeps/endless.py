"""Sweeps that would never end: Hydra counts all jobs before it asks whether the first one is possible."""

import math
from collections.abc import Iterable

from hydra.core.override_parser.overrides_parser import OverridesParser
from hydra.core.override_parser.types import RangeSweep
from hydra.errors import HydraException

MOST = 1_000_000
"""Values of a range."""


def endless(words: Iterable[str]) -> str | None:
    """The first word of a command whose range has no end, or more than `MOST` values, if there is one."""
    return next((word for word in words if "range(" in word and _values(word) > MOST), None)


def _values(word: str) -> float:
    """How many values the range of a word has; 0 where it is none, or one that Hydra refuses."""
    try:
        swept = OverridesParser.create().parse_override(word).value()
    except HydraException:
        return 0
    if not isinstance(swept, RangeSweep) or swept.start is None or swept.stop is None:
        return 0
    length = swept.stop - swept.start
    if isinstance(length, int) and isinstance(swept.step, int):
        return len(range(swept.start, swept.stop, swept.step)) if swept.step else 0  # type: ignore[arg-type]
    if math.isnan(length) or math.isnan(swept.step) or length * swept.step < 0:
        return 0
    return length / swept.step if swept.step else math.inf
