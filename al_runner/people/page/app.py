"""The page over HTTP: addresses, and what answers them."""

import asyncio
import json
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs

from starlette.applications import Starlette
from starlette.concurrency import run_in_threadpool
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import FileResponse, HTMLResponse, JSONResponse, RedirectResponse, Response
from starlette.routing import Route
from starlette.types import ASGIApp

from al_runner.data.formats.volume import is_volume
from al_runner.errors import InputError
from al_runner.people.page import pictures, shown, slices
from al_runner.people.page.desk import Desk
from al_runner.people.page.requests import Sent, SentAnswer, body, reader
from al_runner.people.page.security import Access, Guard
from al_runner.people.page.session import Given, Session, cannot_answer

STATIC = Path(__file__).with_name("static")
FILES = {path.name: path for path in STATIC.iterdir() if path.suffix in (".css", ".js")}
PAUSE = 1.0
"""Seconds after a wrong password before the next is looked at, whoever sends it."""


@dataclass(frozen=True)
class Page:
    """The answers to requests.

    Attributes:
        desk: the run.
        access: who may see it.
        by: the only reader's initials; "" = the page asks.
        show_names: whether it shows file names and patients.
    """

    desk: Desk
    access: Access
    by: str = ""
    show_names: bool = False

    def app(self) -> ASGIApp:
        """As an ASGI application."""
        routes = [
            Route("/", self.index),
            Route("/login", self.login, methods=["POST"]),
            Route("/static/{name}", self.static),
            Route("/api/start", self.start),
            Route("/api/state", self.state),
            Route("/api/summary", self.summary),
            Route("/api/question/{round:int}/{place:int}", self.question),
            Route("/api/guess/{round:int}/{place:int}", self.guess),
            Route("/api/image/{round:int}/{place:int}", self.image),
            Route("/api/answer", self.answer, methods=["POST"]),
            Route("/api/undo", self.undo, methods=["POST"]),
            Route("/api/train", self.train, methods=["POST"]),
            Route("/api/stop", self.stop, methods=["POST"]),
        ]
        return Guard(Starlette(routes=routes, exception_handlers={InputError: _broken}), self.access)

    def index(self, request: Request) -> Response:
        """The page itself, to whoever has the token; else it asks for the password."""
        has_token = self.access.opens(self.access.token_in(request.headers))
        if has_token or not self.access.password:
            return self._let_in(HTMLResponse((STATIC / "index.html").read_bytes()))
        return HTMLResponse((STATIC / "login.html").read_bytes())

    async def login(self, request: Request) -> Response:
        """The password, one try after the other."""
        async with _tries:
            given = parse_qs((await request.body()).decode("utf-8", "replace")).get("password", [""])[0]
            if self.access.admits(given):
                return self._let_in(RedirectResponse("/", 303))
            await asyncio.sleep(PAUSE)
        return HTMLResponse((STATIC / "login.html").read_bytes().replace(b"<!-- wrong -->", WRONG), 403)

    def _let_in(self, response: Response) -> Response:
        response.set_cookie(self.access.cookie, self.access.token, httponly=True, samesite="strict")
        return response

    def static(self, request: Request) -> Response:
        """Styles and scripts."""
        path = FILES.get(request.path_params["name"])
        if path is None:
            raise HTTPException(404)
        return FileResponse(path)

    def start(self, request: Request) -> Response:
        """What the page needs first."""
        if not request.query_params.get("by") and not self.by:
            return JSONResponse({"by": ""})
        by = self._reader(request)
        told = shown.beginning(self.desk, by)
        return JSONResponse({"by": by, "fixed": bool(self.by), **told})

    def state(self, request: Request) -> Response:
        """What the page asks for while somebody looks at it: that the reader is there is noted."""
        return JSONResponse(shown.state(self.desk, self._reader(request)))

    def summary(self, _request: Request) -> Response:
        """The learning curve and the rest."""
        return JSONResponse(shown.summary(self.desk))

    def question(self, request: Request) -> Response:
        """What is to be said beside an image."""
        by = self._reader(request)
        with self.desk.lock:
            session, place = self._asked(**request.path_params)
            return JSONResponse(shown.question(session, by, place, self.show_names))

    def guess(self, request: Request) -> Response:
        """The model's guess, for those who ask."""
        by = self._reader(request)
        with self.desk.lock:
            session, place = self._asked(**request.path_params)
            guess = session.guess(by, place) or ()
            return JSONResponse({"guess": list(zip(session.asked.words.classes, guess, strict=False))})

    def image(self, request: Request) -> Response:
        """The pixels of a question's image, or of a slice of its volume."""
        session, place = self._asked(**request.path_params)
        told: dict[str, Any] = {}
        try:
            path = shown.path_of(session, place)
            if is_volume(path):
                stack = slices.read(path)
                told["slices"] = stack.counts()
                picture = stack.slice(*_slice(request, stack))
            else:
                picture = pictures.read(path)
        except InputError as error:
            raise HTTPException(404, str(error)) from error
        headers = {"X-Picture": json.dumps({**picture.told(), **told})}
        return Response(picture.body(), media_type="application/octet-stream", headers=headers)

    async def answer(self, request: Request) -> Response:
        """Keep an answer. What comes back says that it is on the disk."""
        sent = await body(request, SentAnswer)
        given = Given(sent.place, sent.label, sent.note, sent.seconds)
        return await self._change(sent, lambda session, by: session.answer(by, given), sent.place)

    async def undo(self, request: Request) -> Response:
        """Take the last answer back."""
        sent = await body(request, Sent)
        return await self._change(sent, lambda session, by: session.undo(by))

    async def _change(
        self, sent: Sent, change: Callable[[Session, str], object], place: int | None = None
    ) -> Response:
        return JSONResponse(await run_in_threadpool(partial(self._changed, sent, change, place)))

    def _changed(
        self, sent: Sent, change: Callable[[Session, str], object], place: int | None
    ) -> dict[str, Any]:
        by = self.by or sent.by
        with self.desk.lock:
            if self.desk.status().state not in ("label", "full", "failed"):
                raise HTTPException(409, "This round has been closed.")
            session, _ = self._asked(sent.round, 0 if place is None else place)
            try:
                done = change(session, by)
            except (ValueError, InputError) as error:
                raise HTTPException(400, cannot_answer(error)) from error
            return {**shown.state(self.desk, by), "place": done}

    async def train(self, request: Request) -> Response:
        """Let the run go on."""
        return await self._start(request, lambda _by: self.desk.train())

    async def stop(self, request: Request) -> Response:
        """End the run here."""
        return await self._start(request, self.desk.stop)

    async def _start(self, request: Request, begin: Callable[[str], object]) -> Response:
        sent = await body(request, Sent)
        by = self.by or sent.by

        def start() -> dict[str, Any]:
            with self.desk.lock:
                self._asked(sent.round, 0)
                begin(by)
                return shown.state(self.desk, by)

        return JSONResponse(await run_in_threadpool(start))

    def _reader(self, request: Request) -> str:
        return self.by or reader(request)

    def _asked(self, round: int, place: int) -> tuple[Session, int]:  # noqa: A002  as in the address
        session = self.desk.session()
        if session is None or session.asked.round != round:
            raise HTTPException(409, "This round has been closed.")
        if place >= len(session.places):
            raise HTTPException(404, "There is no such question.")
        return session, place


_tries = asyncio.Lock()
WRONG = b'<p role="alert">That is not the password.</p>'


def _slice(request: Request, stack: slices.Stack) -> tuple[slices.Plane, int]:
    asked = request.query_params.get("plane")
    plane: slices.Plane = next((each for each in slices.PLANES if each == asked), "axial")
    number = request.query_params.get("slice", "")
    return plane, int(number) if number.isdecimal() and len(number) < 9 else stack.counts()[plane] // 2


def _broken(_request: Request, error: Exception) -> Response:
    """A file of the run folder is not as it must be."""
    return Response(str(error), 500, media_type="text/plain")
