from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import torch

from al_runner.data.dataset import Dataset, Split
from al_runner.data.tasks import one_of
from al_runner.data.words import Words
from al_runner.errors import InputError
from al_runner.people.answers import ANSWERS, WITHDRAWN, Answer, Answers, reading_minutes
from al_runner.people.replies import Labels
from al_runner.runs.people import Asking, Readers

FIRST = Answer("a/1.png", "normal", "AB", "2026-01-01T00:00:00+00:00", 2.5, 'says "fine", twice', "page")
SECOND = Answer("a/2.png", "pneumonia", "CD")


def test_answers_are_read_as_they_were_added(tmp_path: Path) -> None:
    answers = Answers(tmp_path)
    answers.add([FIRST])
    answers.add([SECOND])
    assert answers.lines == Answers(tmp_path).lines == [FIRST, SECOND]
    answers.add([replace(SECOND, note="two\nlines")])
    assert Answers(tmp_path).lines[-1].note == "two lines"
    answers.add([replace(SECOND, note="half \ud83d of it")])
    assert Answers(tmp_path).lines[-1].note == "half ? of it"


def test_a_line_that_was_cut_short_does_not_count_at_any_byte(tmp_path: Path) -> None:
    Answers(tmp_path).add([FIRST])
    whole = (tmp_path / ANSWERS).read_bytes()
    Answers(tmp_path).add([SECOND])
    both = (tmp_path / ANSWERS).read_bytes()
    for cut in range(len(whole), len(both)):
        (tmp_path / ANSWERS).write_bytes(both[:cut])
        answers = Answers(tmp_path)
        assert answers.lines == [FIRST]
        answers.add([SECOND])
        assert (tmp_path / ANSWERS).read_bytes() == both
    for cut in range(len(whole)):
        (tmp_path / ANSWERS).write_bytes(whole[:cut])
        assert Answers(tmp_path).lines == []
        Answers(tmp_path).add([FIRST])
        assert (tmp_path / ANSWERS).read_bytes() == whole


def test_the_last_answer_of_the_first_reader_counts(tmp_path: Path) -> None:
    answers = Answers(tmp_path)
    answers.add([FIRST, replace(FIRST, by="CD", label="pneumonia"), SECOND])
    assert {sample: each.label for sample, each in answers.counting().items()} == {
        "a/1.png": "normal",
        "a/2.png": "pneumonia",
    }
    answers.add([replace(FIRST, label="pneumonia"), replace(SECOND, label=WITHDRAWN)])
    assert {sample: each.label for sample, each in answers.counting().items()} == {"a/1.png": "pneumonia"}
    assert list(answers.of_readers()["a/1.png"]) == ["AB", "CD"]


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("sample,label\na,b\n", "does not begin with"),
        ("sample,label,by,at,seconds,note,via\na,b\n", "row 2 has 2 cells"),
        ("sample,label,by,at,seconds,note,via\na,b,,,soon,,page\n", "soon is not a number"),
    ],
)
def test_another_table_is_refused(tmp_path: Path, text: str, said: str) -> None:
    (tmp_path / ANSWERS).write_text(text)
    with pytest.raises(InputError, match=said):
        Answers(tmp_path)


def test_damaged_bytes_are_said(tmp_path: Path) -> None:
    Answers(tmp_path).add([FIRST])
    path = tmp_path / ANSWERS
    for damaged in (path.read_bytes().replace(b"normal", b"\xff"), b"x" * 200_000 + b"\n"):
        path.write_bytes(damaged)
        with pytest.raises(InputError, match=r"labels\.csv was damaged: put it back from a copy"):
            Answers(tmp_path)


def test_where_nothing_can_be_written_nothing_counts(tmp_path: Path) -> None:
    answers = Answers(tmp_path)
    answers.add([FIRST])
    answers.path.unlink()
    answers.path.mkdir()
    with pytest.raises(InputError, match="cannot write"):
        answers.add([SECOND])
    assert answers.lines == [FIRST]


def test_the_minutes_that_people_read() -> None:
    def of(*seconds: float | None, label: str = "a") -> list[Answer]:
        return [Answer(str(k), label, "AB", seconds=each) for k, each in enumerate(seconds)]

    assert reading_minutes([]) is None
    assert reading_minutes(of(None, None)) is None
    assert reading_minutes(of(10, 20, 60)) == pytest.approx(1.5)
    assert reading_minutes(of(10, None, 20, 60)) == pytest.approx(110 / 60), "as the median"
    assert reading_minutes([*of(10), *of(None, label="")]) == pytest.approx(10 / 60), "taken back in no time"
    assert reading_minutes([*of(10), *of(5, label="b")]) == pytest.approx(15 / 60), (
        "a correction took time, too"
    )


def test_a_round_has_the_minutes_of_its_samples(tmp_path: Path) -> None:
    def split(*names: str) -> Split:
        n = len(names)
        return Split(
            torch.zeros(n, 1, 2, 2, dtype=torch.uint8), torch.zeros(n, dtype=torch.int64), names, names
        )

    splits = {"train": split("a", "b", "c"), "val": split(), "test": split("t")}
    dataset = Dataset("any", splits, one_of(2), "none", ("no", "yes"), tmp_path, unlabeled=True)
    answers = Answers(tmp_path)
    answers.add([Answer(name, "no", seconds=60.0 * k) for k, name in enumerate("tabc", 1)])
    learner: Any = None
    replies = Labels(tmp_path, Words(dataset.class_names))
    asking = Asking(Readers(tmp_path, dataset, "al-run", replies), dataset, learner)
    assert asking.minutes([]) == 1
    assert asking.minutes([0, 2]) == 1 + 2 + 4
