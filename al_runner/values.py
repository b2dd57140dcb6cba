"""What numbers an option may take, for the annotations of what a `_target_` names.

`config.annotations` refuses other values, and the reference shows the ranges. Another range is written where
it is needed, as `Annotated[int, Ge(4)]`.

Imports nothing of ours. Imported by whatever a config builds.
"""

from typing import Annotated

from annotated_types import Ge, Gt, Interval, Len

LARGEST = 2**53
"""Of whole numbers: none is meant to be larger, and libraries fail in ways of their own beyond 2⁶³."""
LARGEST_SEED = 2**32 - 1
"""The largest that every library takes."""

Natural = Annotated[int, Ge(0)]
Count = Annotated[int, Ge(1)]
Several = Annotated[int, Ge(2)]
Seed = Annotated[int, Interval(ge=0, le=LARGEST_SEED)]
Positive = Annotated[float, Gt(0)]
NotNegative = Annotated[float, Ge(0)]
AtLeastOne = Annotated[float, Ge(1)]
Share = Annotated[float, Interval(ge=0, le=1)]
"""From 0 to 1."""
ShareAboveZero = Annotated[float, Interval(gt=0, le=1)]
ShareBelowOne = Annotated[float, Interval(ge=0, lt=1)]
Inside = Annotated[float, Interval(gt=0, lt=1)]
"""Between 0 and 1, and neither."""
Named = Annotated[str, Len(1)]
"""A text that is not empty."""
