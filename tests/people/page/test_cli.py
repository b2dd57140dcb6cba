"""`al-label` as a user types it."""

import json
import os
import signal
import socket
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from filelock import FileLock

pytest.importorskip("starlette")

from al_runner.people import cli, waiting
from al_runner.people.page import serving
from tests.people.page.waiting_run import write

COMMAND = str(Path(sys.executable).with_name("al-label"))
ENV = {name: value for name, value in os.environ.items() if name != cli.PASSWORD}


def label(*words: object, env: dict[str, str] = ENV) -> subprocess.CompletedProcess[str]:
    """The installed command, to its end."""
    return subprocess.run(
        [COMMAND, *map(str, words)], capture_output=True, text=True, timeout=60, check=False, env=env,
        stdin=subprocess.DEVNULL,
    )  # fmt: skip


@pytest.fixture
def run(tmp_path: Path) -> Path:
    return write(tmp_path / "place")


@pytest.fixture
def started(run: Path) -> Iterator[subprocess.Popen[str]]:
    """The command over a run, once it has printed its address."""
    process = subprocess.Popen(
        [COMMAND, str(run), "--no-browser", "--by", "ab"],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )
    yield process
    if process.poll() is None:
        process.kill()
    process.communicate()


def refused(capsys: pytest.CaptureFixture[str], *words: object) -> str:
    """The one line with which the command ends."""
    with pytest.raises(SystemExit) as end:
        cli.main([*map(str, words), "--no-browser"])
    out, err = capsys.readouterr()
    assert (end.value.code, out, err.count("\n")) == (2, "", 1)
    assert err.startswith("al-label: ")
    return err


def test_help_needs_neither_torch_nor_starlette() -> None:
    look = (
        "import sys\nfrom al_runner.people.cli import main\ntry: main(['--help'])\nexcept SystemExit: pass\n"
    )
    look += "print(sorted({'torch', 'starlette', 'uvicorn', 'numpy'} & set(sys.modules)))"
    done = subprocess.run([sys.executable, "-c", look], capture_output=True, text=True, check=True)
    assert done.stdout.splitlines()[-1] == "[]"
    assert "--twice SHARE" in done.stdout


def test_a_page_needs_no_torch(run: Path) -> None:
    look = (
        "import sys\nimport al_runner.people.page.app as app\nfrom al_runner.people.page.desk import Desk\n"
    )
    look += f"from pathlib import Path\nassert Desk(Path({str(run)!r})).status().state == 'label'\n"
    look += "print('torch' in sys.modules)"
    done = subprocess.run([sys.executable, "-c", look], capture_output=True, text=True, check=True)
    assert done.stdout == "False\n"


def test_without_the_extra(
    run: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(waiting, "find_spec", lambda name: None)
    assert "starlette and uvicorn missing: pip install 'al-runner[label]'" in refused(capsys, run)


@pytest.mark.parametrize(
    ("manifest", "why"),
    [
        (None, "is not a run folder (it has no manifest.json); al-run prints it as its last line"),
        ({"status": "finished"}, "is finished and asks for nothing; al-report shows what it has learned"),
        ({"status": "failed", "error": "no room"}, "failed: no room; start the same al-run again"),
        (
            {"status": "running"},
            "has the status running and asks people nothing; start the same al-run again",
        ),
        (
            {"status": "waiting"},
            "has the status waiting and asks people nothing; start the same al-run again",
        ),
    ],
)
def test_a_run_that_asks_nothing(
    tmp_path: Path, manifest: dict[str, str] | None, why: str, capsys: pytest.CaptureFixture[str]
) -> None:
    if manifest is not None:
        (tmp_path / "manifest.json").write_text(json.dumps(manifest))
    assert f"al-label: {tmp_path} {why}\n" == refused(capsys, tmp_path)
    assert not (tmp_path / "al-label.lock").exists()


def test_damaged_files(run: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (run / "labels.csv").write_text("file;label\n")
    assert "does not begin with sample,label,by" in refused(capsys, run)
    (run / "asked.json").write_text("{")
    assert "asked.json is not as al-run wrote it" in refused(capsys, run)


@pytest.mark.parametrize(
    ("words", "why"),
    [
        (["--by", "<b>"], "--by <b>: initials are 1 to 16 letters or digits, such as AB"),
        (["--twice", "2"], "--twice: 2 must be a share between 0 and 1, such as 0.2"),
        (["--twice", "nan"], "--twice: nan must be a share"),
        (["--port", "0"], "--port: 0 must be a port, 1 to 65535"),
        (["--host", "0.0.0.0"], "--host needs a password: set AL_LABEL_PASSWORD"),
        (["--shownames"], "--shownames is no option; did you mean --show-names?"),
    ],
)
def test_wrong_options(run: Path, words: list[str], why: str) -> None:
    done = label(run, "--no-browser", *words)
    assert (done.returncode, done.stdout) == (2, "")
    assert done.stderr.startswith(f"al-label: {why}")
    assert done.stderr.count("\n") == 1


def test_a_port_in_use(
    run: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    with serving.listen("127.0.0.1", None) as taken:
        number = taken.getsockname()[1]
        assert f"--port {number} is in use: choose another, or leave it out" in refused(
            capsys, run, "--port", number
        )
        monkeypatch.setattr(serving, "PORT", number)
        with serving.listen("127.0.0.1", None) as other:
            assert other.getsockname()[1] != number
    monkeypatch.setenv(cli.PASSWORD, "x")
    assert "--host 203.0.113.7: " in refused(capsys, run, "--host", "203.0.113.7")
    assert "--host no.invalid: " in refused(capsys, run, "--host", "no.invalid")


def test_two_pages_on_one_run(run: Path, capsys: pytest.CaptureFixture[str]) -> None:
    with FileLock(run / "al-label.lock"):
        assert f"another al-label serves {run}: open its address, or end it first" in refused(capsys, run)


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_it_ends_cleanly(run: Path, started: subprocess.Popen[str], number: signal.Signals) -> None:
    assert started.stdout is not None
    line = started.stdout.readline()
    assert line.startswith("Label here: http://127.0.0.1:")
    started.send_signal(number)
    _, err = started.communicate(timeout=20)
    assert (started.returncode, err) == (0, "")
    assert label(run, "--port", "x").returncode == 2


def test_who_sees_it_from_elsewhere() -> None:
    assert serving.names_of("127.0.0.1") == {"127.0.0.1", "localhost"}
    assert "*" in serving.names_of("0.0.0.0")
    assert serving.names_of("10.0.0.7") == {"10.0.0.7"}
    with serving.listen("localhost", None) as bound:
        assert bound.family in (socket.AF_INET, socket.AF_INET6)
