"""The run's own command, started by the page: one process at a time."""

import os
import re
import subprocess
import tempfile
from collections.abc import Sequence
from pathlib import Path
from typing import IO

SIGNS = re.compile(r"\x1b\[[0-?]*[ -/]*[@-~]|\x1b[@-_]|[\x00-\x08\x0b\x0c\x0e-\x1f\x7f]")
"""What moves a terminal's cursor or colors its text."""
TAIL, LONGEST = 8192, 300
"""Bytes of the output that are looked at; letters of a line that are shown."""
PASSWORD = "AL_LABEL_PASSWORD"
"""The variable that holds the page's password."""
PATIENCE = 20.0
"""Seconds that the process has to end when it is asked to."""


class Training:
    """The process that trains and asks again, if the page has started one."""

    def __init__(self) -> None:
        self._process: subprocess.Popen[bytes] | None = None
        self._output: IO[bytes] | None = None
        self._failed = ""

    def start(self, command: Sequence[str], cwd: Path) -> None:
        """Start it, without a shell, unless it runs."""
        if self.alive:
            return
        self.close()
        self._output = tempfile.TemporaryFile()  # noqa: SIM115  a kill of the page must not break the run's pipe
        try:
            self._process = subprocess.Popen(
                list(command),
                cwd=cwd,
                stdin=subprocess.DEVNULL,
                stdout=subprocess.DEVNULL,
                stderr=self._output,
                env=_environment(),
                start_new_session=True,  # Ctrl-C is for the page, which then ends the run in its own way
            )
        except OSError as error:
            self._failed = f"cannot start {command[0]}: {error.strerror or error}"

    @property
    def alive(self) -> bool:
        """Whether it runs."""
        return self._process is not None and self._process.poll() is None

    @property
    def failure(self) -> str:
        """Why it ended, in its own last line; "" where it has not, or ended well."""
        if self._failed:
            return self._failed
        code = None if self._process is None else self._process.poll()
        return "" if not code else self.line() or f"the run ended with exit code {code}"

    def line(self) -> str:
        """The last line that it wrote to standard error."""
        if self._output is None:
            return ""
        end = self._output.seek(0, 2)
        self._output.seek(max(0, end - TAIL))
        return last_line(self._output.read().decode("utf-8", "replace"))

    def end(self) -> None:
        """Ask it to end, and wait; al-run goes on from its last round when it is started again."""
        if self._process is not None and self.alive:
            self._process.terminate()
            try:
                self._process.wait(PATIENCE)
            except subprocess.TimeoutExpired:
                self._process.kill()
                self._process.wait()
        self.close()

    def close(self) -> None:
        """Forget a process that has ended."""
        if self._output is not None:
            self._output.close()
        self._process, self._output, self._failed = None, None, ""


def _environment() -> dict[str, str]:
    """As here, but lines are not broken, and the page's password stays here."""
    return {name: value for name, value in os.environ.items() if name != PASSWORD} | {"COLUMNS": str(LONGEST)}


def last_line(text: str) -> str:
    """Of a terminal's output: without colors, the last of those that overwrote each other."""
    lines = [" ".join(line.split()) for line in re.split(r"[\r\n]", SIGNS.sub("", text))]
    return next((line for line in reversed(lines) if line), "")[:LONGEST]
