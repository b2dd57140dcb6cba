"""Label Studio's HTTP API: https://labelstud.io/api."""

import os
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import requests

from al_runner.data.addresses import hidden
from al_runner.errors import InputError

KEY = "LABEL_STUDIO_API_KEY"
SECONDS = 60.0
"""For which an answer is waited for."""


def token() -> str:
    """The token of the environment.

    Raises:
        InputError: there is none, or it cannot be one.
    """
    found = os.environ.get(KEY, "").strip()
    if not found:
        raise InputError(f"set {KEY} to an access token: Label Studio shows it under Account & Settings")
    if not (found.isascii() and found.isprintable() and " " not in found):
        raise InputError(f"{KEY} holds no token: letters, digits and dots are expected")
    return found


class Server:
    """A Label Studio that answers somewhere.

    Args:
        url: its address.
        key: a legacy token, or a personal access token (a JWT that is exchanged for one of five minutes).

    Raises:
        InputError: it cannot be reached, or refuses the token.
    """

    def __init__(self, url: str, key: str) -> None:
        self.url, self.shown = url.rstrip("/"), hidden(url.rstrip("/"))
        if not self.url.startswith(("http://", "https://")):
            raise InputError(f"--url {self.shown}: an address is expected, such as http://127.0.0.1:8080")
        self._header = f"Token {key}"
        if key.count(".") == 2:
            self._header = ""
            self._header = f"Bearer {self._ask('POST', 'token/refresh', json={'refresh': key})['access']}"

    def create(self, title: str, interface: str) -> int:
        """A new project; its number."""
        project = self._ask("POST", "projects/", json={"title": title, "label_config": interface})
        return int(project["id"])

    def remove(self, project: int) -> None:
        """Take a project away, with all that is in it."""
        self._ask("DELETE", f"projects/{project}/")

    def serve(self, project: int, folder: Path) -> None:
        """Let a project show the files of a folder on the server's disk, if it does not yet.

        Raises:
            InputError: the server does not serve them.
        """
        there = self._ask("GET", "storages/localfiles/", params={"project": project})
        if not any(each["path"] == str(folder) for each in there):
            storage = {"project": project, "path": str(folder), "title": "al-runner", "use_blob_urls": True}
            self._ask("POST", "storages/localfiles/", json=storage)

    def add(self, project: int, tasks: Sequence[dict[str, Any]]) -> None:
        """Add tasks to a project."""
        self._ask("POST", f"projects/{project}/import", json=list(tasks))

    def tasks(self, project: int, everything: bool = False) -> Any:
        """The tasks of a project that somebody worked on, or all, as it exports them.

        Raises:
            InputError: there is no such project.
        """
        self._ask("GET", f"projects/{project}/", project=project)
        asked = {"exportType": "JSON", "download_all_tasks": str(everything).lower()}
        return self._ask("GET", f"projects/{project}/export", params=asked)

    def _ask(self, method: str, path: str, project: int | None = None, **more: Any) -> Any:
        """Ask, and say in a line what went wrong."""
        try:
            answer = requests.request(
                method, f"{self.url}/api/{path}", auth=self._authorize, timeout=SECONDS, **more
            )
        except (requests.ConnectionError, requests.Timeout) as error:
            raise InputError(f"no Label Studio answers at {self.shown}: start it, or mend --url") from error
        except (requests.RequestException, UnicodeError) as error:
            raise InputError(f"--url {self.shown}: {hidden(' '.join(str(error).split()))}") from error
        if answer.status_code == requests.codes.not_found and project is not None and _is_json(answer):
            raise InputError(f"{self.shown} has no project {project}")
        self._check(answer)
        if answer.status_code == requests.codes.no_content:
            return None
        if not _is_json(answer):
            raise InputError(f"what answers at {self.shown} is no Label Studio")
        return answer.json()

    def _authorize(self, request: requests.PreparedRequest) -> requests.PreparedRequest:
        """Not by `~/.netrc`, as requests would."""
        if self._header:
            request.headers["Authorization"] = self._header
        return request

    def _check(self, answer: requests.Response) -> None:
        if answer.status_code == requests.codes.unauthorized:
            raise InputError(
                f"{self.shown} refuses the token in {KEY}: take a new one from Account & Settings "
                "(legacy tokens only where the organization allows them)"
            )
        if not answer.ok:
            raise InputError(f"{self.shown} answers {answer.status_code}: {_reason(answer)}")


def _is_json(answer: requests.Response) -> bool:
    try:
        answer.json()
    except ValueError:
        return False
    return True


def _reason(answer: requests.Response) -> str:
    """Why Label Studio refuses something, in its words."""
    if not _is_json(answer):
        return answer.reason
    told = answer.json()
    if isinstance(told, dict):
        told = told.get("validation_errors") or told.get("detail") or told
    return " ".join(str(told).split())
