"""What people call labels."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from al_runner.errors import InputError
from al_runner.files import plain_name

if TYPE_CHECKING:
    from torch import Tensor  # who writes and reads labels needs no torch

UNKNOWN, NOT_TOLD = -1, -2
"""Targets in place of labels: nobody has given one; somebody looked, and cannot tell."""
UNKNOWN_MASK, MASK_NOT_TOLD = UNKNOWN % 256, NOT_TOLD % 256
"""The same as every pixel of a mask, which is a byte."""
CANNOT_TELL = "cannot tell"
"""Of somebody who looked and does not know: the sample is not learned from, and not asked again."""
NONE = "none"
"""Where a sample may have several labels: it has none of them."""
BETWEEN = ";"
"""Stands between several labels."""


@dataclass(frozen=True)
class Words:
    """The labels that may be given.

    Args:
        classes: their names, at least two, or at least one where a sample may have several.
        several: whether a sample may have several of them, or none.

    Raises:
        InputError: names that cannot be told apart, or that mean something else.
    """

    classes: tuple[str, ...]
    several: bool = False

    def __post_init__(self) -> None:
        taken = {CANNOT_TELL, NONE, ""}
        for name in self.classes:
            plain = plain_name(name.strip())
            if plain in taken or BETWEEN in name or "\n" in name:
                raise InputError(
                    f"dataset.classes: {name!r} is not the name of a class: names differ, are not "
                    f"{CANNOT_TELL} or {NONE}, and have no {BETWEEN}"
                )
            taken.add(plain)
        if len(self.classes) < (1 if self.several else 2):
            raise InputError(f"dataset.classes={list(self.classes)}: at least two are needed")

    def label(self, text: str) -> str:
        """A label as it is kept, of how somebody spelled it: case, spaces and `_` do not matter.

        Raises:
            ValueError: it is none; says what would be.
        """
        known = {plain_name(name.strip()): name for name in self.classes}
        if plain_name(text.strip()) == CANNOT_TELL:
            return CANNOT_TELL
        if not self.several:
            if (name := known.get(plain_name(text.strip()))) is None:
                raise ValueError(f"{text.strip()} is not one of {', '.join([*self.classes, CANNOT_TELL])}")
            return name
        if plain_name(text.strip()) == NONE:
            return NONE
        given = [part.strip() for part in text.split(BETWEEN) if part.strip()]
        if lost := [part for part in given if plain_name(part) not in known]:
            allowed = ", ".join([*self.classes, NONE, CANNOT_TELL])
            raise ValueError(f"{lost[0]} is not one of {allowed} (several: with {BETWEEN} between them)")
        chosen = {known[plain_name(part)] for part in given}
        return BETWEEN.join(name for name in self.classes if name in chosen)

    def target(self, label: str) -> int | list[int]:
        """A label that is kept as the task's target: a class, or 0/1 for each; below 0 if nobody can tell."""
        if label == CANNOT_TELL:
            return [NOT_TOLD] * len(self.classes) if self.several else NOT_TOLD
        if not self.several:
            return self.classes.index(label)
        chosen = label.split(BETWEEN)
        return [int(name in chosen) for name in self.classes]

    def describe(self, target: "Tensor") -> str:
        """The label of a target."""
        values: Sequence[int] = target.reshape(-1).tolist()
        if min(values) < 0:
            return CANNOT_TELL
        if not self.several:
            return self.classes[values[0]]
        return BETWEEN.join(name for name, has in zip(self.classes, values, strict=True) if has) or NONE
