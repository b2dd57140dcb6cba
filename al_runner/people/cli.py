"""`al-label`: the page on which people label what a run asks for, or another program's."""

import argparse
import getpass
import os
import subprocess
import sys
import threading
import webbrowser
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

from filelock import FileLock, Timeout

from al_runner import __version__
from al_runner.config.commands import one_line, refusing
from al_runner.errors import InputError
from al_runner.people.asked import Asked
from al_runner.people.ending import end
from al_runner.people.exchange import add_exchange, exchange
from al_runner.people.folders import read_manifest
from al_runner.people.page.training import PASSWORD
from al_runner.people.waiting import page_lacks, waits

if TYPE_CHECKING:
    from al_runner.people.page.desk import Desk


def main(arguments: Sequence[str] | None = None) -> None:
    """Entry point of `al-label`: exit code 0, or 2 for bad input."""
    with refusing("al-label"):
        options = parser().parse_args(arguments)
        if options.stop:
            raise SystemExit(stop(options))
        if (done := exchange(options)) is None:
            label(options)
        else:
            print(done)


def parser() -> argparse.ArgumentParser:
    """The command line."""
    result = one_line(argparse.ArgumentParser("al-label", description=__doc__), "al-label")
    add = result.add_argument
    add("--version", action="version", version=f"al-label {__version__}")
    add("run", type=Path, metavar="RUN", help="run folder: the last line that al-run printed")
    add("--by", default="", metavar="INITIALS", help="who labels (the page asks)")
    add(
        "--twice",
        type=share,
        default=0.0,
        metavar="SHARE",
        help="share of the images that two readers label, such as 0.2; the page shows how far they agree",
    )
    add("--show-names", action="store_true", help="show file names and patients on the page")
    add("--port", type=port, help="port of the page (8765, or a free one)")
    add(
        "--host",
        default="127.0.0.1",
        metavar="ADDRESS",
        help=f"address of this machine, for others to see the page; needs a password ({PASSWORD} or asked)",
    )
    add("--no-browser", action="store_true", help="open no browser")
    add("--stop", action="store_true", help="end the run with the rounds that it has, and serve no page")
    add_exchange(result)
    return result


def share(text: str) -> float:
    """A number of 0 to 1."""
    try:
        value = float(text)
    except ValueError:
        value = -1.0
    if not 0 <= value <= 1:
        raise argparse.ArgumentTypeError(f"{text} must be a share between 0 and 1, such as 0.2")
    return value


def port(text: str) -> int:
    """A port."""
    if not (text.isdecimal() and 0 < int(text) < 2**16):
        raise argparse.ArgumentTypeError(f"{text} must be a port, 1 to 65535")
    return int(text)


def label(options: argparse.Namespace) -> None:
    """Serve the page until somebody ends it.

    Raises:
        InputError: nothing is asked, the page cannot be served, or a library is missing.
    """
    if lacks := page_lacks():
        raise InputError(lacks)
    from al_runner.people.page.desk import Desk

    folder: Path = options.run
    desk = Desk(folder, options.twice)
    check_asks(folder, desk)
    by = initials(options.by)
    with alone(folder):
        serve(desk, by, options)


def stop(options: argparse.Namespace) -> int:
    """End the run, and let its own command close it; the exit code of that.

    Raises:
        InputError: it cannot be ended now.
    """
    asked = end(options.run, initials(options.by))
    return subprocess.run(asked.command, cwd=asked.cwd, check=False).returncode


def initials(by: str) -> str:
    """As the page would have them.

    Raises:
        InputError: they are none.
    """
    from pydantic import TypeAdapter, ValidationError

    from al_runner.people.page.requests import Reader

    try:
        return TypeAdapter(Reader).validate_python(by) if by else ""
    except ValidationError as error:
        raise InputError(f"--by {by}: initials are 1 to 16 letters or digits, such as AB") from error


def check_asks(folder: Path, desk: "Desk") -> None:
    """Refuse a folder of which nobody is asked anything.

    Raises:
        InputError: says what to type instead.
    """
    manifest = read_manifest(folder)
    if not manifest:
        raise InputError(
            f"{folder} is not a run folder (it has no manifest.json); al-run prints it as its last line"
        )
    if (asked := Asked.read(folder)) is not None and asked.masks is not None:
        raise InputError(f"{folder} asks for outlines, which this page does not take; it is {waits(folder)}")
    state = desk.status().state
    if state in ("label", "full", "training"):
        return
    raise InputError(f"{folder} {_instead(state, manifest)}")


def _instead(state: str, manifest: Mapping[str, object]) -> str:
    """Why nobody is asked, and what to type."""
    if state == "finished":
        return "is finished and asks for nothing; al-report shows what it has learned"
    if state == "failed":
        return f"failed: {manifest.get('error') or 'it does not say why'}; start the same al-run again"
    return f"has the status {manifest.get('status')} and asks people nothing; start the same al-run again"


@contextmanager
def alone(folder: Path) -> Iterator[None]:
    """No second page stands before the run.

    Raises:
        InputError: one does, or the folder cannot be written.
    """
    lock = FileLock(folder / "al-label.lock")
    try:
        lock.acquire(timeout=0)
    except Timeout as error:
        raise InputError(f"another al-label serves {folder}: open its address, or end it first") from error
    except OSError as error:
        raise InputError(f"cannot write {folder}: {error.strerror or error}") from error
    try:
        yield
    finally:
        lock.release()


def serve(desk: "Desk", by: str, options: argparse.Namespace) -> None:
    """Bind, say where, and answer."""
    from al_runner.people.page import serving
    from al_runner.people.page.app import Page
    from al_runner.people.page.security import Access

    secret = "" if options.host in serving.HERE else password()
    listening = serving.listen(options.host, options.port)
    number = listening.getsockname()[1]
    access = Access(serving.names_of(options.host), number, secret)
    address = f"http://{serving.name_of(options.host)}:{number}/" + (
        "" if secret else f"?token={access.token}"
    )

    def ready() -> None:
        print(f"Label here: {address}", flush=True)
        if secret:
            print("The password opens it. Nothing is encrypted: use a network that you trust, or a tunnel.")
        print("Ctrl-C ends it; every answer is in labels.csv of the run folder.", flush=True)
        if not options.no_browser and has_screen():
            threading.Thread(target=webbrowser.open, args=(address,), daemon=True).start()

    try:
        serving.serve(Page(desk, access, by, options.show_names).app(), listening, ready)
    finally:
        desk.training.end()


def has_screen() -> bool:
    """Whether a browser can be opened: one in the terminal would take it from the person."""
    return sys.platform != "linux" or any(os.environ.get(name) for name in ("DISPLAY", "WAYLAND_DISPLAY"))


def password() -> str:
    """From the environment, or from the person at the terminal.

    Raises:
        InputError: there is neither.
    """
    given = os.environ.get(PASSWORD, "")
    if not given and sys.stdin is not None and sys.stdin.isatty():
        given = getpass.getpass("Password for the page: ")
    if not given:
        raise InputError(f"--host needs a password: set {PASSWORD}")
    return given


if __name__ == "__main__":
    main()
