"""Sweeps that would never end: Hydra counts all jobs before it asks whether the first one is possible."""

import math
import re
from collections.abc import Sequence

from hydra.core.override_parser.overrides_parser import OverridesParser
from hydra.core.override_parser.types import RangeSweep
from hydra.errors import HydraException

MOST = 1_000_000
"""Jobs that the ranges of a command may make."""
RANGE = re.compile(r"\brange\s*\(")


def endless(words: Sequence[str]) -> str | None:
    """The ranges of a command, if these have no end or make more than `MOST` jobs."""
    counts = {word: _values(word) for word in words if RANGE.search(word)}
    endless = [word for word, count in counts.items() if count > MOST]
    if not endless and math.prod(count for count in counts.values() if count) > MOST:
        endless = [*counts]
    return " ".join(endless) or None


def _values(word: str) -> float:
    """How many values the range of a word has; 0 where it is none, or one that Hydra refuses."""
    try:
        swept = OverridesParser.create().parse_override(word).value()
    except HydraException:
        return 0
    if not isinstance(swept, RangeSweep) or swept.start is None or swept.stop is None or not swept.step:
        return 0
    try:
        steps = math.ceil((swept.stop - swept.start) / swept.step)
    except OverflowError:  # infinite, or beyond what a fraction can be
        return math.inf if (swept.stop > swept.start) == (swept.step > 0) else 0
    except ValueError:  # nan is no end
        return math.inf
    return max(steps, 0)
