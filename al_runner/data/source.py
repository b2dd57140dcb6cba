"""Items that are decoded from files."""

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

Arrays = Mapping[str, NDArray[np.uint8]]


@dataclass(frozen=True)
class Source:
    """Items, and the files that they are decoded from.

    Attributes:
        root: the folder of the files.
        files: all that the items depend on.
        items: one name for each, for people.
        options: whatever else the result depends on, as values that JSON has.
        shapes: name → the shape of one item's array.
        decode: the position of an item → its arrays, uint8; called in threads. An `InputError` or `OSError`
            says why it cannot be had.
        remarks: names of arrays that tell people about items: not part of the fingerprint.
    """

    root: Path
    files: Sequence[Path]
    items: Sequence[str]
    options: Mapping[str, Any]
    shapes: Mapping[str, tuple[int, ...]]
    decode: Callable[[int], Arrays]
    remarks: Sequence[str] = ()

    def __len__(self) -> int:
        return len(self.items)

    @property
    def sizes(self) -> Mapping[str, int]:
        """Name → the bytes of one item's array."""
        return {name: math.prod(shape) for name, shape in self.shapes.items()}

    @property
    def item_bytes(self) -> int:
        """Of one item, all its arrays."""
        return sum(self.sizes.values())

    @property
    def first(self) -> str:
        """The name of the array by which items are told apart."""
        return next(iter(self.shapes))
