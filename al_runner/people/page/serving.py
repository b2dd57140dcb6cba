"""The server: a port, and an end that is clean."""

import errno
import signal
import socket
from collections.abc import Callable

import uvicorn
from starlette.types import ASGIApp

from al_runner.errors import InputError

HERE = ("127.0.0.1", "localhost", "::1")
"""Addresses that no other machine sees."""
EVERYWHERE = ("0.0.0.0", "::", "")
"""Addresses that stand for all of this machine's."""
PORT = 8765
FAREWELL = 3
"""Seconds that requests have to end when the server does."""


def listen(host: str, port: int | None) -> socket.socket:
    """A socket that nobody else has.

    Args:
        host: its address.
        port: its port; None = the usual one, or else any that is free.

    Raises:
        InputError: the port is taken, or the address is not this machine's.
    """
    try:
        return _bound(host, PORT if port is None else port)
    except OSError as error:
        if error.errno == errno.EADDRINUSE and port is None:
            return _bound(host, 0)
        if error.errno == errno.EADDRINUSE:
            raise InputError(f"--port {port} is in use: choose another, or leave it out") from error
        if error.errno == errno.EACCES:
            raise InputError(f"--port {port} is not for everybody: choose one above 1023") from error
        raise InputError(
            f"--host {host}: {error.strerror or error}; give an address of this machine"
        ) from error


def _bound(host: str, port: int) -> socket.socket:
    family, _, _, _, address = socket.getaddrinfo(
        host, port, type=socket.SOCK_STREAM, flags=socket.AI_PASSIVE
    )[0]
    # asyncio turns Nagle's algorithm off where it is told that this is TCP: else an answer takes 40 ms more
    bound = socket.socket(family, socket.SOCK_STREAM, socket.IPPROTO_TCP)
    try:
        bound.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        bound.bind(address)
        bound.listen(128)
    except OSError:
        bound.close()
        raise
    return bound


def names_of(host: str) -> set[str]:
    """By which a browser may call a page that listens on an address; `*` stands for any number."""
    if host in EVERYWHERE:
        return {"localhost", "*", socket.gethostname().lower(), socket.getfqdn().lower()}
    return {host.lower(), *({"localhost"} if host in HERE else ())}


def name_of(host: str) -> str:
    """By which the page is called in its printed address."""
    if host in EVERYWHERE:
        return socket.gethostname()
    return f"[{host}]" if ":" in host else host


def serve(app: ASGIApp, listening: socket.socket, ready: Callable[[], None]) -> None:
    """Answer requests until SIGINT or SIGTERM; answers that are being kept are kept."""
    config = uvicorn.Config(
        app, log_level="error", access_log=False, timeout_graceful_shutdown=FAREWELL, lifespan="off",
        server_header=False, h11_max_incomplete_event_size=32 * 2**10,
    )  # fmt: skip
    server = uvicorn.Server(config)
    for number in (signal.SIGINT, signal.SIGTERM):  # which uvicorn raises again at its end
        signal.signal(number, lambda *_: setattr(server, "should_exit", True))
    ready()
    server.run(sockets=[listening])
