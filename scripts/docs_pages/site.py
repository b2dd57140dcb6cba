"""Which pages are made, which are filled, and from what."""

import re
from collections.abc import Callable

from docs_pages import api, commands, configuration, strategies
from docs_pages.options import ROOT

COPIED = {
    "contributing.md": "CONTRIBUTING.md",
    "changelog.md": "CHANGELOG.md",
    "security.md": "SECURITY.md",
}
"""Page → the file of the project that it shows."""
LINK = re.compile(r"\]\(docs/")
SECURITY = "](SECURITY.md)"


def pages() -> dict[str, str]:
    """Address → Markdown, of the pages that have no file in `docs/`."""
    made = {
        "reference/configuration.md": configuration.page(),
        **commands.others(),
        **{api.address(name): api.page(name) for name in api.packages()},
    }
    copied = {page: LINK.sub("](", (ROOT / file).read_text()) for page, file in COPIED.items()}
    return {**made, **{page: text.replace(SECURITY, "](security.md)") for page, text in copied.items()}}


FILLED: dict[str, Callable[[str], str]] = {
    "strategies.md": strategies.page,
    "reference/al-run.md": commands.al_run,
}
"""Address → what adds to the page of that name in `docs/`."""
