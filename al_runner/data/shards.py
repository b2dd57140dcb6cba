"""Decoding in shards, by one process or several, any of which may be killed: a shard is whole or made anew.

The arrays lie in one file each, every item in its place, so that nothing is copied when all are there. A
shard is a run of items. When it is written, a file says so, with a checksum of its content: whoever goes on,
after a kill or a power cut, finds what is whole. Each shard has a lock, so that processes share them out.
"""

import hashlib
import json
import os
import shutil
import zlib
from collections.abc import Callable, Iterator, Mapping
from contextlib import ExitStack, contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from filelock import FileLock, Timeout

from al_runner.data.parallel import in_order
from al_runner.data.source import Arrays, Source
from al_runner.files import replace

SHARD_BYTES = 2**25
"""What a shard has at most, beyond one item: little is lost by a kill, and handing over costs little."""
BLOCK_BYTES, BLOCK_ITEMS = 2**20, 32
"""What a thread decodes at a time, so that handing over costs little: some bytes, a few items at most."""
DIGEST_BYTES = 16
"""Of an item's digest: enough for two that differ to differ there, too."""
DONE, PLAN = "done", "plan.json"


def blake(content: bytes) -> bytes:
    """An item's digest."""
    return hashlib.blake2b(content, digest_size=DIGEST_BYTES).digest()


@dataclass(frozen=True)
class Shard:
    """Some items that lie in the files.

    Attributes:
        digests: one after the other, of the first array of each item that could be decoded.
        skipped: position → why it could not be.
        checksums: name → CRC-32 of the shard's part of the file.
    """

    digests: bytes
    skipped: Mapping[str, str]
    checksums: Mapping[str, int]

    def text(self) -> str:
        """For its file."""
        return json.dumps({**vars(self), "digests": self.digests.hex()})

    @classmethod
    def read(cls, path: Path) -> "Shard | None":
        """What a file says; None where there is none, or it was cut short."""
        try:
            content = json.loads(path.read_text(encoding="utf-8"))
            return cls(bytes.fromhex(content["digests"]), content["skipped"], content["checksums"])
        except (OSError, ValueError, KeyError, TypeError):
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
        plan = json.dumps({"items": len(self.source), "size": self.size, "bytes": dict(self.source.sizes)})
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

    def decode(self, advance: Callable[[], None], waits: bool) -> Iterator[int]:
        """Decode what is missing; the shards' numbers one by one, as they are whole.

        Args:
            advance: called for each item.
            waits: for other processes, so that all are there at the end; otherwise theirs are left to them.
        """
        for number in range(len(self)):
            if number in self.whole:
                continue
            with suppress(Timeout), self._alone(number, waits):
                shard = self._found(number)
                self.whole[number] = self._made(number, advance) if shard is None else shard
                yield number

    def help(self) -> None:
        """Decode what nobody has begun with, for a process that puts it all together."""
        for number in range(len(self)):
            with suppress(Timeout), self._alone(number, waits=False):
                if Shard.read(self._said(number)) is None:
                    self._made(number, lambda: None)

    def content(self, number: int, name: str) -> bytes:
        """A shard's part of a file."""
        size, items = self.source.sizes[name], self.items(number)
        with (self.folder / name).open("rb") as file:
            file.seek(items.start * size)
            return file.read(len(items) * size)

    def forget_gaps(self) -> None:
        """Let shards with items that could not be decoded be made anew."""
        for number, shard in self.whole.items():
            if shard.skipped:
                self._said(number).unlink()

    def close_gaps(self) -> None:
        """Let the items that could be decoded follow each other, and forget the shards."""
        kept = np.ones(len(self.source), dtype=bool)
        for shard in self.whole.values():
            kept[[int(position) for position in shard.skipped]] = False
        shutil.rmtree(self.done)  # from here on, a kill means to begin anew
        if kept.all():
            return
        for name, size in self.source.sizes.items():
            with (self.folder / name).open("r+b") as file:
                for to, at in enumerate(kept.nonzero()[0].tolist()):
                    if to != at:
                        os.pwrite(file.fileno(), os.pread(file.fileno(), size, at * size), to * size)
                file.truncate(int(kept.sum()) * size)

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
        checksums = (
            {name: zlib.crc32(self.content(number, name)) for name in self.source.shapes} if shard else {}
        )
        return shard if shard and checksums == dict(shard.checksums) else None

    def _made(self, number: int, advance: Callable[[], None]) -> Shard:
        """A shard, decoded and written."""
        items, source = self.items(number), self.source
        digests, skipped, checksums = bytearray(), dict[str, str](), dict.fromkeys(source.shapes, 0)
        with ExitStack() as stack:
            files = {key: stack.enter_context((self.folder / key).open("r+b")) for key in source.shapes}
            for key, size in source.sizes.items():
                files[key].seek(items.start * size)
            found = in_order(lambda at: source.decode(items[at]), len(items), self._block_size())
            for item, arrays in zip(items, found, strict=True):
                advance()
                if isinstance(arrays, Exception):
                    skipped[str(item)] = " ".join(str(arrays).split())
                    contents = {key: bytes(size) for key, size in source.sizes.items()}
                else:
                    contents = {key: each.tobytes() for key, each in self._checked(item, arrays).items()}
                    digests += blake(contents[source.first])
                for key, file in files.items():
                    checksums[key] = zlib.crc32(contents[key], checksums[key])
                    file.write(contents[key])
        shard = Shard(bytes(digests), skipped, checksums)
        replace(self._said(number), shard.text().encode())
        return shard

    def _checked(self, item: int, arrays: Arrays) -> Arrays:
        for key, shape in self.source.shapes.items():
            if arrays[key].dtype != np.uint8 or arrays[key].shape != tuple(shape):
                raise ValueError(
                    f"{key} of {self.source.items[item]}: {arrays[key].dtype} {arrays[key].shape}"
                )
        return arrays

    def _block_size(self) -> int:
        return min(BLOCK_ITEMS, 1 + BLOCK_BYTES // max(1, self.source.item_bytes))


@contextmanager
def removed_on(folder: Path, error: type[BaseException]) -> Iterator[None]:
    """A folder is removed if something ends with such an error, and stays otherwise, to go on from."""
    try:
        yield
    except error:
        shutil.rmtree(folder, ignore_errors=True)
        raise


class Fingerprints:
    """SHA-256 of each array's content, taken shard by shard, in order, as soon as they are whole.

    Args:
        shards: where they are.
    """

    def __init__(self, shards: Shards) -> None:
        self.shards, self.next = shards, 0
        shapes = shards.source.shapes
        self.digests = {key: hashlib.sha256(str(shape).encode()) for key, shape in shapes.items()}

    def take(self) -> None:
        """All that can be taken by now."""
        while self.next in self.shards.whole:
            lost = [int(each) - self.shards.items(self.next).start for each in self._skipped()]
            for key, size in self.shards.source.sizes.items():
                content = self.shards.content(self.next, key)
                for start, end in zip([-1, *lost], [*lost, len(self.shards.items(self.next))], strict=True):
                    self.digests[key].update(content[(start + 1) * size : end * size])
            self.next += 1

    def _skipped(self) -> Mapping[str, Any]:
        return self.shards.whole[self.next].skipped
