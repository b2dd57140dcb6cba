"""How far work outside the rounds is; on standard error."""

import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Protocol

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TimeRemainingColumn

OFTEN = 60.0
"""Seconds between the lines that show that it goes on, without a terminal."""


class Advance(Protocol):
    """To be called when some items are done."""

    def __call__(self, items: int = 1) -> None:
        """Some more."""


@contextmanager
def counted(what: str, total: int) -> Iterator[Advance]:
    """Say what work outside the rounds is, and how far: a bar on a terminal, a line a minute elsewhere.

    Gives a function that is to be called when one or more of `total` are done.
    """
    console = Console(stderr=True, highlight=False)
    console.print(f"al-run: {what}", soft_wrap=True)
    columns = BarColumn(bar_width=20), MofNCompleteColumn(), TimeRemainingColumn()
    terminal = console.is_terminal
    last_line = time.monotonic()
    with Progress(*columns, console=console, disable=not terminal, transient=True) as bar:
        task = bar.add_task(what, total=total)

        def advance(items: int = 1) -> None:
            nonlocal last_line
            bar.advance(task, items)
            state, now = bar.tasks[task], time.monotonic()
            if not terminal and now - last_line > OFTEN and not state.finished:
                last_line = now
                left = "" if state.time_remaining is None else f", {time_left(state.time_remaining)}"
                console.print(f"al-run: {state.completed:,.0f} of {total:,}{left}", soft_wrap=True)

        yield advance


def time_left(seconds: float) -> str:
    """In words, rounded up: `1:15 left`."""
    minutes, rest = divmod(int(seconds) + 1, 60)
    return f"{minutes}:{rest:02d} left"
