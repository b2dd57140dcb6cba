"""Who may use the page: the browser of the person who started it, or people with the password; no other page.

A page that somebody visits can make their browser send requests to this machine. It can neither read the
cookie (HttpOnly), nor have it sent (SameSite=Strict), nor name our origin (`Origin`), nor make a name of its
own lead here (`Host`: DNS rebinding).
"""

import secrets
from collections.abc import Collection
from dataclasses import dataclass, field
from http.cookies import CookieError, SimpleCookie
from ipaddress import ip_address
from urllib.parse import parse_qs, urlsplit

from starlette.datastructures import Headers, MutableHeaders
from starlette.responses import PlainTextResponse
from starlette.types import ASGIApp, Message, Receive, Scope, Send

OPEN_PATHS = ("/static/", "/login")
"""Where nothing of the run is."""
POLICY = (
    "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; connect-src 'self'; "
    "base-uri 'none'; form-action 'self'; frame-ancestors 'none'"
)
HEADERS = {
    "Content-Security-Policy": POLICY,
    "Cache-Control": "no-store",
    "X-Content-Type-Options": "nosniff",
    "X-Frame-Options": "DENY",
    "Referrer-Policy": "same-origin",
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cross-Origin-Resource-Policy": "same-origin",
}
LARGEST = 16 * 2**10
"""Bytes of a request's body."""


@dataclass(frozen=True)
class Access:
    """What opens the page.

    Attributes:
        hosts: names and addresses of this machine by which the page may be called, without the port.
        port: its port.
        password: if it is seen from other machines; else "".
        token: what the cookie holds.
    """

    hosts: Collection[str]
    port: int
    password: str = ""
    token: str = field(default_factory=lambda: secrets.token_urlsafe(32))

    @property
    def cookie(self) -> str:
        """Its name: browsers keep one jar for all ports of a machine."""
        return f"al-label-{self.port}"

    def is_ours(self, host: str) -> bool:
        """Whether a value of `Host` names this page. A number cannot be made to lead elsewhere."""
        try:
            parts = urlsplit(f"//{host}")
            name, _ = parts.hostname or "", parts.port  # which a tunnel may have changed
        except ValueError:
            return False
        known = name in self.hosts or ("*" in self.hosts and _is_number(name))
        return known and parts.netloc == host and "@" not in host

    def is_our_page(self, address: str, host: str) -> bool:
        """Whether an `Origin` or `Referer` is a page of ours, under the name that is called."""
        try:
            parts = urlsplit(address)
        except ValueError:
            return False
        return parts.scheme in ("http", "https") and parts.netloc == host

    def opens(self, given: str) -> bool:
        """Whether it is the token, in a time that tells nothing."""
        return secrets.compare_digest(given.encode("utf-8", "replace"), self.token.encode())

    def admits(self, password: str) -> bool:
        """Whether it is the password, likewise."""
        right = secrets.compare_digest(password.encode("utf-8", "replace"), self.password.encode())
        return right and bool(self.password)

    def token_in(self, headers: Headers) -> str:
        """That of the cookie."""
        try:
            found = SimpleCookie(headers.get("cookie", "")).get(self.cookie)
        except CookieError:
            return ""
        return found.value if found else ""


def _is_number(name: str) -> bool:
    try:
        ip_address(name)
    except ValueError:
        return False
    return True


class Guard:
    """Lets a request through to the app, or answers it with why not.

    Args:
        app: what is guarded.
        access: what opens it.
    """

    def __init__(self, app: ASGIApp, access: Access) -> None:
        self.app, self.access = app, access

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """One request, by ASGI."""
        if scope["type"] == "lifespan":
            await self.app(scope, receive, send)
            return

        async def send_safely(message: Message) -> None:
            if message["type"] == "http.response.start":
                MutableHeaders(scope=message).update(HEADERS)
            await send(message)

        if scope["type"] != "http":
            return
        if refusal := self._refusal(scope):
            await PlainTextResponse(refusal[1], refusal[0])(scope, receive, send_safely)
            return
        await self.app(scope, receive, send_safely)

    def _refusal(self, scope: Scope) -> tuple[int, str] | None:
        """Code and words, or None."""
        headers, host = Headers(scope=scope), Headers(scope=scope).get("host", "")
        if not self.access.is_ours(host):
            return 421, "This page is not served under that name."
        if scope["method"] not in ("GET", "HEAD", "POST"):
            return 405, "Only GET and POST."
        if scope["method"] == "POST":
            source = headers.get("origin") or headers.get("referer") or ""
            if not self.access.is_our_page(source, host):
                return 403, "This request comes from another page."
            length = headers.get("content-length", "")
            if not length.isdecimal():
                return 411, "How long is it?"
            if int(length) > LARGEST:
                return 413, "That is too much."
        if self._is_open(scope) or self.access.opens(self.access.token_in(headers)):
            return None
        return 403, "Open the address that al-label printed in the terminal: it has a token that lets you in."

    def _is_open(self, scope: Scope) -> bool:
        path = scope["path"]
        if path == "/" and scope["method"] != "POST":
            if self.access.password:
                return True  # which asks for it
            given = parse_qs(scope["query_string"].decode("latin-1")).get("token", [""])[0]
            return self.access.opens(given)
        return path.startswith(OPEN_PATHS)
