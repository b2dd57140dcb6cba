"""What numbers an option may take, for the annotations of what a `_target_` names.

`config.annotations` refuses other values, and the reference shows the ranges. Another range is written where
it is needed, as `Annotated[int, Ge(4)]`.

Imports nothing of ours. Imported by whatever a config builds.
"""

import re
from decimal import Decimal
from typing import Annotated, Any

from annotated_types import Ge, Gt, Interval, Len
from pydantic import BeforeValidator
from pydantic_core import PydanticCustomError

LARGEST = 2**53
"""Of whole numbers: none is meant to be larger, and libraries fail in ways of their own beyond 2⁶³."""
LARGEST_SEED = 2**32 - 1
"""The largest that every library takes."""


def as_percent(value: Any) -> str:
    """A share of some samples, written as `10%` or `0.05%`, in its shortest form.

    Raises:
        PydanticCustomError: it is none, or not above 0 and at most 100 %.
    """
    if not re.fullmatch(r"\d+(\.\d+)?%", str(value)):
        raise PydanticCustomError("percent_type", "Input should be a share such as 10%")
    number = Decimal(str(value).removesuffix("%"))
    if not 0 < number <= 100:
        raise PydanticCustomError("percent_range", "Input should be a share above 0% and at most 100%")
    return f"{number.normalize():f}%"


Natural = Annotated[int, Ge(0)]
Count = Annotated[int, Ge(1)]
Percent = Annotated[str, BeforeValidator(as_percent)]
Size = Count | Percent
"""A number of samples, or a share of those that there are: see `loop.share`."""
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
