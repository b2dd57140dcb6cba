"""Get a file once, whole and verified, whoever else wants it at the same time."""

import socket
import tempfile
from http.client import HTTPException
from pathlib import Path

from filelock import FileLock

from al_runner.data.addresses import hidden
from al_runner.errors import InputError

STALLED_SECONDS = 30.0
"""A server that sends nothing for so long counts as unreachable."""


def ensure(path: Path, url: str, md5: str) -> None:
    """Have the file at `path`: as it is where it exists, else downloaded from `url`.

    Several processes may ask for one file: the first downloads it, the others wait. The file appears under
    its name only when it is complete and its checksum was verified.

    Raises:
        InputError: the folder cannot be written, or the download fails; the message says where to put the
            file by hand.
    """
    if path.exists():
        return
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        with FileLock(path.with_name(f".{path.name}.lock")):
            if not path.exists():
                _download(path, url, md5)
    except (OSError, RuntimeError, ValueError, HTTPException) as error:
        why = error if hidden(url) == url else type(error).__name__  # whose words may hold a part of it
        raise InputError(
            f"cannot download {hidden(url)} ({why}); "
            f"download it elsewhere and put it at {path.absolute()} (MD5 {md5})"
        ) from error


def _download(path: Path, url: str, md5: str) -> None:
    """Download into a folder beside `path`, then rename: a killed download leaves nothing under the name."""
    from torchvision.datasets.utils import download_url  # slow to import, and seldom needed

    timeout = socket.getdefaulttimeout()
    socket.setdefaulttimeout(STALLED_SECONDS)
    try:
        with tempfile.TemporaryDirectory(dir=path.parent, prefix=f".{path.name}.") as folder:
            download_url(url, root=folder, filename=path.name, md5=md5)
            (Path(folder) / path.name).rename(path)
    finally:
        socket.setdefaulttimeout(timeout)
