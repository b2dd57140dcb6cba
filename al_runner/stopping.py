"""How a run or a sweep is stopped: signals that raise, and local processes that must not outlive it."""

import os
import signal
import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

SIGNALS = (signal.SIGINT, signal.SIGTERM)


class Interrupted(BaseException):
    """A signal asks to stop.

    Args:
        number: the signal's; kept as the only argument, so that it can be pickled: a worker sends this to
            the main process of a sweep.
    """

    def __init__(self, number: int) -> None:
        super().__init__(number)
        self.number = number

    def __str__(self) -> str:
        return signal.Signals(self.number).name


@contextmanager
def signals_raise() -> Iterator[None]:
    """SIGINT and SIGTERM raise `Interrupted`, wherever the run is: what is on disk is whole at any moment."""
    if threading.current_thread() is not threading.main_thread():
        yield
        return

    def stop(number: int, _: object) -> None:
        raise Interrupted(number)

    previous = {number: signal.signal(number, stop) for number in SIGNALS}
    try:
        yield
    finally:
        for number, handler in previous.items():
            signal.signal(number, handler)


def wait_for_children() -> None:
    """Until every process that this one started has ended."""
    with suppress(ChildProcessError):
        while True:
            os.wait()


def end_children(process: int | None = None) -> None:
    """Kill the processes that this one started, and theirs.

    Found on Linux; elsewhere there are none to end, and a launcher's own clean-up has to do.

    Args:
        process: whose children; this process's by default.
    """
    for child in children(process or os.getpid()):
        with suppress(ProcessLookupError):
            os.kill(child, signal.SIGSTOP)  # or it could start another one while its children are killed
            end_children(child)
            os.kill(child, signal.SIGKILL)


def children(process: int) -> list[int]:
    """The processes that a process started and that have not ended."""
    tasks = Path(f"/proc/{process}/task").glob("*/children")  # a process is the child of a thread
    found: list[int] = []
    for path in tasks:
        with suppress(OSError):
            found += [int(number) for number in path.read_text().split()]
    return found
