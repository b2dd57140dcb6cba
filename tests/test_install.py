"""`scripts/install.py`: what uv is told of pip's settings. Installing itself is what CI begins with."""

import install
import pytest


def test_the_environment_counts_before_files() -> None:
    listed = (
        ":env:.find-links='/wheels'\nglobal.find-links='/others'\n"
        "global.index-url='https://mirror.example/simple'\nsite.cert='/a=b.pem'\n"
    )
    own = install.settings(listed)
    assert own == {"find-links": "/wheels", "index-url": "https://mirror.example/simple", "cert": "/a=b.pem"}


def test_registries_are_handed_on() -> None:
    own = {
        "extra-index-url": "file:///one file:///two",
        "find-links": "/wheels",
        "timeout": "9",
        "no-index": "0",
    }
    assert list(install.options(own)) == [
        "--extra-index-url", "file:///one", "--extra-index-url", "file:///two", "--find-links", "/wheels",
        "--index-strategy", "unsafe-best-match",
    ]  # fmt: skip
    assert list(install.options({"no-index": "true"})) == ["--no-index"]
    assert not list(install.options({}))


class Done:
    """An ended process: pip has listed its settings, and what has one of some words in it has failed."""

    listed = ""
    fails: tuple[str, ...] = ()

    def __init__(self, command: list[str], **_: object) -> None:
        self.stdout = self.listed
        self.returncode = int(any(word in command for word in self.fails))
        STARTED.append(command)


STARTED: list[list[str]] = []


@pytest.mark.parametrize(
    ("listed", "fails", "asked"),
    [
        ("", (), ["pip", "uv"]),
        ("global.index-url='https://mirror.example/simple'\n", (), ["pip", "uv"]),
        ("global.trusted-host='mirror.example'\n", (), ["pip"]),
        ("install.no-binary=':all:'\n", (), ["pip"]),
        ("", ("--python",), ["pip", "uv", "pip"]),
        ("", ("uv",), ["pip", "pip"]),
    ],
    ids=["uv", "a mirror", "a host that is trusted", "no wheels", "uv fails", "no uv"],
)
def test_who_is_asked(
    monkeypatch: pytest.MonkeyPatch, listed: str, fails: tuple[str, ...], asked: list[str]
) -> None:
    monkeypatch.setattr(install.subprocess, "run", Done)
    monkeypatch.setattr(Done, "listed", listed)
    monkeypatch.setattr(Done, "fails", fails)
    STARTED.clear()
    assert install.main(["--editable", "."]) == 0
    installs = [command for command in STARTED if "install" in command]
    assert [command[2] for command in installs] == asked
    assert installs[-1][-2:] == ["--editable", "."]
    assert ("--index-url" in installs[-1]) == ("index-url" in listed)


def test_where_nobody_can_install_the_code_is_pips(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(install.subprocess, "run", Done)
    monkeypatch.setattr(Done, "fails", ("install",))
    assert install.main(["--editable", "."]) == 1
