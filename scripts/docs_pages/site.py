"""Which pages are made, which are filled, and from what."""

import re
from collections.abc import Callable

from docs_pages import api, commands, configuration, strategies
from docs_pages.options import ROOT

COPIED = {"contributing.md": "CONTRIBUTING.md", "changelog.md": "CHANGELOG.md"}
"""Page → the file of the project that it shows."""
LINK = re.compile(r"\]\(docs/")


def pages() -> dict[str, str]:
    """Address → Markdown, of the pages that have no file in `docs/`."""
    made = {
        "reference/configuration.md": configuration.page(),
        "reference/al-label.md": commands.al_label(),
        "reference/al-report.md": commands.al_report(),
        **{api.address(name): api.page(name) for name in api.packages()},
    }
    copied = {page: LINK.sub("](", (ROOT / file).read_text()) for page, file in COPIED.items()}
    return {**made, **copied}


FILLED: dict[str, Callable[[str], str]] = {
    "strategies.md": strategies.page,
    "reference/al-run.md": commands.al_run,
}
"""Address → what adds to the page of that name in `docs/`."""
