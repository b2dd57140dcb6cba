"""Values as a Markdown table."""

import re
from collections.abc import Iterable

from docs_pages.options import Value

UNSET = "–"
MARKUP = "\\*_<[{"
FROM_ENVIRONMENT = re.compile(r"\$\{oc\.env:(\w+),(.+)\}(.*)")


def table(values: Iterable[Value], prefix: str = "") -> str:
    """One row for each value; `prefix` stands before its key."""
    rows = [_row(prefix, value) for value in values]
    return "\n".join(["| key | default | allowed | meaning |", "|---|---|---|---|", *rows, ""]) * bool(rows)


def _row(prefix: str, value: Value) -> str:
    cells = [f"`{prefix}{value.path}`", default(value.default), cell(value.allowed), text(value.meaning)]
    return f"| {' | '.join(cells)} |"


def default(written: str) -> str:
    """A default as code; of a part, what it is made by."""
    if not written:
        return UNSET
    if "_target_:" in written:
        written = written.split("_target_:")[1].split(",")[0].strip(" {}").rpartition(".")[2]
    if written == "???":
        return "must be given"
    written = written.replace("${oc.env:HOME,.}", "~")
    if found := FROM_ENVIRONMENT.fullmatch(written):
        name, otherwise, below = found.groups()
        return f"{code(f'${name}{below}')}, else {code(otherwise + below)}"
    return code(written)


def code(written: str) -> str:
    """As code in a table."""
    return f"`{cell(written)}`"


def text(words: str) -> str:
    """Plain words, in which Markdown and HTML mean nothing."""
    kept = words.split("`")
    kept[::2] = [_escaped(part) for part in kept[::2]]
    return cell("`".join(kept))


def cell(words: str) -> str:
    """Without what would end a table's cell."""
    return words.replace("|", "\\|")


def _escaped(words: str) -> str:
    return "".join(f"&#{ord(sign)};" if sign in MARKUP else sign for sign in words)
