"""Files that are decoded once, into memory maps that every later run opens."""

import hashlib
import json
import math
import shutil
import sys
import warnings
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from al_runner.data.parallel import in_order
from al_runner.data.progress import counted
from al_runner.errors import InputError
from al_runner.files import alone, census, replace, to_disk

FORMAT = 1
"""Of the cache's files: another one is decoded anew."""
META, DIGESTS = "meta.json", "digests"
DIGEST_BYTES = 16
"""Of an item's digest: enough for two that differ to differ there, too."""
BLOCK_BYTES, BLOCK_ITEMS = 2**20, 32
"""What a thread decodes at a time, so that handing over costs little: some bytes, a few items at most."""
ATTEMPTS = 2
"""To decode: a process that finds the folder changed removes what another has just made."""
SHOWN = 3
"""Files that an error names."""

Arrays = Mapping[str, NDArray[np.uint8]]
OnError = Literal["fail", "skip"]


@dataclass(frozen=True)
class Decoded:
    """What the items became.

    Attributes:
        arrays: name → uint8 [n, *shape] over a memory map of a file: not to be written to.
        kept: the positions of these n among all items.
        fingerprint: SHA-256 of the arrays' content.
        digests: BLAKE2b of each item's first array: the same where that is the same, to the bit.
    """

    arrays: Mapping[str, Tensor]
    kept: Sequence[int]
    fingerprint: str
    digests: Sequence[bytes]


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


def cached(cache_dir: str | Path, name: str, source: Source, on_error: OnError = "fail") -> Decoded:
    """All items, decoded by the first who asks, and opened by everybody else.

    The cache lies in `cache_dir/<name>-<root and options>/<files>`: it is known by the paths, sizes and times
    of the files. Where those change, the items are decoded anew, and the cache of the same folder and options
    as it was before is removed; who still has it open keeps it. It appears by one rename when it is complete
    and on the disk. Several processes may ask at once: one decodes, the others wait for it.

    Args:
        cache_dir: folder of all caches.
        name: of this one, for people.
        source: the items.
        on_error: `skip` leaves out the items that cannot be decoded, and says so; `fail` refuses.

    Raises:
        InputError: items cannot be decoded, or the cache cannot be written; then nothing is left of it.
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
    return Decoded(arrays, _kept(source, meta), meta["fingerprint"], _digests(folder, arrays[_first(source)]))


def _load(folder: Path, source: Source) -> tuple[Mapping[str, Any], Mapping[str, Tensor]] | None:
    """What a complete cache says about itself, and its arrays; None where there is none, or a damaged one."""
    try:
        meta = json.loads((folder / META).read_text(encoding="utf-8"))
        n = len(_kept(source, meta))
        return meta, {key: _open(folder / key, (n, *shape)) for key, shape in source.shapes.items()}
    except (OSError, ValueError, KeyError, TypeError, AttributeError, RecursionError):
        return None


def _first(source: Source) -> str:
    return next(iter(source.shapes))


def _digests(folder: Path, items: Tensor) -> list[bytes]:
    """One of each item; taken of the memory map, and kept, where the cache is from before there were any."""
    path = folder / DIGESTS
    content = path.read_bytes() if path.is_file() else b""
    if len(content) != len(items) * DIGEST_BYTES:
        content = b"".join(_blake(item.numpy().tobytes()) for item in items)
        with suppress(OSError):  # a cache that others keep, or was removed: they are taken again next time
            replace(path, content)
    return [content[at : at + DIGEST_BYTES] for at in range(0, len(content), DIGEST_BYTES)]


def _blake(content: bytes) -> bytes:
    return hashlib.blake2b(content, digest_size=DIGEST_BYTES).digest()


def _kept(source: Source, meta: Mapping[str, Any]) -> list[int]:
    return [i for i in range(len(source.items)) if str(i) not in meta["skipped"]]


def _make(folder: Path, source: Source, on_error: OnError) -> None:
    """Decode all items, or wait for the process that does."""
    place, partial = folder.parent, folder.with_name(f".{folder.name}.partial")
    with ExitStack() as stack:
        stack.enter_context(_writing(folder, source))
        place.mkdir(parents=True, exist_ok=True)
        stack.enter_context(alone(place, "decodes into"))
        if _load(folder, source):  # another process made it meanwhile
            return
        for leftover in (folder, *place.glob(".*.partial")):  # damaged, or of a killed process
            shutil.rmtree(leftover, ignore_errors=True)
        stack.callback(shutil.rmtree, partial, ignore_errors=True)
        partial.mkdir()
        meta = _decode(partial, source)
        if meta["skipped"] and on_error == "fail":
            raise _refused(source, meta)
        (partial / META).write_text(json.dumps(meta), encoding="utf-8")
        for path in (*partial.iterdir(), partial):
            to_disk(path)
        partial.rename(folder)
        to_disk(place)
        for stale in place.iterdir():
            if stale != folder:
                shutil.rmtree(stale, ignore_errors=True)


def _decode(folder: Path, source: Source) -> dict[str, Any]:
    """Decode all items into a folder's files; what there is to say about them."""
    digests = {key: hashlib.sha256(str(shape).encode()) for key, shape in source.shapes.items()}
    skipped: dict[str, str] = {}
    with ExitStack() as stack:
        files = {key: stack.enter_context((folder / key).open("wb")) for key in source.shapes}
        items = stack.enter_context((folder / DIGESTS).open("wb"))
        title = f"decoding {len(source.items):,} items of {source.root}"
        advance = stack.enter_context(counted(title, len(source.items)))
        for i, arrays in enumerate(in_order(source.decode, len(source.items), _block_size(source))):
            advance()
            if isinstance(arrays, Exception):
                skipped[str(i)] = " ".join(str(arrays).split())
                continue
            items.write(_blake(arrays[_first(source)].tobytes()))
            for key, shape in source.shapes.items():
                if arrays[key].dtype != np.uint8 or arrays[key].shape != tuple(shape):
                    raise ValueError(f"{key} of {source.items[i]}: {arrays[key].dtype} {arrays[key].shape}")
                content = arrays[key].tobytes()
                digests[key].update(content)
                files[key].write(content)
    return {
        "root": str(source.root.resolve()),
        "options": source.options,
        "skipped": skipped,
        "fingerprint": _digest(
            {key: digests[key].hexdigest() for key in digests if key not in source.remarks}
        ),
    }


def _item_bytes(source: Source) -> int:
    return sum(math.prod(shape) for shape in source.shapes.values())


def _block_size(source: Source) -> int:
    return min(BLOCK_ITEMS, 1 + BLOCK_BYTES // _item_bytes(source))


@contextmanager
def _writing(folder: Path, source: Source) -> Iterator[None]:
    """What the system refuses while the cache is written is bad input: the place, or its size."""
    try:
        yield
    except OSError as error:
        raise InputError(
            f"cannot write the decoded data of {source.root} to {folder.parent}: {error.strerror or error}; "
            f"they take {len(source.items) * _item_bytes(source) / 1e6:,.0f} MB: make room, or name another "
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
