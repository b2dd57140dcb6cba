"""What other pages, other people and broken requests get."""

import json
from collections.abc import Callable
from typing import Any

import pytest
from starlette.testclient import TestClient

from al_runner.people.answers import Answers
from al_runner.people.page import app
from al_runner.people.page.security import HEADERS, LARGEST, Access
from tests.people.page.conftest import HERE, Reader

Opened = Callable[..., Reader]
ANSWER = {"by": "AB", "round": 0, "place": 0, "label": "normal"}


def send(reader: Reader, body: Any = ANSWER, **headers: str | None) -> Any:
    """A POST of an answer with other headers; None leaves one out."""
    sent = {"Origin": HERE, "Content-Type": "application/json"} | {
        name.replace("_", "-"): value for name, value in headers.items()
    }
    client = TestClient(reader.client.app, base_url=HERE, cookies={reader.access.cookie: reader.access.token})
    content = body if isinstance(body, bytes | str) else json.dumps(body)
    return client.post(
        "/api/answer", content=content, headers={k: v for k, v in sent.items() if v is not None}
    )


@pytest.mark.parametrize(
    ("code", "headers"),
    [
        (421, {"Host": "evil.example"}),
        (421, {"Host": "127.0.0.1.evil.example:8765"}),
        (421, {"Host": "evil.example@127.0.0.1:8765"}),
        (421, {"Host": "127.0.0.1:port"}),
        (421, {"Host": ""}),
        (403, {"Origin": "http://evil.example"}),
        (403, {"Origin": "http://127.0.0.1:9999"}),
        (403, {"Origin": "http://127.0.0.1:8765.evil.example"}),
        (403, {"Origin": "null"}),
        (403, {"Origin": None}),
        (403, {"Origin": None, "Referer": "http://evil.example/127.0.0.1:8765"}),
        (403, {"Cookie": ""}),
        (403, {"Cookie": "al-label-8765=wrong"}),
        (403, {"Cookie": "al-label-8765=\\351; a=;;=\\"}),
        (415, {"Content_Type": "text/plain"}),
        (415, {"Content_Type": "application/x-www-form-urlencoded"}),
        (411, {"Transfer_Encoding": "chunked", "Content_Length": ""}),
        (413, {"Content_Length": str(LARGEST + 1)}),
    ],
)
def test_a_request_of_others_changes_nothing(reader: Reader, code: int, headers: dict[str, str]) -> None:
    response = send(reader, **headers)
    assert response.status_code == code, response.text
    assert not (reader.run / "labels.csv").exists()


@pytest.mark.parametrize("path", ["stop", "train", "undo", "answer"])
@pytest.mark.parametrize(
    ("code", "headers"),
    [(403, {"Origin": "http://evil.example"}), (421, {"Host": "evil.example"}), (403, {"Cookie": "x=y"})],
)
def test_no_other_page_ends_or_starts_anything(
    reader: Reader, path: str, code: int, headers: dict[str, str]
) -> None:
    (reader.run / "round_0").mkdir()  # so that it could be stopped
    for place in range(6):
        reader.answer(place, "normal")
    before = (reader.run / "labels.csv").read_bytes()
    sent = {"Origin": HERE, "Content-Type": "application/json", **headers}
    cookies = {} if "Cookie" in headers else {reader.access.cookie: reader.access.token}
    client = TestClient(reader.client.app, base_url=HERE, cookies=cookies)
    body = json.dumps(ANSWER if path == "answer" else {"by": "AB", "round": 0})
    assert client.post(f"/api/{path}", content=body, headers=sent).status_code == code
    assert (reader.run / "labels.csv").read_bytes() == before
    assert not (reader.run / "ended.json").exists()
    assert not reader.desk.training.alive


@pytest.mark.parametrize("by", ["", "<b>", "../x", "A" * 17])
def test_nobody_without_a_name_ends_a_run(reader: Reader, by: str) -> None:
    (reader.run / "round_0").mkdir()
    assert reader.client.post("/api/stop", json={"by": by, "round": 0}).status_code == 400
    assert not (reader.run / "ended.json").exists()


def test_one_of_ours_does(reader: Reader) -> None:
    assert send(reader).status_code == 200
    assert send(reader, Origin=None, Referer=f"{HERE}/").status_code == 200


@pytest.mark.parametrize(
    "change",
    [
        {"place": "0"}, {"place": 0.0}, {"place": True}, {"place": -1}, {"place": None}, {"round": "0"},
        {"label": 1}, {"label": ["normal"]}, {"label": ""}, {"label": "unknown"},
        {"label": "normal;pneumonia"},
        {"by": ""}, {"by": "=1+1"}, {"by": "A" * 17}, {"by": "<b>"}, {"by": "A\nB"},
        {"note": 1}, {"note": "x" * 1001}, {"seconds": -1}, {"seconds": "1"}, {"seconds": 1e9},
        {"seconds": float("nan")}, {"path": "/etc/passwd"}, {"sample": "00001.png"},
    ],
    ids=str,
)  # fmt: skip
def test_wrong_values_are_refused(reader: Reader, change: dict[str, Any]) -> None:
    response = send(reader, {**ANSWER, **change})
    assert response.status_code == 400, response.text
    assert not (reader.run / "labels.csv").exists()


@pytest.mark.parametrize(
    "body", [b"", b"{", b"[]", b"null", b'"x"', b"\xff\xfe", b'{"by": "AB"}', b"[" * 9000]
)
def test_what_is_no_answer_is_refused(reader: Reader, body: bytes) -> None:
    assert send(reader, body).status_code == 400


@pytest.mark.parametrize("place", [6, 7, 10**9, 10**30])
def test_a_question_that_is_not_asked(reader: Reader, place: int) -> None:
    assert reader.post("answer", place=place, label="normal").status_code in (400, 404)
    for what in ("image", "question", "guess"):
        assert reader.get(f"{what}/0/{place}").status_code == 404


@pytest.mark.parametrize(
    "path",
    [
        "/api/image/0/..%2f..%2fasked.json", "/api/image/0/../../asked.json", "/api/image/0/00000.png",
        "/api/image/0/-1", "/static/..%2fapp.py", "/static/../app.py", "/static/index.html",
        "/static//etc/passwd",
        "/asked.json", "/labels.csv", "/run/manifest.json", "//etc/passwd", "/api/image/0/0/../1.png",
    ],
)  # fmt: skip
def test_no_path_opens_a_file(reader: Reader, path: str) -> None:
    response = reader.client.get(path)
    assert response.status_code == 404
    assert b"questions" not in response.content


@pytest.mark.parametrize(
    "sample", ["../secret.png", "a/../../secret.png", "/etc/hostname", "..\\secret.png", "C:\\x.png"]
)
def test_a_listed_path_out_of_the_root_is_refused(opened: Opened, sample: str) -> None:
    reader = opened(samples=[sample])
    (reader.run.parent / "secret.png").write_bytes((reader.run.parent / "scans" / "00000.png").read_bytes())
    response = reader.get("image/0/0")
    assert (response.status_code, response.text) == (404, "lies outside the folder of the images")
    assert reader.answer(0, "cannot tell")["state"] == "full"


def test_html_stays_text(opened: Opened) -> None:
    name = "<img src=x onerror=alert(1)>.png"
    reader = opened(samples=[name], show_names=True)
    reader.answer(0, "cannot tell", note="<script>alert(1)</script>")
    response = reader.get("question/0/0")
    assert response.headers["content-type"] == "application/json"
    assert response.json()["answer"]["note"] == "<script>alert(1)</script>"
    scripts = app.STATIC.glob("*.js")
    assert not [
        path.name
        for path in scripts
        if "innerHTML" in path.read_text() or "insertAdjacent" in path.read_text()
    ]


def test_a_note_stays_in_its_line(reader: Reader) -> None:
    reader.answer(0, "normal", note='a"b,c\r\n00001.png,pneumonia,CD,,,,page\u2028\u0000x')
    (line,) = Answers(reader.run).lines
    assert line.note == 'a"b,c 00001.png,pneumonia,CD,,,,page x'


def test_every_answer_has_the_headers(reader: Reader) -> None:
    ask = reader.client.get
    good = [ask("/"), ask("/static/page.css"), reader.get("start"), reader.get("image/0/0")]
    bad = [ask("/x"), send(reader, Host="evil.example"), send(reader, Origin="null"), send(reader, b"")]
    assert [response.status_code for response in (*good, *bad)] == [200] * 4 + [404, 421, 403, 400]
    for response in (*good, *bad):
        assert {name: response.headers.get(name) for name in HEADERS} == HEADERS


@pytest.mark.parametrize(
    "path", ["/", "/api/start", "/api/state?by=AB", "/api/image/0/0", "/api/summary", "/?token=x"]
)
def test_nothing_without_the_token(reader: Reader, path: str) -> None:
    response = TestClient(reader.client.app, base_url=HERE).get(path)
    assert response.status_code == 403
    assert "the address that al-label printed" in response.text


def test_the_printed_address_lets_in(reader: Reader) -> None:
    client = TestClient(reader.client.app, base_url=HERE)
    response = client.get(f"/?token={reader.access.token}")
    cookie = response.headers["set-cookie"]
    assert response.status_code == 200
    assert "HttpOnly" in cookie
    assert "samesite=strict" in cookie.lower()
    assert reader.access.token not in response.text
    assert client.get("/api/start").json() == {"by": ""}


def test_other_methods(reader: Reader) -> None:
    for method in ("PUT", "DELETE", "PATCH", "OPTIONS"):
        assert reader.client.request(method, "/api/answer").status_code == 405
    assert reader.client.get("/api/answer").status_code == 405
    assert reader.client.post("/api/state", json={}).status_code == 405


def test_others_need_the_password(opened: Opened, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(app, "PAUSE", 0.0)
    reader = opened(password="open sesame")
    client = TestClient(reader.client.app, base_url=HERE, headers={"Origin": HERE}, follow_redirects=False)
    assert 'type="password"' in client.get("/").text
    assert client.get(f"/?token={reader.access.token}").text.count('type="password"') == 1, (
        "the token is not in it"
    )
    assert client.get("/api/start").status_code == 403
    for wrong in ("", "open", "open sesame ", "é"):
        refused = client.post("/login", data={"password": wrong})
        assert refused.status_code == 403
        assert "set-cookie" not in refused.headers
    assert (
        client.post("/login", data={"password": "open sesame"}, headers={"Origin": "http://x"}).status_code
        == 403
    )
    right = client.post("/login", data={"password": "open sesame"})
    assert (right.status_code, right.headers["location"]) == (303, "/")
    assert 'id="stage"' in client.get("/").text


def test_without_a_password_none_is_right(reader: Reader) -> None:
    assert not Access({"x"}, 1).admits("")
    assert reader.client.post("/login", data={"password": ""}).status_code == 403


def test_by_which_names_it_may_be_called() -> None:
    everywhere = Access({"localhost", "*", "ward-3"}, 80)
    assert everywhere.is_ours("10.0.0.7:80")
    assert everywhere.is_ours("[fe80::1]:80")
    assert everywhere.is_ours("ward-3")
    assert not everywhere.is_ours("evil.example")
    assert Access({"127.0.0.1", "localhost"}, 8765).is_ours("localhost:9000"), "through a tunnel"
    assert not Access({"127.0.0.1"}, 8765).is_ours("10.0.0.7:8765")
