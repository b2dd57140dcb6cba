"""Python's search for garbage, kept away from what libraries define.

What they define stays until the process ends. Searched again and again, while they are imported, in each
round and once more at the end, it takes a quarter of the time of a small run.
"""

import atexit
import gc
import sys
from collections.abc import Iterator
from contextlib import contextmanager


@contextmanager
def imports_stay(module: str) -> Iterator[None]:
    """Import `module` and what it needs without a search, and leave what is there then out of later ones.

    Where it has been imported already, nothing changes.
    """
    if module in sys.modules or not gc.isenabled():
        yield
        return
    gc.disable()
    try:
        yield
        gc.collect()
        gc.freeze()
        atexit.register(_take_down)
    finally:
        gc.enable()


def _take_down() -> None:
    """Let a compiler that was used go as ever: nanobind would print all that it has as leaks."""
    if "triton" in sys.modules:
        gc.unfreeze()
