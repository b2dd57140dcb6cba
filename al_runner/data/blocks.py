"""A few items, decoded one after the other by one thread."""

import zlib
from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from al_runner.data.source import Arrays, Source
from al_runner.errors import InputError


@dataclass(frozen=True)
class Block:
    """Items as they lie in the files.

    Attributes:
        items: their positions.
        contents: name → uint8 [items, bytes]; zeros where one could not be decoded.
        skipped: position → why it could not be.
        checksums: name → CRC-32 of each item, four bytes each.
    """

    items: range
    contents: Mapping[str, NDArray[np.uint8]]
    skipped: Mapping[str, str]
    checksums: Mapping[str, bytes]

    @classmethod
    def decoded(cls, source: Source, items: range) -> "Block":
        """Some items of a source.

        Raises:
            ValueError: an array has another shape or type than the source says.
        """
        contents = {name: np.zeros((len(items), size), np.uint8) for name, size in source.sizes.items()}
        skipped = {}
        for row, item in enumerate(items):
            try:
                arrays = source.decode(item)
            except (InputError, OSError) as error:
                skipped[str(item)] = " ".join(str(error).split())
                continue
            _check(source, item, arrays)
            for name, content in contents.items():
                content[row] = arrays[name].reshape(-1)
        return cls(items, contents, skipped, {name: checksums(content) for name, content in contents.items()})

    def kept(self, name: str) -> NDArray[np.uint8]:
        """The content of the items that could be decoded."""
        rows = [row for row, item in enumerate(self.items) if str(item) not in self.skipped]
        return self.contents[name][rows] if self.skipped else self.contents[name]


def checksums(content: NDArray[np.uint8]) -> bytes:
    """CRC-32 of each row, four bytes each."""
    return b"".join(zlib.crc32(row).to_bytes(4) for row in content)


def _check(source: Source, item: int, arrays: Arrays) -> None:
    for name, shape in source.shapes.items():
        array = arrays[name]
        if array.dtype != np.uint8 or array.shape != tuple(shape):
            raise ValueError(f"{name} of {source.items[item]}: {array.dtype} {array.shape}")
