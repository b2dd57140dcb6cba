"""What al-runner says when what it was given cannot work."""

from collections.abc import Iterator
from contextlib import contextmanager


class InputError(Exception):
    """Bad input: the message is one line that says what is wrong, where, and what would be right.

    The command prints it as `al-run: <message>` and ends with exit code 2.
    """


@contextmanager
def blaming(part: str) -> Iterator[None]:
    """A part that cannot be built from its config's values is bad input."""
    try:
        yield
    except (TypeError, ValueError) as error:
        raise InputError(f"{part}: {' '.join(str(error).split())}") from error


@contextmanager
def within(node: str) -> Iterator[None]:
    """Bad input for what a node describes is said to be there."""
    try:
        yield
    except InputError as error:
        raise InputError(f"in {node}: {error}") from error
