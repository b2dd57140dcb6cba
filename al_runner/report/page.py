"""The report on disk: one self-contained HTML page, and its tables and figures as files beside it."""

import base64
import json
import re
from collections.abc import Mapping, Sequence
from functools import cache
from importlib.resources import files
from pathlib import Path

from jinja2 import Environment, Template

from al_runner.errors import InputError
from al_runner.report.contents import Section, words

PAGE, INDEX = "index.html", "files.json"


def write(sections: Sequence[Section], out: Path, command: str, metric: str) -> Path:
    """Write a report into a folder, and remove what an earlier report left there and this one has not.

    Args:
        sections: its content.
        out: the folder; made if missing. Files that no report wrote are left alone.
        command: what made it.
        metric: for the title.

    Returns:
        The page's path.

    Raises:
        InputError: the folder cannot be written.
    """
    contents: dict[str, bytes] = {}
    pages = [_page_section(section, contents) for section in sections]
    html = template().render(sections=pages, command=command, metric=metric, words=words)
    try:
        before = _earlier(out)
        for name, content in {**contents, PAGE: html.encode()}.items():
            _replace(out / name, content)
        for name in before - contents.keys():
            (out / name).unlink(missing_ok=True)
        _replace(out / INDEX, json.dumps(sorted(contents), indent=1).encode())
    except OSError as error:
        raise InputError(f"cannot write the report to {out}: {error.strerror or error}") from error
    return out / PAGE


def _page_section(section: Section, contents: dict[str, bytes]) -> Mapping[str, object]:
    """What the template needs of a section; its files are added to `contents`."""
    stem = slug(section.title)
    figures = []
    for figure in section.figures:
        images = {suffix: figure.image(suffix) for suffix in ("svg", "png")}
        for suffix, image in images.items():
            contents[f"figures/{stem}_{figure.slug}.{suffix}"] = image
        figures.append({"figure": figure, "source": _data("image/svg+xml", images["svg"])})
    tables = []
    for table in section.tables:
        name = f"{stem}_{table.slug}.csv"
        text = table.csv().encode()
        contents[f"tables/{name}"] = text
        tables.append({"table": table, "name": name, "source": _data("text/csv", text)})
    return {"section": section, "id": stem, "figures": figures, "tables": tables}


def _data(kind: str, content: bytes) -> str:
    """A file inside the page."""
    return f"data:{kind};base64,{base64.b64encode(content).decode()}"


def _earlier(out: Path) -> set[str]:
    """The files that an earlier report wrote here."""
    path = out / INDEX
    return set(json.loads(path.read_text())) if path.is_file() else set()


def _replace(path: Path, content: bytes) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    partial = path.with_name(f".{path.name}.partial")
    partial.write_bytes(content)
    partial.replace(path)


def slug(title: str) -> str:
    """A title as part of a file's name."""
    return re.sub(r"[^A-Za-z0-9.=-]+", "_", title).strip("_").lower()


@cache
def template() -> Template:
    """The page's template."""
    text = (files("al_runner.report") / "page.html").read_text()
    return Environment(autoescape=True, trim_blocks=True, lstrip_blocks=True).from_string(text)
