"""How far decoding and the training of an encoder are."""

import pytest

from al_runner.data import progress
from al_runner.data.progress import counted

LONG = "encoder=simclr learns from the 250 training images of scans, 600 epochs"


@pytest.mark.parametrize("terminal", [False, True])
def test_it_is_said_what_begins(
    terminal: bool, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("FORCE_COLOR" if terminal else "NO_COLOR", "1")
    with counted(LONG, 600) as advance:
        advance()
    assert f"al-run: {LONG}\n" in capsys.readouterr().err


def test_a_terminal_of_80_columns_shows_how_many_are_done(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    for name, value in {"FORCE_COLOR": "1", "COLUMNS": "80", "TERM": "xterm"}.items():
        monkeypatch.setenv(name, value)
    monkeypatch.delenv("NO_COLOR", raising=False)
    with counted(LONG, 600) as advance:
        for _ in range(600):
            advance()
    assert "600/600" in capsys.readouterr().err


def test_without_a_terminal_a_line_says_now_and_then_how_far_it_is(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(progress, "OFTEN", -1)
    with counted("reading", 3) as advance:
        for _ in range(3):
            advance()
    lines = capsys.readouterr().err.splitlines()
    assert [line.split(",")[0] for line in lines] == ["al-run: reading", "al-run: 1 of 3", "al-run: 2 of 3"]
    assert lines[-1].endswith(" left")
    monkeypatch.setattr(progress, "OFTEN", 60)
    with counted("reading", 3) as advance:
        for _ in range(3):
            advance()
    assert capsys.readouterr().err == "al-run: reading\n"
