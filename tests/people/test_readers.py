"""What people answered, as it comes to a data set."""

from pathlib import Path

import pytest
import torch

from al_runner.data.dataset import Dataset, Split
from al_runner.data.tasks import MultiClass
from al_runner.data.words import UNKNOWN, Words
from al_runner.errors import InputError
from al_runner.people.answers import Answer, Answers
from al_runner.people.asked import Asked, Question
from al_runner.people.replies import Labels
from al_runner.runs.people import Readers

WORDS = Words(("normal", "ill"))


def dataset(**names: tuple[str, ...]) -> Dataset:
    """Images of which nobody said anything, by the names in each split."""
    splits = {}
    for split, found in names.items():
        images = torch.zeros(len(found), 1, 2, 2, dtype=torch.uint8)
        splits[split] = Split(images, torch.full((len(found),), UNKNOWN), found, found)
    root = Path("/scans")
    return Dataset("scans", splits, MultiClass(2), "none", WORDS.classes, root=root, unlabeled=True)


@pytest.fixture
def people(tmp_path: Path) -> Readers:
    """Of a run that asked for two of its five images, of which one has an answer."""
    questions = [Question("t.png", "test", 0), Question("b.png", "train", 1)]
    Asked(0, Path("/scans"), WORDS, questions, ("true",), tmp_path).write(tmp_path)
    Answers(tmp_path).add([Answer("t.png", "ill", "AB")])
    found = dataset(train=("a.png", "b.png"), val=(), test=("t.png", "u.png"))
    return Readers(tmp_path, found, "al-run", Labels(tmp_path, WORDS))


def test_answers_are_targets(people: Readers) -> None:
    told = people.told()
    assert told.splits["test"].targets.tolist() == [1, UNKNOWN]
    assert told.train.targets.tolist() == [UNKNOWN, UNKNOWN]
    assert people.sample_is_open(told)
    Answers(people.folder).add([Answer("u.png", "normal"), Answer("b.png", "cannot tell")])
    assert people.told().splits["test"].targets.tolist() == [1, UNKNOWN], "as they were when it began"
    again = people.again().told()
    assert again.splits["test"].targets.tolist() == [1, 0]
    assert again.train.targets.tolist() == [UNKNOWN, -2]
    assert not people.again().sample_is_open(again)


@pytest.mark.parametrize(
    ("train", "test", "said"),
    [
        (("a.png",), ("t.png", "u.png"), "b.png was asked for, and is not in /scans any more"),
        (("a.png", "b.png"), ("u.png",), "t.png was asked for, and is not in /scans any more"),
    ],
)
def test_an_image_that_vanished(
    people: Readers, train: tuple[str, ...], test: tuple[str, ...], said: str
) -> None:
    lacking = Readers(people.folder, dataset(train=train, val=(), test=test), "al-run", people.replies)
    with pytest.raises(InputError, match=said):
        lacking.told()
    (people.folder / "asked.json").unlink()
    if "t.png" in test:
        lacking.again().told()
    else:
        with pytest.raises(InputError, match="which is not in /scans"):
            lacking.again().told()
