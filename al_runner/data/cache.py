"""Files that are decoded once, into memory maps that every later run opens."""

import errno
import hashlib
import json
import math
import os
import platform
import shutil
import sys
import warnings
from collections import deque
from collections.abc import Iterator, Mapping, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import ExitStack, contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

import numpy as np
import torch
from filelock import FileLock, Timeout
from numpy.typing import NDArray
from torch import Tensor

from al_runner.data.blocks import Block, checksums
from al_runner.data.fingerprints import DIGEST_BYTES, Fingerprints, item_digests
from al_runner.data.progress import counted
from al_runner.data.shards import Shards, removed_on
from al_runner.data.source import Arrays as Arrays
from al_runner.data.source import Source as Source
from al_runner.errors import InputError
from al_runner.files import alone, census, replace, to_disk

FORMAT = 1
"""Of the cache's files: another one is decoded anew."""
META, DIGESTS = "meta.json", "digests"
ATTEMPTS = 2
"""To decode: a process that finds the folder changed removes what another has just made."""
SHOWN = 3
"""Files that an error names."""

OnError = Literal["fail", "skip"]


@dataclass(frozen=True)
class Decoded:
    """What the items became.

    Attributes:
        arrays: name → uint8 [n, *shape] over a memory map of a file: not to be written to.
        kept: the positions of these n among all items.
        fingerprint: SHA-256 of the arrays' content.
        digests: one for each item, of its first array: equal where these are equal, to the bit.
    """

    arrays: Mapping[str, Tensor]
    kept: Sequence[int]
    fingerprint: str
    digests: Sequence[bytes]


def cached(cache_dir: str | Path, name: str, source: Source, on_error: OnError = "fail") -> Decoded:
    """All items, decoded by the first who asks, and opened by everybody else.

    The cache lies in `cache_dir/<name>-<root and options>/<files>`: it is known by the paths, sizes and times
    of the files. Where those change, the items are decoded anew, and the cache of the same folder and options
    as it was before is removed; who still has it open keeps it. It appears by one rename when it is complete
    and on the disk. Several processes may ask at once: one of each machine decodes, shard by shard, the
    others wait. Who is killed, or stopped, has lost a shard at most: the next one who asks goes on.

    Args:
        cache_dir: folder of all caches.
        name: of this one, for people.
        source: the items.
        on_error: `skip` leaves out the items that cannot be decoded, and says so; `fail` refuses.

    Raises:
        InputError: items cannot be decoded, or the cache cannot be written; then nothing is left of it. Those
            that could be decoded stay until the files change.
    """
    what = [FORMAT, str(source.root.resolve()), source.options, source.shapes]
    place = Path(cache_dir).expanduser() / f"{name}-{_digest(what)[:12]}"
    folder = place / _digest([census(source.root, source.files), source.items])[:16]
    found = _load(folder, source)
    for _ in range(ATTEMPTS):
        if found is None:
            _make(folder, source, on_error)
            found = _load(folder, source)
    if found is None:
        raise InputError(f"{folder} was removed while it was in use; start again")
    meta, arrays = found
    if meta["skipped"] and on_error == "fail":
        raise _refused(source, meta)
    if meta["skipped"]:
        print(f"al-run: left out: {_fault(source, meta['skipped'])}", file=sys.stderr)
    return Decoded(arrays, _kept(source, meta), meta["fingerprint"], _digests(folder, arrays[source.first]))


def _load(folder: Path, source: Source) -> tuple[Mapping[str, Any], Mapping[str, Tensor]] | None:
    """What a complete cache says about itself, and its arrays; None where there is none, or a damaged one."""
    try:
        meta = json.loads((folder / META).read_text(encoding="utf-8"))
        n = len(_kept(source, meta))
        return meta, {key: _open(folder / key, (n, *shape)) for key, shape in source.shapes.items()}
    except (OSError, ValueError, KeyError, TypeError, AttributeError, RecursionError):
        return None


def _digests(folder: Path, items: Tensor) -> list[bytes]:
    """One of each item; taken of the memory map, and kept, where the cache is from before there were any."""
    path = folder / DIGESTS
    content = path.read_bytes() if path.is_file() else b""
    if len(content) != len(items) * DIGEST_BYTES:
        sums = checksums(items.flatten(1).numpy())
        content = b"".join(item_digests(sums, lambda at: items[at].numpy().tobytes()))
        with suppress(OSError):  # a cache that others keep, or was removed: they are taken again next time
            replace(path, content)
    return [content[at : at + DIGEST_BYTES] for at in range(0, len(content), DIGEST_BYTES)]


def _kept(source: Source, meta: Mapping[str, Any]) -> list[int]:
    return [i for i in range(len(source.items)) if str(i) not in meta["skipped"]]


def _make(folder: Path, source: Source, on_error: OnError) -> None:
    """Decode all items, with the processes of other machines, or wait for the process that does."""
    place, partial = folder.parent, folder.with_name(f".{folder.name}.partial")
    with ExitStack() as stack:
        stack.enter_context(_writing(folder, source))
        place.mkdir(parents=True, exist_ok=True)
        stack.enter_context(alone(place / _machine(), "decodes into"))
        if _load(folder, source):  # another process made it meanwhile
            return
        _help(place, Shards(partial, source))
        stack.enter_context(alone(place, "decodes into"))
        if _load(folder, source):
            return
        for leftover in (folder, *place.glob(".*.partial")):  # damaged, or of other files
            if leftover != partial:
                shutil.rmtree(leftover, ignore_errors=True)
        with removed_on(partial, OSError):
            _check_room(partial, source)
            _decode(partial, source, on_error)
            for path in (*partial.iterdir(), partial):
                to_disk(path)
            partial.rename(folder)
        to_disk(place)
        for stale in place.iterdir():
            if stale != folder:
                shutil.rmtree(stale, ignore_errors=True)


def _help(place: Path, shards: Shards) -> None:
    """Decode what is left of the shards of another machine's process, if there is one."""
    try:
        with FileLock(f"{place}.lock").acquire(timeout=0):
            return
    except Timeout:
        print(f"al-run: helping another machine that decodes into {place}", file=sys.stderr)
    with suppress(FileNotFoundError):  # it is not as far yet, or has just finished
        shards.help()


def _machine() -> str:
    return platform.node() or "machine"


def _check_room(partial: Path, source: Source) -> None:
    """A disk that is too small should not be found so after an hour."""
    there = sum(path.stat().st_blocks * 512 for path in partial.glob("*") if path.is_file())
    if len(source) * source.item_bytes - there > shutil.disk_usage(partial.parent).free:
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))


def _decode(folder: Path, source: Source, on_error: OnError) -> None:
    """Decode all items into a folder's files, or those that are missing, and say there what they are."""
    shards = Shards(folder, source)
    shards.begin()
    fingerprints = Fingerprints(shards)
    some = f"{shards.missing:,} of " if shards.whole else ""
    title = f"decoding {some}{len(source):,} items of {source.root}"
    with counted(title, shards.missing) as advance:

        def made(number: int, block: Block) -> None:
            fingerprints.hear(number, block)
            advance(len(block.items))

        with ThreadPoolExecutor(1) as disk:  # what is there is written through while the rest is decoded
            through = deque[Future[None]]()
            for waits in (False, True):
                fingerprints.take()
                for _ in shards.decode(waits, made):
                    through.append(disk.submit(shards.to_disk))
                    fingerprints.take()
                    while through and through[0].done():
                        through.popleft().result()  # a disk that refuses is told at once
        for written in through:
            written.result()
    meta = _meta(source, shards, fingerprints)
    if meta["skipped"] and on_error == "fail":
        shards.forget_gaps()  # what was decoded stays, and what could not be is tried again
        raise _refused(source, meta)
    sums = shards.checksums(source.first)
    shards.close_gaps()
    with (folder / source.first).open("rb") as file:
        size = source.sizes[source.first]
        digests = item_digests(sums, lambda at: os.pread(file.fileno(), size, at * size))
    (folder / DIGESTS).write_bytes(b"".join(digests))
    (folder / META).write_text(json.dumps(meta), encoding="utf-8")


def _meta(source: Source, shards: Shards, fingerprints: Fingerprints) -> dict[str, Any]:
    """What there is to say about the items."""
    digests = fingerprints.digests
    told = {key: digests[key].hexdigest() for key in digests if key not in source.remarks}
    return {
        "root": str(source.root.resolve()),
        "options": source.options,
        "skipped": {
            at: why for _, shard in sorted(shards.whole.items()) for at, why in shard.skipped.items()
        },
        "fingerprint": _digest(told),
    }


@contextmanager
def _writing(folder: Path, source: Source) -> Iterator[None]:
    """What the system refuses while the cache is written is bad input: the place, or its size."""
    try:
        yield
    except OSError as error:
        raise InputError(
            f"cannot write the decoded data of {source.root} to {folder.parent}: {error.strerror or error}; "
            f"they take {len(source) * source.item_bytes / 1e6:,.0f} MB: make room, or name another "
            "place by dataset.cache_dir or $AL_RUNNER_CACHE"
        ) from error


def _fault(source: Source, skipped: Mapping[str, str]) -> str:
    """Which items cannot be read, in one line."""
    shown = [f"{source.items[int(i)]} ({why})" for i, why in list(skipped.items())[:SHOWN]]
    more = f", and {len(skipped) - SHOWN:,} more" if len(skipped) > SHOWN else ""
    return (
        f"{len(skipped):,} of {len(source.items):,} items of {source.root} cannot be read: "
        f"{', '.join(shown)}{more}"
    )


def _refused(source: Source, meta: Mapping[str, Any]) -> InputError:
    fault = _fault(source, meta["skipped"])
    return InputError(f"{fault}; repair or remove them, or leave them out by dataset.on_error=skip")


def _open(path: Path, shape: tuple[int, ...]) -> Tensor:
    """A file's content as a tensor: its pages are the system's, which drops them where memory is short."""
    if path.stat().st_size != math.prod(shape):
        raise ValueError(f"{path} was cut short")
    if not math.prod(shape):  # nothing can be mapped
        return torch.empty(shape, dtype=torch.uint8)
    return mapped(np.memmap(path, dtype=np.uint8, mode="r", shape=shape))


def mapped(content: NDArray[Any]) -> Tensor:
    """A read-only memory map as a tensor, not to be written to: a private writable map counts as memory."""
    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", message="The given NumPy array is not writable")
        return torch.from_numpy(content)


def _digest(what: object) -> str:
    return hashlib.sha256(json.dumps(what, sort_keys=True).encode()).hexdigest()
