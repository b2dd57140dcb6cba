"""What the commands say of themselves: the help of `al-run`, the options of `al-report` and `al-label`."""

import argparse

from al_runner.config.help import help_text
from al_runner.people import cli as label
from al_runner.report import cli as report
from docs_pages.tables import code, text

PLACE = "<!-- al-run --help -->"
HELP = "## What `al-run --help` prints\n\n```text\n{}\n```\n"


def al_run(written: str) -> str:
    """The hand-written page with the help in its place, or at its end."""
    made = HELP.format(help_text())
    return written.replace(PLACE, made) if PLACE in written else f"{written.rstrip()}\n\n{made}"


def al_report() -> str:
    """The page of `al-report`: every argument of its parser."""
    return _page(
        report.parser(),
        "`al-report` reads run folders and writes tables, statistics, figures and one HTML page. How to "
        "read them: [Comparing strategies](../comparing.md), [Statistics](../statistics.md).",
        "The last line of standard output is the page's path. Exit code 0, or 2 for bad input.",
    )


def al_label() -> str:
    """The page of `al-label`, likewise."""
    return _page(
        label.parser(),
        "`al-label` opens the page on which people label what a run asks for (extra `label`). Every answer "
        "is in the run folder's `labels.csv` before the next image shows.",
        "The first line of standard output ends with the page's address. Ctrl-C ends it with exit code 0; 2 "
        "is for bad input.",
    )


def _page(parser: argparse.ArgumentParser, first: str, last: str) -> str:
    """A command's arguments between two paragraphs."""
    return "\n".join(
        [
            f"# {parser.prog}\n",
            f"{first}\n",
            f"```text\n{parser.format_usage().strip()}\n```\n",
            "| argument | default | allowed | meaning |\n|---|---|---|---|",
            *(_row(action) for action in parser._actions),
            "",
            f"{last}\n",
        ]
    )


def _row(action: argparse.Action) -> str:
    """An argument; its help with the default put in, as argparse does."""
    name = ", ".join(action.option_strings) or str(action.metavar)
    value = f" {action.metavar}" if action.option_strings and action.metavar else ""
    usual = action.default if action.default not in (None, False, [], argparse.SUPPRESS) else None
    meaning = (action.help or "").replace("%(default)s", str(action.default))
    allowed = ", ".join(f"`{each}`" for each in action.choices or ())
    return f"| {code(name + value)} | {code(str(usual)) if usual else '–'} | {allowed} | {text(meaning)} |"
