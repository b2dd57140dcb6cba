"""What al-runner says when what it was given cannot work."""

from collections.abc import Collection, Iterator
from contextlib import contextmanager
from difflib import SequenceMatcher

NEAR = 0.6
"""How alike words must be for one to be a misspelling of the other: `difflib`'s own bound."""
FEW_LETTERS = 160
"""So much of a list still fits the one line that an error is."""


class InputError(Exception):
    """Bad input: the message is one line that says what is wrong, where, and what would be right.

    The command prints it as `al-run: <message>` and ends with exit code 2.
    """


@contextmanager
def blaming(part: str) -> Iterator[None]:
    """A part that cannot be built from its config's values is bad input."""
    try:
        yield
    except (TypeError, ValueError, RuntimeError, MemoryError, OverflowError) as error:
        raise InputError(f"{part}: {' '.join(str(error).split())}") from error


@contextmanager
def within(node: str) -> Iterator[None]:
    """Bad input for what a node describes is said to be there."""
    try:
        yield
    except InputError as error:
        raise InputError(f"in {node}: {error}") from error


def likeness(word: str, name: str) -> float:
    """How alike two words are, 0 to 1; case does not count, and `-` is `_`."""
    ours, theirs = (text.casefold().replace("-", "_") for text in (word, name))
    return SequenceMatcher(None, ours, theirs).ratio()


def nearest(word: str, known: Collection[str]) -> str | None:
    """The one of some names that a word is most likely a misspelling of; None where none is near."""
    score, name = max(((likeness(word, name), name) for name in known), default=(0.0, ""))
    return name if score >= NEAR else None


def instead(word: str, known: Collection[str], otherwise: str = "") -> str:
    """What to give in place of a word that is none of `known`: `did you mean entropy?`.

    Args:
        word: what was given.
        known: what there is.
        otherwise: where to look; said where nothing is near, and a list would not fit a line.
    """
    if (meant := nearest(word, known)) is not None:
        return f"did you mean {meant}?"
    listed = ", ".join(known)
    return f"there are {listed}" if listed and (not otherwise or len(listed) <= FEW_LETTERS) else otherwise
