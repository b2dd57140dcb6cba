"""The report on disk: one self-contained HTML page, and its tables and figures as files beside it."""

import base64
import json
import re
from collections.abc import Iterable, Mapping, Sequence
from functools import cache
from importlib.resources import files
from pathlib import Path

from jinja2 import Environment, Template

from al_runner.errors import InputError
from al_runner.files import replace
from al_runner.report.contents import Section, words
from al_runner.report.study.analysis import Options
from al_runner.report.writing.verdict import TESTS

PAGE, INDEX = "index.html", ".al-report.json"
OURS = re.compile(r"(figures|tables)/[^/]+")
LONGEST = 80
"""Characters of an experiment's part in a file's name."""


def write(sections: Sequence[Section], out: Path, command: str, options: Options) -> Path:
    """Write a report into a folder, and remove what an earlier report left there and this one has not.

    Args:
        sections: its content.
        out: the folder; made if missing. Files that no report wrote are left alone.
        command: what made it.
        options: what was asked.

    Returns:
        The page's path.

    Raises:
        InputError: the folder cannot be written, or its page is somebody else's.
    """
    contents: dict[str, bytes] = {}
    stems = _stems([section.title for section in sections])
    pages = [_page_section(section, stem, contents) for section, stem in zip(sections, stems, strict=True)]
    html = template().render(
        sections=pages, command=command, metric=options.metric, test=TESTS[options.test], words=words
    )
    contents[PAGE] = _written(html)
    before = _earlier(out)
    try:
        for folder in {(out / name).parent for name in contents}:
            folder.mkdir(parents=True, exist_ok=True)
        replace(out / INDEX, _index({*before, *contents}))  # first: a report cut short is cleared by the next
        for name, content in contents.items():
            replace(out / name, content)
        for name in before - contents.keys():
            (out / name).unlink(missing_ok=True)
        replace(out / INDEX, _index(contents))
    except OSError as error:
        raise InputError(f"cannot write the report to {out}: {error.strerror or error}") from error
    return out / PAGE


def _stems(titles: Sequence[str]) -> list[str]:
    """A distinct beginning of file names for each title."""
    stems: list[str] = []
    for title in titles:
        stem = re.sub(r"[^A-Za-z0-9.=-]+", "_", title).strip("_.").lower()[:LONGEST] or "section"
        number = 1 + sum(re.fullmatch(rf"{re.escape(stem)}(_\d+)?", other) is not None for other in stems)
        stems.append(stem if number == 1 else f"{stem}_{number}")
    return stems


def _page_section(section: Section, stem: str, contents: dict[str, bytes]) -> Mapping[str, object]:
    """What the template needs of a section; its files are added to `contents`."""
    figures = []
    for figure in section.figures:
        images = {suffix: figure.image(suffix) for suffix in ("svg", "png")}
        names = {suffix: f"figures/{stem}_{figure.slug}.{suffix}" for suffix in images}
        contents |= {names[suffix]: image for suffix, image in images.items()}
        figures.append({"figure": figure, "source": _data("image/svg+xml", images["svg"]), **names})
    tables = []
    for table in section.tables:
        name = f"{stem}_{table.slug}.csv"
        text = _written(table.csv())
        contents[f"tables/{name}"] = text
        tables.append({"table": table, "name": name, "source": _data("text/csv", text)})
    return {"section": section, "id": stem, "figures": figures, "tables": tables}


def _written(text: str) -> bytes:
    """Text as a file holds it; what a path has that its locale cannot read is a question mark."""
    return text.encode(errors="replace")


def _data(kind: str, content: bytes) -> str:
    """A file inside the page."""
    return f"data:{kind};base64,{base64.b64encode(content).decode()}"


def _index(names: Iterable[str]) -> bytes:
    files = sorted(name for name in names if OURS.fullmatch(name))
    return json.dumps({"made_by": "al-report", "files": files}, indent=1).encode()


def _earlier(out: Path) -> set[str]:
    """The tables and figures that an earlier report wrote here.

    Raises:
        InputError: there is a page that no report wrote.
    """
    try:
        index = json.loads((out / INDEX).read_text(encoding="utf-8"))
        return {name for name in index["files"] if OURS.fullmatch(name)}
    except (OSError, ValueError, KeyError, TypeError, RecursionError) as error:
        if (out / PAGE).exists():
            raise InputError(f"{out / PAGE} is not a report of al-report: choose another --out") from error
        return set()


@cache
def template() -> Template:
    """The page's template."""
    text = (files("al_runner.report.writing") / "page.html").read_text(encoding="utf-8")
    return Environment(autoescape=True, trim_blocks=True, lstrip_blocks=True).from_string(text)
