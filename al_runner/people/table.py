"""`to_label.csv`: what people are asked, for any spreadsheet to fill in; and what comes back of it."""

from collections.abc import Mapping, Sequence
from pathlib import Path

from al_runner.data.layouts import sheet
from al_runner.data.words import Words
from al_runner.errors import InputError
from al_runner.files import csv_text, replace
from al_runner.people.answers import Answer, now
from al_runner.people.asked import Asked, Question

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
    table, words = sheet.read(path), asked.words
    places = (table.needed(FILE), table.needed(LABEL), table.place(BY), table.place(("note",)))
    questions = {each.sample: each for each in asked.questions}
    found: dict[str, Answer] = {}
    at = now()
    for number, (file, text, by, note) in table.cells(*places):
        if not text:
            continue
        where = f"{path}: row {number}"
        if file not in questions:
            raise InputError(f"{where}: {file or 'a row without a file'} is not one of the images asked for")
        label = _label(words, text, where)
        before = found.get(file) or known.get(file)
        if before is not None and before.label != label:
            raise InputError(f"{where}: {file} is {label} here, and {before.label} elsewhere")
        found.setdefault(file, Answer(file, label, by, at, None, note, "table"))
    return [answer for sample, answer in found.items() if sample not in known]


def _label(words: Words, text: str, where: str) -> str:
    try:
        return words.label(text)
    except ValueError as error:
        raise InputError(f"{where}: {error}") from error
