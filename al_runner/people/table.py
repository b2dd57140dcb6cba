"""`to_label.csv`: what people are asked, for any spreadsheet to fill in; and what comes back of it."""

from collections.abc import Mapping, Sequence
from pathlib import Path

from al_runner.data.layouts import sheet
from al_runner.data.words import Words
from al_runner.files import as_meant, csv_text, no_formula, replace
from al_runner.people.answers import Answer, now
from al_runner.people.asked import Asked, Question
from al_runner.people.checked import checked

TABLE = "to_label.csv"
FIELDS = ("index", "split", "file", "patient", "label", "by", "note")
MASK_FIELDS = (*FIELDS[:4], "image", "mask", *FIELDS[4:])
"""The same, where masks are asked for: the image's file, and the name of its mask's."""
LABEL = ("label", "class", "diagnosis")
FILE = ("file", "path", "sample")
BY = ("by", "reader", "initials")


def write(folder: Path, questions: Sequence[Question], images: Mapping[str, str] | None = None) -> None:
    """Ask: a row for each question, its label to be filled in; who reads it and a note may be there already.

    Args:
        folder: the run folder.
        questions: what is asked.
        images: sample → its file, where masks are asked for.
    """
    path = folder / TABLE
    before = readers(path) if path.is_file() else {}
    rows = [_row(each, before.get(each.sample, Answer(each.sample, ""))) for each in questions]
    if images is not None:
        rows = [
            {**row, "image": images[each.sample], "mask": no_formula(each.mask)}
            for row, each in zip(rows, questions, strict=True)
        ]
    fields = FIELDS if images is None else MASK_FIELDS
    replace(path, csv_text(fields, rows).encode("utf-8"), through=True)


def _row(question: Question, before: Answer) -> dict[str, object]:
    """Of a question, with what the table had beside it."""
    row = {
        "index": question.index,
        "split": question.split,
        "file": question.sample,
        "patient": question.patient,
        "by": before.by,
        "note": before.note,
    }
    return {name: no_formula(cell) for name, cell in row.items()}


def readers(path: Path) -> dict[str, Answer]:
    """Sample → its row in a table, whether it has a label or not.

    Raises:
        InputError: the table cannot be read, or lacks a column.
    """
    return {answer.sample: answer for _, answer in _rows(path)}


def filled_in(
    path: Path, asked: Asked, known: Mapping[str, Answer], words: Words | None = None
) -> list[Answer]:
    """The answers that a table holds beyond those that are known; empty cells are no answers.

    Args:
        path: the table, in any order of rows and columns, as any spreadsheet saves it.
        asked: what is waited for.
        known: sample → the answer that counts already.
        words: the labels that may be given, if not those that `asked` has.

    Raises:
        InputError: a row for a sample that is not asked for, a label that is none, or rows that contradict
            each other or what is known. Names the row; nothing of the table counts.
    """
    given = [(where, answer) for where, answer in _rows(path) if answer.label]
    samples = {each.sample for each in asked.questions}
    return checked(given, words or asked.words, samples, known.values(), lambda answer: answer.sample)


def _rows(path: Path) -> list[tuple[str, Answer]]:
    """Where each row is, and what it says, as it was spelled."""
    table = sheet.read(path)
    places = (table.needed(FILE), table.needed(LABEL), table.place(BY), table.place(("note",)))
    at = now()
    cells = ((number, map(as_meant, row)) for number, row in table.cells(*places))
    return [
        (f"{path}: row {number}", Answer(file, text, by, at, None, note, "table"))
        for number, (file, text, by, note) in cells
    ]
