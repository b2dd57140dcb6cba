"""The tables and figures of the pages in docs/results, and the CSV files that they are made of.

A table of a page that has the line `<!-- page/file.csv -->` above it is the table of that file, below
docs/results. `<!-- page/file.csv: view -->` is what a view of `result_views` makes of it.

    python scripts/result_pages.py technion         # rebuild the tables and figures of some pages, or all
    python scripts/result_pages.py --check          # write nothing; exit code 1 where page and files differ
    python scripts/result_pages.py --take technion  # the page is the source: write the files of its tables
"""

import argparse
import csv
import re
import sys
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from result_views import FIGURES, VIEWS, Table

RESULTS = Path(__file__).parents[1] / "docs" / "results"
MARKED = re.compile(
    r"^<!-- (?P<file>[\w./-]+\.csv)(?:: (?P<view>[^\n]+))? -->\n\n(?P<table>(?:\|[^\n]*\n)+)", re.M
)
COMMANDS = re.compile(r"^```bash\n(.*?)^```$", re.M | re.S)
SCRIPT = "commands.sh"
NUMBER = re.compile(r"-?\d+(?:\.\d+)?(?:e-?\d+)?")
OFF = 0.02
"""What a number of a drawing may differ by, in points: fonts and versions round in other ways."""


@dataclass(frozen=True)
class Difference:
    """Something that a page says, and its files do not.

    Attributes:
        page: its name.
        where: the file and the view, or the figure.
        said: what the page has.
        made: what the files give.
    """

    page: str
    where: str
    said: str
    made: str

    def __str__(self) -> str:
        return f"{self.page}.md, {self.where}:\n  page:  {self.said}\n  files: {self.made}"


def read(path: Path) -> list[dict[str, str]]:
    """The rows of a file."""
    with path.open(newline="", encoding="utf-8") as file:
        return list(csv.DictReader(file))


def markdown(table: Table) -> str:
    """A header and rows as Markdown."""
    header, *rows = table
    lines = [f"| {' | '.join(cells)} |\n".replace("|  |", "| |") for cells in (header, *rows)]
    return "".join([lines[0], "|---" * len(header) + "|\n", *lines[1:]])


def made(folder: Path, file: str, view: str | None) -> str:
    """A table of a page, from its file."""
    if view is not None:
        return markdown(VIEWS[view](read(folder / file)))
    with (folder / file).open(newline="", encoding="utf-8") as lines:
        return markdown(list(csv.reader(lines)))


def rebuilt(folder: Path, text: str) -> str:
    """The text of a page with every marked table made again."""

    def again(found: re.Match[str]) -> str:
        start = found.group()[: found.start("table") - found.start()]
        return start + made(folder, found["file"], found["view"])

    return MARKED.sub(again, text)


def differences(folder: Path, page: str) -> Iterator[Difference]:
    """Where a page and its files disagree, line by line."""
    text = (folder / f"{page}.md").read_text(encoding="utf-8")
    for found in MARKED.finditer(text):
        where = f"{found['file']}{': ' + found['view'] if found['view'] else ''}"
        said, right = (
            part.splitlines() for part in (found["table"], made(folder, found["file"], found["view"]))
        )
        for place in range(max(len(said), len(right))):
            ours, theirs = (lines[place] if place < len(lines) else "(no line)" for lines in (said, right))
            if ours != theirs:
                yield Difference(page, where, ours, theirs)
    script = (folder / page / SCRIPT).read_text(encoding="utf-8")
    if script != commands(text):
        yield Difference(page, SCRIPT, commands(text), script)
    for name, draw in FIGURES.get(page, {}).items():
        old, new = numbers((folder / name).read_bytes()), numbers(draw(folder))
        if len(old) != len(new) or any(abs(a - b) > OFF for a, b in zip(old, new, strict=True)):
            yield Difference(page, name, "the drawing", "another one")


def numbers(svg: bytes) -> list[float]:
    """The coordinates of all lines and areas of a drawing, but for those of letters."""
    paths = re.findall(r'<path d="([^"]*)" (?:clip-path|style)', svg.decode("utf-8"))
    return [float(number) for path in paths for number in NUMBER.findall(path)]


def commands(text: str) -> str:
    """The commands of a page, as a script."""
    return "\n".join(["# The commands of the page.", *COMMANDS.findall(text)])


def rebuild(folder: Path, page: str) -> None:
    """Write a page's tables and figures."""
    path = folder / f"{page}.md"
    path.write_text(rebuilt(folder, path.read_text(encoding="utf-8")), encoding="utf-8")
    for name, draw in FIGURES.get(page, {}).items():
        (folder / name).write_bytes(draw(folder))


def take(folder: Path, page: str) -> None:
    """Write the files of a page's tables, but for those that a view makes, and its commands."""
    text = (folder / f"{page}.md").read_text(encoding="utf-8")
    (folder / page).mkdir(exist_ok=True)
    (folder / page / SCRIPT).write_text(commands(text), encoding="utf-8")
    for found in MARKED.finditer(text):
        if found["view"] is None:
            header, _, *rows = (
                [c.strip() for c in line.strip("|").split("|")] for line in found["table"].splitlines()
            )
            with (folder / found["file"]).open("w", newline="", encoding="utf-8") as file:
                csv.writer(file, lineterminator="\n").writerows([header, *rows])


def pages(folder: Path) -> list[str]:
    """The pages there are."""
    return sorted(path.stem for path in folder.glob("*.md"))


def main(arguments: Sequence[str] | None = None, folder: Path = RESULTS) -> int:
    """Rebuild, check or take; the exit code."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("pages", nargs="*", metavar="PAGE", help="such as technion; all where none is given")
    parser.add_argument("--check", action="store_true", help="write nothing; say what differs")
    parser.add_argument("--take", action="store_true", help="write the files from the page")
    options = parser.parse_args(arguments)
    known = pages(folder)
    if unknown := [page for page in options.pages if page not in known]:
        parser.error(f"no page {', '.join(unknown)}; there are {', '.join(known)}")
    found = []
    for page in options.pages or known:
        if options.check:
            found += differences(folder, page)
        else:
            (take if options.take else rebuild)(folder, page)
    for each in found:
        print(each)
    return int(bool(found))


if __name__ == "__main__":
    sys.exit(main())
