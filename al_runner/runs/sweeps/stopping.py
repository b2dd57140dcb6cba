"""How a run or a sweep is stopped: signals that raise, and local processes that must not outlive it."""

import os
import signal
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

SIGNALS = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)
"""Ctrl-C, kill, and a terminal that was closed."""


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
    """These signals raise `Interrupted`, wherever the run is: what is on disk is whole at any moment."""
    if threading.current_thread() is not threading.main_thread():
        yield
        return

    def stop(number: int, _: object) -> None:
        if number == signal.SIGINT and "ray" in sys.modules:
            raise KeyboardInterrupt  # Ray, while it waits for its workers, lets nothing else through
        raise Interrupted(number)

    os.environ.setdefault("RAY_DISABLE_FAILURE_SIGNAL_HANDLER", "1")  # it prints a stack for a SIGTERM
    heeded = (number for number in SIGNALS if signal.getsignal(number) != signal.SIG_IGN)  # as nohup has it
    previous = {number: signal.signal(number, stop) for number in heeded}
    try:
        yield
    except SystemExit as end:
        if "ray" in sys.modules:  # which replaces the handler for SIGTERM by one that exits
            raise Interrupted(signal.SIGTERM) from end
        raise
    finally:
        for number, handler in previous.items():
            signal.signal(number, handler)


def wait_for_children() -> None:
    """Until every process that this one started has ended."""
    with suppress(ChildProcessError):
        while True:
            os.wait()


def end_workers() -> None:
    """End a sweep's workers on this machine, where their launcher leaves them running.

    joblib ends its own. Ray does when it is told. submitit means its local jobs to survive; they are found
    on Linux only.
    """
    if "ray" in sys.modules:
        sys.modules["ray"].shutdown()
    if "submitit" in sys.modules:
        _kill_children(os.getpid())


def _kill_children(process: int) -> None:
    for child in _children(process):
        with suppress(ProcessLookupError):
            os.kill(child, signal.SIGSTOP)  # or it could start another one while its children are killed
            _kill_children(child)
            os.kill(child, signal.SIGKILL)


def _children(process: int) -> list[int]:
    """The processes that a process started and that have not ended."""
    found: list[int] = []
    for path in Path(f"/proc/{process}/task").glob("*/children"):  # a process is the child of a thread
        with suppress(OSError):
            found += [int(number) for number in path.read_text().split()]
    return found
