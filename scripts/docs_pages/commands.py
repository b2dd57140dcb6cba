"""What the commands say of themselves: the help of `al-run`, the options of the others."""

import argparse

from al_runner.config.help import help_text
from al_runner.people import cli as label
from al_runner.report import cli as report
from al_runner.runs import predict
from docs_pages.tables import code, text

PLACE = "<!-- al-run --help -->"
HELP = "## What `al-run --help` prints\n\n```text\n{}\n```\n"


def al_run(written: str) -> str:
    """The hand-written page with the help in its place, or at its end."""
    made = HELP.format(help_text())
    return written.replace(PLACE, made) if PLACE in written else f"{written.rstrip()}\n\n{made}"


def others() -> dict[str, str]:
    """Address → page, of the commands whose arguments are argparse's: every argument of each."""
    return {
        "reference/al-report.md": _page(
            report.parser(),
            "`al-report` reads run folders and writes tables, statistics, figures and one HTML page. How to "
            "read them: [Comparing strategies](../comparing.md), [Statistics](../statistics.md).",
            "The last line of standard output is the page's path.",
        ),
        "reference/al-label.md": _page(
            label.parser(),
            "`al-label` opens the page on which people label what a run asks for (extra `label`). Every "
            "answer is in the run folder's `labels.csv` before the next image shows. See [Labeling with "
            "people](../labeling.md).",
            "The first line of standard output ends with the page's address. Ctrl-C ends the page.",
        ),
        "reference/al-predict.md": _page(
            predict.parser(),
            "`al-predict` writes a table of what a run's last model says of the images that nobody labeled, "
            "the least sure ones first. See [Labeling with people](../labeling.md). It is started where "
            "`al-run` was, because it reads the data again.",
            "The last line of standard output is the table's path.",
        ),
    }


def _page(parser: argparse.ArgumentParser, about: str, end: str) -> str:
    return "\n".join(
        [
            f"# {parser.prog}\n",
            f"{about}\n",
            f"```text\n{parser.format_usage().strip()}\n```\n",
            "| argument | default | allowed | meaning |\n|---|---|---|---|",
            *(_row(action) for action in parser._actions),
            "",
            f"{end} Exit code 0, or 2 for bad input.\n",
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
