#!/usr/bin/env python3
"""Install with uv what `pip install` would, at the versions of constraints.txt.

    .venv/bin/python scripts/install.py --editable '.[dev]'

uv takes a quarter of pip's time, but reads none of pip's settings, so it is told of them. Where they say what
uv has no word for, where no uv can be had, and where uv fails, pip does it.
"""

import ast
import os
import subprocess
import sys
from collections.abc import Iterator, Mapping, Sequence

CONSTRAINTS = ["--quiet", "--constraint", "constraints.txt"]
PIP = [sys.executable, "-m", "pip", "--disable-pip-version-check"]
PASSED = {"index-url", "extra-index-url", "find-links", "no-index"}
"""Settings that name registries: uv has options of the same names."""
HARMLESS = {"cache-dir", "cert", "compile", "default-timeout", "disable-pip-version-check", "no-cache-dir",
            "no-color", "no-input", "no-python-version-warning", "progress-bar", "quiet", "retries",
            "require-virtualenv", "root-user-action", "timeout", "verbose"}  # fmt: skip
"""Settings that change nothing about what is installed; a certificate is handed on by the environment."""


def settings(listed: str) -> dict[str, str]:
    """pip's settings, of `pip config list`: the environment's are its last lines, and count."""
    pairs = (line.partition("=") for line in listed.splitlines() if "=" in line)
    of_files, of_environment = dict[str, str](), dict[str, str]()
    for name, _, value in pairs:
        place = of_environment if name.startswith(":env:.") else of_files
        place[name.rpartition(".")[2]] = str(ast.literal_eval(value))
    return {**of_files, **of_environment}


def options(own: Mapping[str, str]) -> Iterator[str]:
    """The same settings as options of uv."""
    for name in sorted(PASSED & set(own)):
        if name == "no-index":
            yield from ["--no-index"] if own[name].lower() in {"1", "true", "yes", "on"} else []
        else:
            for value in own[name].split():
                yield from (f"--{name}", value)
    if "extra-index-url" in own:
        yield from ("--index-strategy", "unsafe-best-match")  # pip asks all registries, too


def with_uv(own: Mapping[str, str], arguments: Sequence[str]) -> bool:
    """Whether uv could be had, and did it."""
    if set(own) - PASSED - HARMLESS:
        return False
    if subprocess.run([*PIP, "install", *CONSTRAINTS, "uv"], check=False).returncode:
        return False
    command = [sys.executable, "-m", "uv", "pip", "install", "--python", sys.executable, *CONSTRAINTS]
    environment = {**({"SSL_CERT_FILE": own["cert"]} if "cert" in own else {}), **os.environ}
    done = subprocess.run([*command, *options(own), *arguments], env=environment, check=False)
    if done.returncode:
        print("uv failed; pip is asked instead", file=sys.stderr)
    return not done.returncode


def main(arguments: Sequence[str]) -> int:
    """Install; pip's exit code where pip does it."""
    listed = subprocess.run([*PIP, "config", "list"], stdout=subprocess.PIPE, text=True, check=False).stdout
    if with_uv(settings(listed), arguments):
        return 0
    return subprocess.run([*PIP, "install", *CONSTRAINTS, *arguments], check=False).returncode


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
