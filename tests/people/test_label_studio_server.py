"""The exchange with a running Label Studio: one that answers as it does, and a real one."""

import json
import os
import shutil
import socket
import subprocess
import threading
import time
from collections.abc import Iterator, Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pytest
import requests

from al_runner.people.answers import Answers
from al_runner.people.label_studio.cli import main
from al_runner.people.label_studio.server import KEY
from tests.commands import Command
from tests.people.label_studio import QUESTIONS, ROOT, TWO, annotation, asks, minimal, task
from tests.people.test_label_studio import refused
from tests.people.test_runs import ASKS, labeled, rows, status

TOKEN = "0123456789abcdef0123456789abcdef01234567"
ONE = ["--project", "1"]
Answer = tuple[int, object]


@dataclass
class Fake:
    """Answers with what it is given, and notes what it is asked.

    Attributes:
        url: its address.
        answers: `GET projects/1/` → status and content; text is sent as it is.
        heard: method and path, authorization, content.
    """

    url: str = ""
    answers: dict[str, Answer] = field(default_factory=dict)
    heard: list[tuple[str, str, Any]] = field(default_factory=list)

    def asked_for(self) -> list[str]:
        return [what for what, _, _ in self.heard]


@pytest.fixture
def fake(monkeypatch: pytest.MonkeyPatch) -> Iterator[Fake]:
    """With a project 1 that has a task, and place for new ones."""
    monkeypatch.setenv(KEY, TOKEN)
    made = Fake(
        answers={
            "GET projects/1/": (200, {"id": 1}),
            "GET projects/1/export": (200, [task("a.png", annotation("normal"))]),
            "GET projects/7/": (404, {"detail": "No Project matches the given query."}),
            "POST projects/": (201, {"id": 1}),
            "DELETE projects/1/": (204, ""),
            "GET storages/localfiles/": (200, []),
            "POST storages/localfiles/": (201, {"id": 1}),
            "POST projects/1/import": (201, {"task_count": 3}),
            "POST token/refresh": (200, {"access": "short.lived.token"}),
        }
    )

    class Handler(BaseHTTPRequestHandler):
        def answer(self) -> None:
            what = f"{self.command} {self.path.partition('?')[0].removeprefix('/api/')}"
            content = self.rfile.read(int(self.headers.get("Content-Length", 0)))
            made.heard.append(
                (what, self.headers.get("Authorization", ""), json.loads(content) if content else None)
            )
            code, told = made.answers.get(what, (404, "<h1>Not Found</h1>"))
            self.send_response(code)
            self.end_headers()
            self.wfile.write((told if isinstance(told, str) else json.dumps(told)).encode())

        do_GET = do_POST = do_DELETE = answer  # noqa: N815

        def log_message(self, *_: object) -> None:
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    made.url = f"http://127.0.0.1:{server.server_port}"
    yield made
    server.shutdown()
    server.server_close()


def test_a_new_project_gets_the_tasks(tmp_path: Path, fake: Fake, capsys: pytest.CaptureFixture[str]) -> None:
    main(["push", str(asks(tmp_path / "run")), "--url", f"{fake.url}/"])
    assert capsys.readouterr().out == f"3 tasks added to project 1: {fake.url}/projects/1\n"
    told = {what: content for what, _, content in fake.heard}
    assert {by for _, by, _ in fake.heard} == {f"Token {TOKEN}"}
    assert "<Choices" in told["POST projects/"]["label_config"]
    assert told["POST storages/localfiles/"]["path"] == str(ROOT)
    assert [each["data"]["sample"] for each in told["POST projects/1/import"]] == [
        each.sample for each in QUESTIONS
    ]


def test_a_project_gets_the_tasks_that_it_lacks(
    tmp_path: Path, fake: Fake, capsys: pytest.CaptureFixture[str]
) -> None:
    fake.answers["GET storages/localfiles/"] = (200, [{"path": str(ROOT)}])
    main(["push", str(asks(tmp_path)), "--url", fake.url, "--project", "1"])
    assert "2 tasks added to project 1" in capsys.readouterr().out
    told = {what: content for what, _, content in fake.heard}
    assert [each["data"]["sample"] for each in told["POST projects/1/import"]] == ["b/ü & #1?.png", "c.png"]
    assert not {"POST projects/", "POST storages/localfiles/"} & told.keys()


def test_images_elsewhere_need_no_folder_of_the_server(tmp_path: Path, fake: Fake) -> None:
    main(["push", str(asks(tmp_path)), "--url", fake.url, "--image-url", "https://images.example/scans"])
    assert not any("storages" in what for what in fake.asked_for())
    assert fake.heard[-1][2][0]["data"]["image"] == "https://images.example/scans/a.png"


def test_a_personal_token_is_exchanged_for_one_that_lasts_minutes(
    tmp_path: Path, fake: Fake, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv(KEY, "head.body.signature\n")
    main(["pull", str(asks(tmp_path)), "--url", fake.url, "--project", "1"])
    assert fake.heard[0] == ("POST token/refresh", "", {"refresh": "head.body.signature"})
    assert {by for _, by, _ in fake.heard[1:]} == {"Bearer short.lived.token"}
    assert [each.label for each in Answers(tmp_path).lines] == ["normal"]


def test_answers_that_were_taken_are_not_taken_again(
    tmp_path: Path, fake: Fake, capsys: pytest.CaptureFixture[str]
) -> None:
    pull = ["pull", str(asks(tmp_path)), "--url", fake.url, "--project", "1"]
    main(pull)
    before = (tmp_path / "labels.csv").read_bytes()
    main(pull)
    assert (tmp_path / "labels.csv").read_bytes() == before
    assert capsys.readouterr().out.splitlines()[1].startswith("0 answers added")


def free_port() -> int:
    with socket.socket() as place:
        place.bind(("127.0.0.1", 0))
        return int(place.getsockname()[1])


@pytest.mark.parametrize(
    ("arguments", "answers", "token", "said"),
    [
        (ONE, {}, "", f"set {KEY} to an access token"),
        (ONE, {}, "secret\nsecret", f"{KEY} holds no token"),
        (ONE, {}, "gehéim", f"{KEY} holds no token"),
        (["--project", "7"], {}, TOKEN, "has no project 7"),
        (["--project", "8"], {}, TOKEN, "answers 404: Not Found"),
        (["--project", "1", "--url", "localhost:8080"], {}, TOKEN, "--url localhost:8080: an address is"),
        (["--project", "1", "--url", "http://"], {}, TOKEN, "--url http:"),
        (ONE, {"GET projects/1/": (401, {"detail": "Invalid token."})}, TOKEN, "refuses the to"),
        (ONE, {"POST token/refresh": (401, {})}, "a.b.c", "refuses the token in"),
        (ONE, {"GET projects/1/": (403, {"detail": "You may\nnot."})}, TOKEN, "403: You may not."),
        (ONE, {"GET projects/1/": (200, "<html>")}, TOKEN, "is no Label Studio"),
        (ONE, {"GET projects/1/export": (500, "oh")}, TOKEN, "answers 500: Internal Server"),
        (ONE, {"GET projects/1/export": (200, {})}, TOKEN, "/projects/1 holds no list of tasks"),
        (ONE, {"GET projects/1/export": (200, [task("z.png", annotation("normal"))])}, TOKEN,
         "/projects/1: task 3: z.png is not one of the images asked for"),
    ],
)  # fmt: skip
def test_what_goes_wrong_with_a_server_is_said(
    tmp_path: Path,
    fake: Fake,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
    arguments: list[str],
    answers: Mapping[str, Answer],
    token: str,
    said: str,
) -> None:
    monkeypatch.setenv(KEY, token)
    fake.answers.update(answers)
    error = refused(["pull", str(asks(tmp_path)), "--url", fake.url, *arguments], capsys)
    assert said in error
    assert not token or token not in error
    assert not (tmp_path / "labels.csv").exists()


def test_nobody_answers(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv(KEY, TOKEN)
    url = f"http://127.0.0.1:{free_port()}"
    error = refused(["push", str(asks(tmp_path)), "--url", url], capsys)
    assert f"no Label Studio answers at {url}" in error


def test_a_project_that_cannot_show_the_images_is_taken_away(
    tmp_path: Path, fake: Fake, capsys: pytest.CaptureFixture[str]
) -> None:
    fake.answers["POST storages/localfiles/"] = (400, {"validation_errors": {"path": ["does not exist"]}})
    error = refused(["push", str(asks(tmp_path)), "--url", fake.url], capsys)
    assert "answers 400: {'path': ['does not exist']}" in error
    assert fake.asked_for()[-1] == "DELETE projects/1/"
    assert "POST projects/1/import" not in fake.asked_for()


@dataclass
class Studio:
    """A real Label Studio, and somebody who labels there by its API as its page does.

    Attributes:
        url: its address.
        root: the folder whose files it serves.
    """

    url: str
    root: Path

    def ask(self, method: str, path: str, **more: Any) -> Any:
        header = {"Authorization": f"Token {TOKEN}"}
        answer = requests.request(method, f"{self.url}{path}", headers=header, timeout=60, **more)
        assert answer.ok, answer.text
        return answer

    def tasks(self, project: str) -> list[Any]:
        """The tasks that nobody labeled."""
        told = self.ask("GET", f"/api/tasks?project={project}&page_size=100").json()["tasks"]
        return [each for each in told if not each["total_annotations"]]

    def annotate(self, number: int, *choices: str, **more: object) -> None:
        told = annotation(*choices, **more)
        kept = {key: told[key] for key in ("result", "lead_time", "was_cancelled", "completed_by")}
        self.ask("POST", f"/api/tasks/{number}/annotations/", json=kept)


@pytest.fixture(scope="module")
def studio(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Studio]:
    """On this machine alone, without telemetry; it serves the files below the tests' folders."""
    command = os.environ.get("LABEL_STUDIO") or shutil.which("label-studio")
    if command is None:
        pytest.skip("no Label Studio: LABEL_STUDIO may name its executable")
    folder, root, port = tmp_path_factory.mktemp("studio"), tmp_path_factory.getbasetemp(), free_port()
    settings = {
        "BASE_DATA_DIR": str(folder),
        "LOCAL_FILES_SERVING_ENABLED": "true",
        "LOCAL_FILES_DOCUMENT_ROOT": str(root),
        "COLLECT_ANALYTICS": "false",
        "LATEST_VERSION_CHECK": "false",
        "SENTRY_DSN": "",
        "FRONTEND_SENTRY_DSN": "",
    }
    env = {**os.environ, **{f"LABEL_STUDIO_{name}": value for name, value in settings.items()}}
    arguments = [
        "start", "--no-browser", "--internal-host", "127.0.0.1", "--port", str(port), "--username",
        "reader@example.com", "--password", "of-no-use", "--user-token", TOKEN, "--enable-legacy-api-token",
    ]  # fmt: skip
    made, log = Studio(f"http://127.0.0.1:{port}", root), folder / "log.txt"
    with log.open("w") as file:
        process = subprocess.Popen([command, *arguments], env=env, cwd=folder, stdout=file, stderr=file)
        try:
            wait_for(made.url, process, log)
            yield made
        finally:
            process.terminate()
            process.wait(60)


def wait_for(url: str, process: subprocess.Popen[bytes], log: Path) -> None:
    """Until it answers, at most five minutes: the first start makes a database."""
    end = time.monotonic() + 300
    while True:
        with suppress(requests.RequestException):
            if requests.get(f"{url}/health", timeout=5).ok:
                return
        assert process.poll() is None, log.read_text()[-2000:]
        assert time.monotonic() < end, log.read_text()[-2000:]
        time.sleep(0.5)


def pushed(studio: Studio, folder: Path, capsys: pytest.CaptureFixture[str], *more: str) -> tuple[int, str]:
    """How many tasks the command added, and the number of their project."""
    main(["push", str(folder), "--url", studio.url, "--document-root", str(studio.root), *more])
    count, *_, address = capsys.readouterr().out.split()
    return int(count), address.rpartition("/")[2]


@pytest.mark.slow
def test_a_run_that_people_label_in_label_studio(
    al_run: Command,
    truth: dict[str, str],
    studio: Studio,
    capsys: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv(KEY, TOKEN)
    said = {name: "cannot tell" if i % 9 == 0 else label for i, (name, label) in enumerate(truth.items())}
    by_table = labeled(al_run, said)
    moved = al_run.folder / "tables"
    (al_run.folder / "outputs").rename(moved)
    by_table = moved / by_table.relative_to(al_run.folder / "outputs")

    folder = al_run.run_folder(*ASKS)
    count, project = pushed(studio, folder, capsys)
    assert count == 14
    first = studio.tasks(project)[0]["data"]
    scan = al_run.folder / "scans" / first["sample"]
    assert studio.ask("GET", first["image"]).content == scan.read_bytes(), "people see the image"
    while status(folder) == "waiting":
        pushed(studio, folder, capsys, "--project", project)
        for each in studio.tasks(project):
            studio.annotate(each["id"], said[each["data"]["sample"]])
        main(["pull", str(folder), "--url", studio.url, "--project", project])
        assert "give the same al-run again" in capsys.readouterr().out
        assert al_run.run_folder(*ASKS) == folder

    for name in ("queries.csv", "rounds.csv"):
        assert rows(folder, name) == rows(by_table, name)
    ours, theirs = Answers(folder).lines, Answers(by_table).lines
    assert {each.sample: each.label for each in ours} == {each.sample: each.label for each in theirs}
    assert {(each.by, each.seconds, each.via) for each in ours} == {("1", 4.288, "label-studio")}


@pytest.mark.slow
def test_what_label_studio_exports_is_what_the_tests_write(
    tmp_path: Path, studio: Studio, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "scans").mkdir()
    folder = asks(tmp_path / "run", root=tmp_path / "scans")
    monkeypatch.setenv(KEY, studio.ask("POST", "/api/token/").json()["token"])
    count, project = pushed(studio, folder, capsys, "--guess")
    assert count == 3
    other = {"email": "other@example.com", "username": "other", "password": "of-no-use-2"}
    reader = studio.ask("POST", "/api/users/", json=other).json()["id"]
    one, two, three = (each["id"] for each in studio.tasks(project))
    studio.annotate(one, TWO.classes[1], note="says\n“fine”")
    studio.annotate(two, "normal")
    studio.annotate(two, "cannot tell", by=reader)
    studio.annotate(three, was_cancelled=True)

    exported = {}
    for kind in ("JSON", "JSON_MIN"):
        path = tmp_path / f"{kind}.json"
        path.write_bytes(studio.ask("GET", f"/api/projects/{project}/export?exportType={kind}").content)
        main(["import", str(folder), str(path)])
        exported[kind] = Answers(folder).lines
        (folder / "labels.csv").unlink()
    main(["pull", str(folder), "--url", studio.url, "--project", project])
    assert exported["JSON"] == exported["JSON_MIN"] == Answers(folder).lines
    assert [(each.sample, each.label, each.by, each.note) for each in Answers(folder).lines] == [
        ("a.png", TWO.classes[1], "1", "says “fine”"),
        ("b/ü & #1?.png", "normal", "1", ""),
        ("b/ü & #1?.png", "cannot tell", str(reader), ""),
    ]
    full = json.loads((tmp_path / "JSON.json").read_text())[0]
    assert task("a.png").keys() <= full.keys()
    assert annotation().keys() <= full["annotations"][0].keys()
    small = json.loads((tmp_path / "JSON_MIN.json").read_text())[0]
    assert minimal("a.png", "normal", note="").keys() == small.keys()


@pytest.mark.slow
def test_a_real_one_refuses_in_one_line(
    tmp_path: Path, studio: Studio, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    folder = str(asks(tmp_path / "run", root=tmp_path / "missing"))
    monkeypatch.setenv(KEY, TOKEN)
    projects = studio.ask("GET", "/api/projects/").json()["count"]
    assert "has no project 99" in refused(["pull", folder, "--url", studio.url, "--project", "99"], capsys)
    assert "does not exist" in refused(["push", folder, "--url", studio.url], capsys)
    assert studio.ask("GET", "/api/projects/").json()["count"] == projects
    for wrong in (TOKEN[::-1], "a.b.c"):
        monkeypatch.setenv(KEY, wrong)
        assert "refuses the token" in refused(["push", folder, "--url", studio.url], capsys)
