"""What the commands have in common: options that are misspelled, and readers that go away."""

import os
import re
import signal
import sys
from argparse import ArgumentParser
from collections.abc import Iterator
from contextlib import contextmanager
from functools import partial
from typing import NoReturn

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
        word = next((word for word in found[1].split() if word.startswith("-")), found[1]).partition("=")[0]
        options = [name for action in parser._actions for name in action.option_strings]
        return (
            f"{word} is no option; {instead(word, [each for each in options if each[:2] == '--'], help_of)}"
        )
    if found := re.match(r"argument (\S+): invalid choice: '(.*)' \(choose from", message):
        names, value = found[1].split("/"), found[2]
        choices = next(action.choices for action in parser._actions if names[0] in action.option_strings)
        return f"{names[0]} {value}: {instead(value, [str(each) for each in choices or ()])}"
    return message.removeprefix("argument ")


@contextmanager
def quiet_when_nobody_reads() -> Iterator[None]:
    """End as other commands do when the reader of a pipe has gone (`al-run --help | head -1`)."""
    try:
        try:
            yield
        finally:
            sys.stdout.flush()
    except BrokenPipeError:
        nowhere = os.open(os.devnull, os.O_WRONLY)
        for stream in (sys.stdout, sys.stderr):
            os.dup2(nowhere, stream.fileno())  # Python flushes them once more when it ends
        raise SystemExit(SIGNAL + signal.SIGPIPE) from None
