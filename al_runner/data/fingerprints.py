"""What tells decoded data apart: the content of all, and items from each other."""

import hashlib
from collections.abc import Callable

import numpy as np

from al_runner.data.blocks import Block
from al_runner.data.shards import Shards

DIGEST_BYTES = 16
"""Of an item's digest: enough for two that differ to differ there, too."""


class Fingerprints:
    """SHA-256 of each array's content, in order.

    Args:
        shards: where they are.
    """

    def __init__(self, shards: Shards) -> None:
        self.shards, self.next, self.heard = shards, 0, -1
        shapes = shards.source.shapes
        self.digests = {name: hashlib.sha256(str(shape).encode()) for name, shape in shapes.items()}

    def hear(self, number: int, block: Block) -> None:
        """The next block of a shard, while it is made: if it is the next shard, it need not be read again."""
        if number == self.next:
            self.heard = number
            for name, digest in self.digests.items():
                digest.update(block.kept(name).data)

    def take(self) -> None:
        """The shards that are whole by now, up to the first that is not."""
        while self.next in self.shards.whole:
            if self.heard != self.next:
                self._read()
            self.next += 1

    def _read(self) -> None:
        kept = self.shards.kept(self.next)
        for name, digest in self.digests.items():
            at = 0
            for content in self.shards.contents(self.next, name):
                rows = kept[at : at + len(content)]
                digest.update((content if rows.all() else content[rows]).data)
                at += len(content)


def item_digests(checksums: bytes, item: Callable[[int], bytes]) -> list[bytes]:
    """One of each item: the same where these are the same, to the bit.

    An item whose checksum no other has has no copy, so its checksum is enough; of the others, BLAKE2b.

    Args:
        checksums: CRC-32, four bytes of each item.
        item: the content of one, by its place among these.
    """
    sums = np.frombuffer(checksums, dtype=">u4")
    _, which, times = np.unique(sums, return_inverse=True, return_counts=True)
    digests = [bytes(DIGEST_BYTES - 4) + each.tobytes() for each in sums]
    for at in (times[which] > 1).nonzero()[0].tolist():
        digests[at] = hashlib.blake2b(item(at), digest_size=DIGEST_BYTES).digest()
    return digests
