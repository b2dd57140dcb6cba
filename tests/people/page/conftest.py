"""A page over a run that waits, asked without a browser."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

pytest.importorskip("starlette")

from starlette.testclient import TestClient

from al_runner.people.page.app import Page
from al_runner.people.page.desk import Desk
from al_runner.people.page.security import Access
from tests.people.page.waiting_run import write

PORT = 8765
HERE = f"http://127.0.0.1:{PORT}"


@dataclass
class Reader:
    """A browser of somebody whom the page has let in.

    Attributes:
        run: the run folder.
        client: sends requests.
        desk: what the page stands on.
        access: what opens it.
        by: the reader's initials.
    """

    run: Path
    client: TestClient
    desk: Desk
    access: Access
    by: str = "AB"

    def get(self, path: str, **values: Any) -> Any:
        return self.client.get(f"/api/{path}", params={"by": self.by, **values})

    def post(self, path: str, **values: Any) -> Any:
        return self.client.post(f"/api/{path}", json={"by": self.by, "round": 0, **values})

    def answer(self, place: int, label: str, **values: Any) -> dict[str, Any]:
        response = self.post("answer", place=place, label=label, **values)
        assert response.status_code == 200, response.text
        return response.json()

    def undo(self) -> dict[str, Any]:
        return self.post("undo").json()

    def start(self) -> dict[str, Any]:
        return self.get("start").json()

    def other(self, by: str) -> "Reader":
        return Reader(self.run, self.client, self.desk, self.access, by)


@pytest.fixture
def opened(tmp_path: Path) -> Iterator[Callable[..., Reader]]:
    """Write a run and open its page; arguments are those of `waiting_run.write`, `Page`, and `Access`."""
    desks = []

    def open_page(
        *, twice: float = 0.0, by: str = "", show_names: bool = False, password: str = "", **run: Any
    ) -> Reader:
        folder = write(tmp_path / "place", **run)
        desk, access = Desk(folder, twice), Access({"127.0.0.1", "localhost"}, PORT, password)
        desks.append(desk)
        app = Page(desk, access, by, show_names).app()
        client = TestClient(app, base_url=HERE, headers={"Origin": HERE}, follow_redirects=False)
        client.cookies.set(access.cookie, access.token)
        return Reader(folder, client, desk, access)

    yield open_page
    for desk in desks:
        desk.training.end()


@pytest.fixture
def reader(opened: Callable[..., Reader]) -> Reader:
    """Of a run of six questions."""
    return opened()
