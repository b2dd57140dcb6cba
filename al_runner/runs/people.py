"""What a run has to do with people: it reads what they answered, and leaves what it asks them."""

import shlex
import sys
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from pathlib import Path

import torch
from torch import Tensor

from al_runner.data.dataset import Dataset, Split
from al_runner.data.words import Words
from al_runner.errors import InputError
from al_runner.loop.oracle import Oracle
from al_runner.loop.pool import Query
from al_runner.loop.protocols import Learner
from al_runner.loop.schedule import Round
from al_runner.people import table
from al_runner.people.answers import Answer, Answers, reading_minutes
from al_runner.people.asked import ASKED, POOL, TEST, Asked, Question
from al_runner.people.oracle import People as PeopleOracle
from al_runner.people.oracle import is_unknown

NEEDS = "oracle=people asks for labels that are not known, so dataset=unlabeled dataset.root=…"


@dataclass(frozen=True)
class Readers:
    """The people of a run.

    Attributes:
        folder: the run folder.
        dataset: as it was before anybody was asked.
        command: what goes on with the run.
    """

    folder: Path
    dataset: Dataset
    command: str

    @cached_property
    def answers(self) -> Answers:
        """What they said, as it is kept."""
        return Answers(self.folder)

    @cached_property
    def new(self) -> Sequence[Answer]:
        """What they filled in since the run last asked.

        Raises:
            InputError: it does not fit what was asked.
        """
        asked, path = Asked.read(self.folder), self.folder / table.TABLE
        if asked is None or not path.is_file():
            return []
        return table.filled_in(path, asked, self.answers.counting())

    @property
    def words(self) -> Words:
        """The labels that may be given."""
        return Words(self.dataset.class_names, self.dataset.train.targets.ndim > 1)

    def told(self) -> Dataset:
        """The data set with the labels that they gave.

        Raises:
            InputError: answers that do not fit the data.
        """
        counting = {**self.answers.counting(), **{each.sample: each for each in self.new}}
        labels = {sample: answer.label for sample, answer in counting.items()}
        there = {name for split in self.dataset.splits.values() for name in split.names}
        if lost := sorted(labels.keys() - there):
            raise InputError(
                f"{self.answers.path} has a label of {lost[0]}, which is not in {self.dataset.root}"
            )
        splits = {name: _told(split, labels, self.words) for name, split in self.dataset.splits.items()}
        return replace(self.dataset, splits=splits)

    def keep(self) -> None:
        """Keep what they filled in."""
        if self.new:
            self.answers.add(self.new)

    def before(self, oracle: Oracle, dataset: Dataset) -> Oracle:
        """An oracle that has to be waited for until the random sample is labeled, too."""
        return _Waiting() if is_unknown(dataset.splits[TEST].targets).any() else oracle


@dataclass(frozen=True)
class Asking:
    """Asks them during a run.

    Attributes:
        readers: the people.
        dataset: with the labels that are known.
        learner: guesses, once it has learned something.
    """

    readers: Readers
    dataset: Dataset
    learner: Learner

    def __call__(self, step: Round, query: Query) -> None:
        """Leave what is not known yet of a query and, before the first round, of the random sample."""
        readers, train, test = self.readers, self.dataset.train, self.dataset.splits[TEST]
        open_ = query.indices[is_unknown(train.targets[query.indices])]
        guesses = self.learner.predict(open_).tolist() if step.number and train.targets.ndim == 1 else None
        questions = [
            *_questions(TEST, test, is_unknown(test.targets).nonzero().flatten(), None),
            *_questions(POOL, train, open_, guesses),
        ]
        root, again = self.dataset.root or Path(), _again(readers.command)
        table.write(readers.folder, questions)
        Asked(step.number, root, readers.words, questions, again, Path.cwd()).write(readers.folder)

    def minutes(self, indices: Iterable[int]) -> float | None:
        """What it took people to read the random sample and some training samples; None = nobody knows."""
        names = {*self.dataset.splits[TEST].names, *(self.dataset.train.names[index] for index in indices)}
        return reading_minutes(each for each in self.readers.answers.lines if each.sample in names)

    def done(self) -> None:
        """A round is complete: nothing is asked any more."""
        for name in (ASKED, table.TABLE):
            (self.readers.folder / name).unlink(missing_ok=True)


def readers(dataset: Dataset, oracle: Callable[..., Oracle], folder: Path, command: str) -> Readers | None:
    """The people whom a run asks; None = it asks nobody.

    Raises:
        InputError: people are asked of other data than files, or nobody is asked what is not known.
    """
    asks = getattr(oracle, "func", oracle) is PeopleOracle
    if asks and not dataset.unlabeled:
        raise InputError(NEEDS)
    if not asks and dataset.unlabeled and _is_open(dataset):
        raise InputError("dataset=unlabeled has labels that are not known: oracle=people asks for them")
    return Readers(folder, dataset, command) if asks else None


def _is_open(dataset: Dataset) -> bool:
    """Whether some label is not known."""
    return any(bool(is_unknown(split.targets).any()) for split in dataset.splits.values())


class _Waiting:
    """Knows nothing yet."""

    def answer(self, indices: Tensor) -> None:
        """Not yet."""

    def costs(self, labels: Tensor) -> None:
        """Nothing yet."""


def _told(split: Split, labels: Mapping[str, str], words: Words) -> Split:
    """A split with the labels of its samples."""
    targets = split.targets.clone()
    for place, name in enumerate(split.names):
        if name in labels:
            targets[place] = torch.tensor(words.target(labels[name]))
    return replace(split, targets=targets)


def _questions(
    split: str, samples: Split, indices: Tensor, guesses: Sequence[Sequence[float]] | None
) -> list[Question]:
    return [
        Question(
            samples.names[index],
            split,
            index,
            samples.patients[index],
            None if guesses is None else tuple(round(each, 4) for each in guesses[place]),
        )
        for place, index in enumerate(indices.tolist())
    ]


def _again(command: str) -> tuple[str, ...]:
    """The command, by this Python."""
    return (sys.executable, "-m", "al_runner", *shlex.split(command)[1:])
