"""What the commands have in common: options that are misspelled, and readers that go away."""

import io
import os
import re
import signal
import sys
from argparse import ArgumentParser
from collections.abc import Iterator
from contextlib import contextmanager
from functools import partial
from typing import Any, NoReturn, TextIO, cast

from al_runner.errors import InputError, instead

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
            return f"{found[1]} is cut off by a flag: flags come first or last, each with its own value"
        options = [name for action in parser._actions for name in action.option_strings]
        return (
            f"{word} is no option; {instead(word, [each for each in options if each[:2] == '--'], help_of)}"
        )
    if found := re.match(r"argument (\S+): invalid choice: '(.*)' \(choose from", message):
        names, value = found[1].split("/"), found[2]
        choices = next(action.choices for action in parser._actions if names[0] in action.option_strings)
        return f"{names[0]} {value}: {instead(value, [str(each) for each in choices or ()])}"
    return message.removeprefix("argument ")


class _Careful:
    """A stream that raises nothing: what failed first is noted, and all that follows is dropped."""

    def __init__(self, stream: TextIO | None) -> None:
        self.stream = stream
        self.failure: Exception | None = None

    def write(self, text: str) -> int:
        self._try("write", text)
        return len(text)

    def flush(self) -> None:
        self._try("flush")

    def _try(self, action: str, *arguments: str) -> None:
        if self.failure or self.stream is None:  # None where the command was started without one
            return
        try:
            getattr(self.stream, action)(*arguments)
        except (OSError, ValueError) as error:  # ValueError: of a file that was closed
            self.failure = error

    def __getattr__(self, name: str) -> Any:
        return getattr(self.stream, name)


@contextmanager
def careful_output(prog: str) -> Iterator[None]:
    """Output is no reason to lose what is computed: a full disk, a closed terminal, a reader that goes away.

    What an encoding lacks is replaced. Remarks on standard error that cannot be written are dropped.
    Where the results on standard output cannot, the command says so at its end, or ends as others do
    when the reader of a pipe has gone (`al-run --help | head -1`).
    """
    out, err = sys.stdout, sys.stderr
    results = _Careful(out)
    sys.stdout, sys.stderr = cast("TextIO", results), cast("TextIO", _Careful(err))
    if isinstance(out, io.TextIOWrapper):
        out.reconfigure(errors="replace")
    try:
        yield
    finally:
        results.flush()
        if results.failure is not None:
            raise SystemExit(_without_results(prog, results.failure)) from None
        sys.stdout, sys.stderr = out, err


@contextmanager
def refusing(prog: str) -> Iterator[None]:
    """The same, and bad input ends the command with one line and exit code 2."""
    with careful_output(prog):
        try:
            yield
        except InputError as error:
            print(f"{prog}: {' '.join(str(error).splitlines())}", file=sys.stderr)
            raise SystemExit(2) from error


def _without_results(prog: str, failure: Exception) -> int:
    """The exit code of a command whose results cannot be written; Python would try once more when it ends."""
    gone = isinstance(failure, BrokenPipeError)
    if not gone:
        print(f"{prog}: cannot write to standard output: {failure}", file=sys.stderr)
    nowhere = os.open(os.devnull, os.O_WRONLY)
    for number in (1, 2) if gone else (1,):
        os.dup2(nowhere, number)
    return SIGNAL + signal.SIGPIPE if gone else 1
