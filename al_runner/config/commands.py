"""What the commands have in common: options that are misspelled, and readers that go away."""

import io
import os
import re
import signal
import sys
from argparse import ArgumentParser
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from functools import partial
from typing import Any, NoReturn, TextIO, cast

from al_runner.errors import instead

SIGNAL = 128
"""A shell's exit code for a process that signal n ended is this + n."""


def one_line(parser: ArgumentParser, prog: str) -> ArgumentParser:
    """A parser that refuses what it does not know in one line that says what was meant, without its usage."""
    parser.error = partial(_refuse, parser, prog)  # type: ignore[method-assign]
    return parser


def _refuse(parser: ArgumentParser, prog: str, message: str) -> NoReturn:
    print(f"{prog}: {_meant(parser, prog, message)}", file=sys.stderr)
    raise SystemExit(2)


def _meant(parser: ArgumentParser, prog: str, message: str) -> str:
    """Argparse's message in our words, with what was meant."""
    help_of = f"{prog} --help lists them"
    if found := re.match(r"unrecognized arguments: (.*)", message):
        word = next((word for word in found[1].split() if word.startswith("-")), "").partition("=")[0]
        if not word:  # argparse takes values in one row
            return f"{found[1]} is cut off from the other values by a flag: write flags first, or last"
        options = [name for action in parser._actions for name in action.option_strings]
        return (
            f"{word} is no option; {instead(word, [each for each in options if each[:2] == '--'], help_of)}"
        )
    if found := re.match(r"argument (\S+): invalid choice: '(.*)' \(choose from", message):
        names, value = found[1].split("/"), found[2]
        choices = next(action.choices for action in parser._actions if names[0] in action.option_strings)
        return f"{names[0]} {value}: {instead(value, [str(each) for each in choices or ()])}"
    return message.removeprefix("argument ")


class _Unfailing:
    """A stream for remarks: one that cannot be written (a full disk, a closed terminal) ends no run."""

    def __init__(self, stream: TextIO | None) -> None:
        self.stream = stream

    def write(self, text: str) -> int:
        self._try("write", text)
        return len(text)

    def flush(self) -> None:
        self._try("flush")

    def _try(self, action: str, *arguments: str) -> None:
        with suppress(OSError, ValueError):  # ValueError: of a file that was closed
            if self.stream is not None:  # None where the command was started without one
                getattr(self.stream, action)(*arguments)

    def __getattr__(self, name: str) -> Any:
        return getattr(self.stream, name)


@contextmanager
def careful_output() -> Iterator[None]:
    """Output is no reason to lose what was computed.

    What a terminal's encoding lacks is replaced, remarks that cannot be written are dropped, and when the
    reader of a pipe has gone, the command ends as others do (`al-run --help | head -1`).
    """
    remarks, sys.stderr = sys.stderr, cast("TextIO", _Unfailing(sys.stderr))
    if isinstance(sys.stdout, io.TextIOWrapper):
        sys.stdout.reconfigure(errors="replace")
    try:
        try:
            yield
        finally:
            if sys.stdout is not None:
                sys.stdout.flush()
    except BrokenPipeError:
        sys.stderr = remarks
        nowhere = os.open(os.devnull, os.O_WRONLY)
        for stream in (sys.stdout, sys.stderr):
            os.dup2(nowhere, stream.fileno())  # Python flushes them once more when it ends
        raise SystemExit(SIGNAL + signal.SIGPIPE) from None
    finally:
        sys.stderr = remarks
