from pathlib import Path

import pytest

from al_runner.data.words import Words
from al_runner.errors import InputError
from al_runner.people.answers import Answer
from al_runner.people.asked import Asked, Question
from al_runner.people.table import TABLE, filled_in, write

QUESTIONS = [Question("a.png", "test", 4), Question("b/ü.png", "train", 7, "p7", (0.25, 0.75))]
ASKED = Asked(1, Path("/scans"), Words(("normal", "pneumonia")), QUESTIONS, ("python", "-m"), Path("/here"))


def labels(path: Path, text: str | bytes, known: dict[str, Answer] | None = None) -> dict[str, str]:
    path = path / "filled.csv"
    path.write_bytes(text.encode() if isinstance(text, str) else text)
    return {each.sample: each.label for each in filled_in(path, ASKED, known or {})}


def test_what_is_asked_goes_there_and_back(tmp_path: Path) -> None:
    assert Asked.read(tmp_path) is None
    ASKED.write(tmp_path)
    assert Asked.read(tmp_path) == ASKED
    (tmp_path / "asked.json").write_text("{}")
    with pytest.raises(InputError, match="is not as al-run wrote it"):
        Asked.read(tmp_path)


def test_the_table_asks_and_an_empty_one_answers_nothing(tmp_path: Path) -> None:
    write(tmp_path, QUESTIONS)
    lines = (tmp_path / TABLE).read_text().splitlines()
    assert lines[0] == "index,split,file,patient,label,by,note"
    assert lines[2] == "7,train,b/ü.png,p7,,,"
    assert filled_in(tmp_path / TABLE, ASKED, {}) == []


@pytest.mark.parametrize(
    "content",
    [
        "file,label\na.png,normal\nb/ü.png,Pneumonia\n",
        "\ufeffLabel;Reader;FILE\r\nNORMAL;AB;a.png\r\npneumonia;AB;b/ü.png\r\n",
        "file\tlabel\na.png\tnormal\n\n\t\nb/ü.png\tpneumonia",
        "file;label\na.png;normal\nb/ü.png;pneumonia".encode("cp1252"),
        "file\tlabel\r\na.png\tnormal\r\nb/ü.png\tpneumonia\r\n".encode("utf-16"),
        'file,label\n"a.png","normal"\n"b/ü.png",pneumonia\na.png,normal\n',
    ],
)
def test_as_spreadsheets_save_it(tmp_path: Path, content: str | bytes) -> None:
    assert labels(tmp_path, content) == {"a.png": "normal", "b/ü.png": "pneumonia"}


@pytest.mark.parametrize(
    ("content", "said"),
    [
        ("", "is empty"), ("file\na.png\n", "no column label"), ("label\nnormal\n", "no column file"),
        ("file,label\nc.png,normal\n", "row 2: c.png is not one of the images asked for"),
        ("file,label\n,normal\n", "row 2: a row without a file"),
        ("file,label\na.png,flu\n", "row 2: flu is not one of normal, pneumonia, cannot tell"),
        ("file,label\na.png,normal\na.png,pneumonia\n", "row 3: a.png is pneumonia here, and normal else"),
        (b"\x89PNG\x00\x81\x8d", "cannot read"),
        (  # of another run on the same images, which asked for others
            "index,split,file,patient,label,by,note\n4,train,a.png,,normal,,\n7,train,d.png,,normal,,\n",
            "row 3: d.png is not one of the images asked for",
        ),
    ],
)  # fmt: skip
def test_what_does_not_fit_is_said(tmp_path: Path, content: str | bytes, said: str) -> None:
    with pytest.raises(InputError, match=said):
        labels(tmp_path, content)


def test_what_is_known_is_not_answered_again(tmp_path: Path) -> None:
    known = {"a.png": Answer("a.png", "normal")}
    assert labels(tmp_path, "file,label\na.png,normal\nb/ü.png,normal\n", known) == {"b/ü.png": "normal"}
    with pytest.raises(InputError, match=r"a\.png is pneumonia here, and normal elsewhere"):
        labels(tmp_path, "file,label\na.png,pneumonia\n", known)
