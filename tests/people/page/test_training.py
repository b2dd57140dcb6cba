"""The run's command, as the page starts and ends it."""

import os
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from al_runner.people.page import training
from al_runner.people.page.training import Training

TALKS = """
import os, sys, time
words = "hi", "AL_LABEL_PASSWORD" in os.environ, os.getpgid(0), os.environ["COLUMNS"]
print(*words, file=sys.stderr, flush=True)
time.sleep(60)
"""
STUBBORN = "import signal\nsignal.signal(signal.SIGTERM, signal.SIG_IGN)\n" + TALKS


@pytest.fixture
def started() -> Iterator[Training]:
    found = Training()
    yield found
    found.end()


def first_line(of: Training) -> str:
    for _ in range(400):
        if line := of.line():
            return line
        time.sleep(0.02)
    raise AssertionError("it says nothing")


def test_nothing_was_started(started: Training) -> None:
    assert (started.alive, started.failure, started.line()) == (False, "", "")


@pytest.mark.parametrize("code", [TALKS, STUBBORN])
def test_it_ends_with_the_page(
    started: Training, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, code: str
) -> None:
    monkeypatch.setenv("AL_LABEL_PASSWORD", "secret")
    monkeypatch.setattr(training, "PATIENCE", 0.5)
    started.start([sys.executable, "-c", code], tmp_path)
    started.start(["no-such-program"], tmp_path)
    hi, has_password, group, columns = first_line(started).split()
    assert (hi, has_password, columns) == ("hi", "False", "300")
    assert int(group) != os.getpgid(0), "Ctrl-C in the terminal is not for it"
    assert started.alive
    started.end()
    with pytest.raises(ProcessLookupError):
        os.kill(int(group), 0)


def test_how_it_ended(started: Training, tmp_path: Path) -> None:
    for code, failure in (
        ("", ""),
        ("raise SystemExit(3)", "the run ended with exit code 3"),
        ("import sys; sys.exit('al-run: no room')", "al-run: no room"),
    ):
        started.start([sys.executable, "-c", code], tmp_path)
        while started.alive:
            time.sleep(0.02)
        assert started.failure == failure
    started.start(["python"], tmp_path / "gone")
    assert started.failure == "cannot start python: No such file or directory"
