"""Work on many items in threads, handed over in order."""

import os
from collections import deque
from collections.abc import Callable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from typing import TypeVar

from al_runner.errors import InputError

Result = TypeVar("Result")


def in_order(
    work: Callable[[int], Result], n: int, block_size: int = 1
) -> Iterator[Result | InputError | OSError]:
    """`work(0)` … `work(n − 1)`, in order, done by as many threads as there are cores.

    The threads are only a little ahead, so that memory does not grow with n. What is wrong with an item is
    handed over in its place; any other error ends everything.

    Args:
        work: of one item; most of it has to release Python's lock, as decoders do.
        n: items.
        block_size: items that a thread is given at a time.
    """

    def attempt(item: int) -> Result | InputError | OSError:
        try:
            return work(item)
        except (InputError, OSError) as error:
            return error

    def block(start: int) -> list[Result | InputError | OSError]:
        return [attempt(item) for item in range(start, min(start + block_size, n))]

    workers = cores()
    pool = ThreadPoolExecutor(workers)
    waiting: deque[Future[list[Result | InputError | OSError]]] = deque()
    try:
        for start in range(0, n, block_size):
            waiting.append(pool.submit(block, start))
            if len(waiting) > 2 * workers:
                yield from waiting.popleft().result()
        while waiting:
            yield from waiting.popleft().result()
    finally:
        pool.shutdown(cancel_futures=True)


def cores() -> int:
    """The cores that this process may use."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
