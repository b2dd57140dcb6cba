"""How far work outside the rounds is; on standard error."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn


@contextmanager
def counted(what: str, total: int) -> Iterator[Callable[[], None]]:
    """Show how far work outside the rounds is: a bar on a terminal, one line elsewhere.

    Gives a function that is to be called when one of `total` is done.
    """
    console = Console(stderr=True, highlight=False)
    if not console.is_terminal:
        console.print(f"al-run: {what}", soft_wrap=True)
    columns = TextColumn("{task.description}"), BarColumn(bar_width=20), MofNCompleteColumn()
    remaining = TimeRemainingColumn()
    with Progress(
        *columns, remaining, console=console, disable=not console.is_terminal, transient=True
    ) as bar:
        task = bar.add_task(what, total=total)
        yield lambda: bar.advance(task)
