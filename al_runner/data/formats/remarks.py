"""What files say that contradicts itself or only nearly fits: it is read, counted, and said."""

from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from enum import IntFlag, auto


class Remark(IntFlag):
    """What there is to say of a file; its value tells how."""

    SCALE = auto()
    NEAR = auto()
    SIDE = auto()
    TILT = auto()


WORDS = {
    Remark.SCALE: "have a header whose sform has another scale than pixdim: the spacing is taken from "
    "pixdim, positions and directions from the sform",
    Remark.NEAR: "have masks with values within 0.001 of whole numbers, as after resampling, which are taken",
    Remark.SIDE: "have files of Analyze 7.5, which do not say which side is left: their first axis is taken "
    "to run from right to left",
    Remark.TILT: "have slices that are shifted against each other, as by a tilted gantry: they are taken as "
    "a straight block",
}
"""Behind "12 of 20 cases"."""

_heard: ContextVar[list[Remark] | None] = ContextVar("heard", default=None)


def remark(one: Remark) -> None:
    """Say something of the file that is being read, to whoever listens."""
    if (heard := _heard.get()) is not None:
        heard.append(one)


@contextmanager
def listening() -> Iterator[list[Remark]]:
    """Collects what is said meanwhile, in this thread."""
    heard: list[Remark] = []
    token = _heard.set(heard)
    try:
        yield heard
    finally:
        _heard.reset(token)
