"""Moments at which a process changes what a disk holds; at a chosen one it is killed, or the disk is full.

The functions through which Python changes files are wrapped: making, writing, truncating, writing through
(`fsync`), renaming and removing files and folders. Each counts as one moment; of a file, every write that
reaches the system does. What other programs write (W&B's own service) is not seen.
"""

import builtins
import errno
import io
import os
import signal
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

CALLS = ("replace", "rename", "fsync", "mkdir", "unlink", "remove", "rmdir", "link", "symlink")
NEED_ROOM = ("make", "write", "fsync", "mkdir", "rename", "replace")
"""What a full disk refuses."""
WRITES = frozenset("wax+")


@dataclass(frozen=True)
class Moment:
    """Which one, and what happens.

    Attributes:
        number: from 0, of the process.
        what: `before` and `after`: killed there. `torn`: killed after half of what is written. `full`: from
            there on, nothing finds room, and what is written is cut in half first; `once`: room comes back.
    """

    number: int
    what: str


class Watch:
    """Counts the moments of a process that concern a folder.

    Args:
        root: the folder.
        moment: at which something happens; None = nothing ever does.
        log: a file that gets a line for each: its kind, and of what.
    """

    def __init__(self, root: Path, moment: Moment | None = None, log: Path | None = None) -> None:
        self.root, self.moment, self.count = str(root.resolve()), moment, 0
        self.log = log and os.open(log, os.O_WRONLY | os.O_CREAT | os.O_TRUNC)
        self.open = io.open

    def begin(self) -> None:
        """Wrap what changes files; for good."""
        import numpy.lib._format_impl as npy

        npy.isfileobj = lambda _: False  # NumPy would write past Python
        for name in CALLS:
            setattr(os, name, partial(self._call, name, getattr(os, name)))
        io.open = builtins.open = self._open  # type: ignore[assignment]

    def _is_ours(self, path: Any) -> bool:
        if isinstance(path, int):
            try:
                path = Path(f"/proc/self/fd/{path}").readlink()
            except OSError:
                return False
        return str(Path(os.fsdecode(path)).absolute()).startswith(self.root)

    def _call(self, name: str, call: Callable[..., Any], *args: Any, **kwargs: Any) -> Any:
        if kwargs.get("dir_fd") is None and not self._is_ours(args[0]):
            return call(*args, **kwargs)
        return self.at(name, args[0], lambda: call(*args, **kwargs))

    def _open(self, file: Any, mode: str = "r", buffering: int = -1, *args: Any, **kwargs: Any) -> Any:
        if not set(mode) & WRITES or isinstance(file, int) or not self._is_ours(file):
            return self.open(file, mode, buffering, *args, **kwargs)
        plain = mode.replace("b", "").replace("t", "")
        opener = {key: kwargs.pop(key) for key in ("closefd", "opener") if key in kwargs}
        raw = self.at("make", file, lambda: Traced(self, file, plain, **opener))
        if buffering == 0:
            return raw
        buffer = io.BufferedRandom(raw) if "+" in plain else io.BufferedWriter(raw)
        return buffer if "b" in mode else io.TextIOWrapper(buffer, *args, **kwargs)

    def at(
        self, kind: str, path: Any, action: Callable[[], Any], half: Callable[[], Any] | None = None
    ) -> Any:
        """Come to a moment, and do what is to be done there."""
        number, self.count = self.count, self.count + 1
        if self.log is not None:
            os.write(self.log, f"{number} {kind} {path}\n".encode())
        if self.moment is None:
            return action()
        what, here = self.moment.what, number == self.moment.number
        if what in ("full", "once"):
            if kind in NEED_ROOM and (here or (what == "full" and number > self.moment.number)):
                if half:
                    half()
                raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC), str(path))
            return action()
        if here and what == "torn" and half:
            half()
        if here and what in ("before", "torn"):
            die()
        done = action()
        if here:
            die()
        return done


class Traced(io.FileIO):
    """A file that is written: each write that reaches the system is a moment."""

    def __init__(self, watch: Watch, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.watch = watch

    def write(self, content: Any, /) -> int:
        """Write some bytes."""
        view = memoryview(content).cast("B")
        half = partial(super().write, view[: len(view) // 2])
        return self.watch.at("write", self.name, partial(super().write, view), half)

    def truncate(self, size: int | None = None, /) -> int:
        """Cut the file."""
        return self.watch.at("truncate", self.name, partial(super().truncate, size))


def die() -> None:
    """As by `kill -9`."""
    os.kill(os.getpid(), signal.SIGKILL)
