"""The short form of a report, for the terminal."""

from rich.box import SIMPLE_HEAD
from rich.console import Console
from rich.table import Table as RichTable

from al_runner.report.contents import Section, Table, words

WIDTH = 160
"""Characters of a line where it is not a terminal that reads it."""


def show(section: Section) -> None:
    """Print what was found first, the main tables, what else was found, and what limits it."""
    console = Console(highlight=False, markup=False)
    if not console.is_terminal:
        console.width = WIDTH
    console.print(section.title, style="bold", soft_wrap=True)
    for k, line in enumerate(section.answers[: section.lead]):
        console.print(line, style="" if k else "bold", soft_wrap=True)
    for table in section.tables[: section.main]:
        if table.rows:
            console.print(_table(table))
    for line in (*section.answers[section.lead :], *section.notes):
        console.print(line, soft_wrap=True)
    console.print()


def _table(table: Table) -> RichTable:
    result = RichTable(box=SIMPLE_HEAD)
    for k, column in enumerate(table.columns):
        result.add_column(column, justify="right" if k else "left")
    for row in table.rows:
        result.add_row(
            *(words(cell, column in table.whole) for cell, column in zip(row, table.columns, strict=True))
        )
    return result
