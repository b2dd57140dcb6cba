"""What README.md and docs/ hold: fenced blocks, code in the text, links, headings."""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from textwrap import dedent

from docs_pages import site

ROOT = Path(__file__).parents[2]
DOCS = ROOT / "docs"
FENCE = re.compile(r"^( *)(`{3,})([\w-]*)([^\n]*)\n(.*?)^\1\2 *$", re.MULTILINE | re.DOTALL)
SPAN = re.compile(r"(?<!`)`([^`]+)`(?!`)")
LINK = re.compile(r"\]\(([^()\s]+)(?: \"[^\"]*\")?\)")
HEADING = re.compile(r"^#{1,6} (.+?)(?: \{#([\w-]+)\})?$", re.MULTILINE)
FILE = re.compile(r"`([\w./-]+\.(?:py|yaml))`")
TITLE = re.compile(r"title=\"([^\"]+)\"")


@dataclass(frozen=True)
class Block:
    """A fenced block.

    Attributes:
        page: where it stands.
        line: of its first line.
        language: as the fence says; empty where it says none.
        title: the file that it shows, by the fence's title or by a paragraph above that ends with ":".
        text: what is in it.
    """

    page: Path
    line: int
    language: str
    title: str
    text: str


def sources() -> list[Path]:
    """The pages as they are written."""
    return [ROOT / "README.md", *sorted(DOCS.rglob("*.md"))]


@cache
def pages() -> dict[str, str]:
    """Address → Markdown of all pages of the site, made ones included."""
    written = {path.relative_to(DOCS).as_posix(): path.read_text() for path in sorted(DOCS.rglob("*.md"))}
    filled = {address: fill(written[address]) for address, fill in site.FILLED.items() if address in written}
    return {**written, **filled, **site.pages()}


@cache
def blocks() -> list[Block]:
    """All fenced blocks of the written pages."""
    return [block for path in sources() for block in _blocks(path)]


def _blocks(path: Path) -> Iterator[Block]:
    text = path.read_text()
    for found in FENCE.finditer(text):
        before = text[: found.start()]
        titled = TITLE.search(found[4])
        paragraph = before.rstrip().rpartition("\n\n")[2]
        above = FILE.findall(paragraph) if paragraph.endswith(":") else []
        title = titled[1] if titled else above[-1] if above else ""
        yield Block(path, before.count("\n") + 2, found[3], title, dedent(found[5]))


def prose(text: str) -> str:
    """A page without its fenced blocks."""
    return FENCE.sub("", text)


def spans(text: str) -> list[str]:
    """The code that stands in the text of a page."""
    return [" ".join(span.split()) for span in SPAN.findall(prose(text))]


def links(text: str) -> list[str]:
    """The targets of a page's links and images; those of other hosts left out."""
    found = LINK.findall(SPAN.sub("", prose(text)))
    return [target for target in found if not re.match(r"\w+:", target)]


def anchors(text: str) -> set[str]:
    """The anchors of a page's headings, as repository viewers and the site make them."""
    return {given or slug(title) for title, given in HEADING.findall(prose(text))}


def slug(title: str) -> str:
    """A heading's anchor.

    >>> slug("`mc_entropy`, *bald*: two (of many)")
    'mc_entropy-bald-two-of-many'
    """
    plain = re.sub(r"\[([^\]]*)\]\([^)]*\)", r"\1", title)
    return re.sub(r"[^\w\- ]", "", plain.lower()).strip().replace(" ", "-")
