"""What was noticed when images and masks were decoded: kept beside them, and said when they are opened."""

import sys
from collections import Counter
from collections.abc import Mapping, Sequence
from functools import reduce
from operator import or_

import numpy as np
from numpy.typing import NDArray
from torch import Tensor

from al_runner.data.formats.remarks import WORDS, Remark
from al_runner.data.layouts.grid import Grid

CROPPED, REMARKS, SIZES = "cropped", "remarks", "sizes"
KEYS = (CROPPED, REMARKS, SIZES)
"""Names of the arrays."""
BYTES = 4
"""Of an edge."""


def shapes(grid: Grid) -> dict[str, tuple[int, ...]]:
    """Name → the shape of one case's array."""
    return {CROPPED: (1,), REMARKS: (1,), SIZES: (BYTES * len(grid.shape),)}


def noticed(cropped: bool, remarks: Sequence[Remark], size: Sequence[int]) -> dict[str, NDArray[np.uint8]]:
    """The arrays of a case.

    Args:
        cropped: the grid cuts off a part of its foreground.
        remarks: of its files.
        size: of its image, before it came to the grid.
    """
    return {
        CROPPED: np.array([cropped], np.uint8),
        REMARKS: np.array([reduce(or_, remarks, Remark(0))], np.uint8),
        SIZES: np.array(size, f"<u{BYTES}").view(np.uint8),
    }


def mention(arrays: Mapping[str, Tensor], grid: Grid) -> None:
    """Say it, a line for each kind."""
    count = len(arrays[CROPPED])
    remarks = arrays[REMARKS].numpy()
    for kind, words in WORDS.items():
        if found := int(np.count_nonzero(remarks & kind)):
            _say(f"{found:,} of {count:,} cases {words}")
    _mention_sizes(arrays[SIZES].numpy(), grid)
    if cropped := int(arrays[CROPPED].sum()):
        shape = list(grid.shape)
        _say(f"{cropped:,} of {count:,} masks reach beyond dataset.shape={shape} and lose foreground")


def _mention_sizes(stored: NDArray[np.uint8], grid: Grid) -> None:
    edges = np.ascontiguousarray(stored).view(f"<u{BYTES}")
    sizes = Counter(map(tuple, edges.tolist()))
    if len(sizes) < 2:
        return
    usual, count = sizes.most_common(1)[0]
    others = len(edges) - count
    how = "resized" if grid.fit == "resize" else "cropped or padded"
    _say(
        f"{others:,} of {len(edges):,} images have another size than {_times(usual)}, from "
        f"{_times(edges.min(0).tolist())} to {_times(edges.max(0).tolist())}: all are {how} to "
        f"{_times(grid.shape)}"
    )


def _times(edges: Sequence[int]) -> str:
    return "×".join(map(str, edges))


def _say(words: str) -> None:
    print(f"al-run: {words}", file=sys.stderr)
