"""Decoding in shards, by one process or several, any of which may be killed: a shard is whole or made anew.

The arrays lie in one file each, every item in its place, so that nothing is copied when all are there. A
shard is a run of items. When it is written, a file says so, with a checksum of its content: whoever goes on,
after a kill or a power cut, finds what is whole. Each shard has a lock, so that processes share them out.
"""

import json
import os
import shutil
from collections.abc import Callable, Iterator, Mapping
from contextlib import ExitStack, contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from filelock import FileLock, Timeout
from numpy.typing import NDArray

from al_runner.data.blocks import Block, checksums
from al_runner.data.parallel import in_order
from al_runner.data.source import Source
from al_runner.files import replace, to_disk

SHARD_BYTES = 2**25
"""What a shard has at most, beyond one item: little is lost by a kill, and handing over costs little."""
BLOCK_BYTES, BLOCK_ITEMS = 2**20, 32
"""What a thread decodes at a time, so that handing over costs little: some bytes, a few items at most."""
DONE, PLAN = "done", "plan.json"
Made = Callable[[int, Block], None]
"""Is told the number of a shard, and a block of it."""
FORMAT = 2
"""Of the records of shards: those of another one are made anew."""


@dataclass(frozen=True)
class Shard:
    """Some items that lie in the files.

    Attributes:
        skipped: position → why it could not be decoded.
        checksums: name → CRC-32 of each item, four bytes each.
    """

    skipped: Mapping[str, str]
    checksums: Mapping[str, bytes]

    def text(self) -> str:
        """For its file."""
        sums = {name: sums.hex() for name, sums in self.checksums.items()}
        return json.dumps({"skipped": self.skipped, "checksums": sums})

    @classmethod
    def read(cls, path: Path) -> "Shard | None":
        """What a file says; None where there is none, or it was cut short."""
        try:
            content = json.loads(path.read_text(encoding="utf-8"))
            sums = {name: bytes.fromhex(sums) for name, sums in content["checksums"].items()}
            return cls(content["skipped"], sums)
        except (OSError, ValueError, KeyError, TypeError, AttributeError):
            return None


class Shards:
    """The shards of a source in a folder.

    Args:
        folder: of the arrays' files; a folder in it says which shards are there.
        source: the items.
    """

    def __init__(self, folder: Path, source: Source) -> None:
        self.folder, self.source, self.done = folder, source, folder / DONE
        self.size = 1 + SHARD_BYTES // max(1, source.item_bytes)
        self.whole: dict[int, Shard] = {}
        """Those that are known to be whole."""

    def __len__(self) -> int:
        return -(-len(self.source) // self.size)

    def items(self, number: int) -> range:
        """The positions of a shard's items."""
        return range(number * self.size, min((number + 1) * self.size, len(self.source)))

    def begin(self) -> None:
        """Make the files, or keep those that an earlier process made for the same shards."""
        sizes = {"size": self.size, "bytes": dict(self.source.sizes)}
        plan = json.dumps({"format": FORMAT, "items": len(self.source), **sizes})
        path = self.done / PLAN
        if not path.is_file() or path.read_text(encoding="utf-8") != plan:
            shutil.rmtree(self.folder, ignore_errors=True)
            self.done.mkdir(parents=True)
            for name, size in self.source.sizes.items():
                with (self.folder / name).open("wb") as file:
                    file.truncate(size * len(self.source))
            replace(path, plan.encode())
        for number in range(len(self)):
            if (shard := self._found(number)) is not None:
                self.whole[number] = shard
            else:
                self._said(number).unlink(missing_ok=True)

    @property
    def missing(self) -> int:
        """Items that are not there yet."""
        return len(self.source) - sum(len(self.items(number)) for number in self.whole)

    def decode(self, waits: bool, made: Made) -> Iterator[int]:
        """Decode what is missing; the shards' numbers one by one, as they are whole.

        Args:
            made: told the blocks of a shard that is made here, in order.
            waits: for other processes, so that all are there at the end; otherwise theirs are left to them.
        """
        for number in range(len(self)):
            if number in self.whole:
                continue
            with suppress(Timeout), self._alone(number, waits):
                shard = self._found(number)
                self.whole[number] = self._made(number, made) if shard is None else shard
                yield number

    def help(self) -> None:
        """Decode what nobody has begun with, for a process that puts it all together."""
        for number in range(len(self)):
            with suppress(Timeout), self._alone(number, waits=False):
                if Shard.read(self._said(number)) is None:
                    self._made(number)

    def contents(self, number: int, name: str) -> Iterator[NDArray[np.uint8]]:
        """A shard's part of a file, some items at a time: [items, bytes]."""
        items, size, step = self.items(number), self.source.sizes[name], self._block_size()
        with (self.folder / name).open("rb") as file:
            for start in items[::step]:
                content = np.zeros((min(step, items.stop - start), size), np.uint8)
                file.seek(start * size)
                file.readinto(content.reshape(-1).data)  # what a file lacks stays 0
                yield content

    def kept(self, number: int) -> NDArray[np.bool_]:
        """Which items of a whole shard could be decoded."""
        items, skipped = self.items(number), self.whole[number].skipped
        kept = np.ones(len(items), dtype=np.bool_)
        kept[[int(item) - items.start for item in skipped]] = False
        return kept

    def checksums(self, name: str) -> bytes:
        """CRC-32, four bytes of each item that could be decoded, once all shards are whole."""
        sums = b"".join(self.whole[number].checksums[name] for number in range(len(self)))
        return np.frombuffer(sums, ">u4")[self._all_kept()].tobytes()

    def to_disk(self) -> None:
        """Have the system write through what is in the files by now."""
        for name in self.source.shapes:
            to_disk(self.folder / name)

    def forget_gaps(self) -> None:
        """Let shards with items that could not be decoded be made anew."""
        for number, shard in self.whole.items():
            if shard.skipped:
                self._said(number).unlink()

    def close_gaps(self) -> None:
        """Let the items that could be decoded follow each other, and forget the shards."""
        kept = self._all_kept()
        shutil.rmtree(self.done)  # from here on, a kill means to begin anew
        if kept.all():
            return
        for name, size in self.source.sizes.items():
            with (self.folder / name).open("r+b") as file:
                for to, at in enumerate(kept.nonzero()[0].tolist()):
                    if to != at:
                        os.pwrite(file.fileno(), os.pread(file.fileno(), size, at * size), to * size)
                file.truncate(int(kept.sum()) * size)

    def _all_kept(self) -> NDArray[np.bool_]:
        return np.concatenate([self.kept(number) for number in range(len(self))])

    def _said(self, number: int) -> Path:
        return self.done / f"{number}.json"

    @contextmanager
    def _alone(self, number: int, waits: bool) -> Iterator[None]:
        """No other process works on a shard meanwhile."""
        with FileLock(self.done / f"{number}.lock").acquire(timeout=-1 if waits else 0):
            yield

    def _found(self, number: int) -> Shard | None:
        """A shard that is there, as it was written."""
        shard = Shard.read(self._said(number))
        if shard is None or set(shard.checksums) != set(self.source.shapes):
            return None
        for name, sums in shard.checksums.items():
            if b"".join(map(checksums, self.contents(number, name))) != sums:
                return None
        return shard

    def _made(self, number: int, made: Made = lambda _number, _block: None) -> Shard:
        """A shard, decoded and written."""
        items, size, skipped = self.items(number), self._block_size(), dict[str, str]()
        sums = {name: bytearray() for name in self.source.shapes}
        with ExitStack() as stack:
            files = {name: stack.enter_context((self.folder / name).open("r+b")) for name in sums}

            def write(at: int) -> Block:
                block = Block.decoded(self.source, items[at * size : (at + 1) * size])
                for name, content in block.contents.items():
                    _write(files[name].fileno(), content, block.items.start * content.shape[1])
                return block

            for block in in_order(write, -(-len(items) // size)):
                if isinstance(block, Exception):  # of the disk: an item's own are part of the block
                    raise block
                made(number, block)
                skipped.update(block.skipped)
                for name, found in block.checksums.items():
                    sums[name] += found
        shard = Shard(skipped, {name: bytes(found) for name, found in sums.items()})
        replace(self._said(number), shard.text().encode())
        return shard

    def _block_size(self) -> int:
        return min(BLOCK_ITEMS, 1 + BLOCK_BYTES // max(1, self.source.item_bytes))


def _write(file: int, content: NDArray[np.uint8], at: int) -> None:
    """All of it at a place in a file, whatever other threads write elsewhere."""
    left = content.reshape(-1).data
    while left:
        written = os.pwrite(file, left, at)
        left, at = left[written:], at + written


@contextmanager
def removed_on(folder: Path, error: type[BaseException]) -> Iterator[None]:
    """A folder is removed if something ends with such an error, and stays otherwise, to go on from."""
    try:
        yield
    except error:
        shutil.rmtree(folder, ignore_errors=True)
        raise
