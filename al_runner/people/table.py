"""`to_label.csv`: what people are asked, for any spreadsheet to fill in; and what comes back of it."""

from collections.abc import Mapping, Sequence
from pathlib import Path

from al_runner.data.layouts import sheet
from al_runner.files import csv_text, replace
from al_runner.people.answers import Answer, now
from al_runner.people.asked import Asked, Question
from al_runner.people.checked import checked

TABLE = "to_label.csv"
FIELDS = ("index", "split", "file", "patient", "label", "by", "note")
LABEL = ("label", "class", "diagnosis")
FILE = ("file", "path", "sample")
BY = ("by", "reader", "initials")


def write(folder: Path, questions: Sequence[Question]) -> None:
    """Ask: a row for each question, its label to be filled in."""
    rows = [
        {"index": each.index, "split": each.split, "file": each.sample, "patient": each.patient}
        for each in questions
    ]
    replace(folder / TABLE, csv_text(FIELDS, rows).encode("utf-8"), through=True)


def filled_in(path: Path, asked: Asked, known: Mapping[str, Answer]) -> list[Answer]:
    """The answers that a table holds beyond those that are known; empty cells are no answers.

    Args:
        path: the table, in any order of rows and columns, as any spreadsheet saves it.
        asked: what is waited for.
        known: sample → the answer that counts already.

    Raises:
        InputError: a row for a sample that is not asked for, a label that is none, or rows that contradict
            each other or what is known. Names the row; nothing of the table counts.
    """
    table = sheet.read(path)
    places = (table.needed(FILE), table.needed(LABEL), table.place(BY), table.place(("note",)))
    at = now()
    given = [
        (f"{path}: row {number}", Answer(file, text, by, at, None, note, "table"))
        for number, (file, text, by, note) in table.cells(*places)
        if text
    ]
    samples = {each.sample for each in asked.questions}
    return checked(given, asked.words, samples, known.values(), lambda answer: answer.sample)
