"""What a run has to do with people: it reads what they answered, and leaves what it asks them."""

import shlex
import sys
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cached_property, partial
from pathlib import Path
from typing import Any

import torch
from torch import Tensor

from al_runner.data.dataset import Dataset, Split
from al_runner.data.parallel import in_order
from al_runner.data.words import Words
from al_runner.errors import InputError
from al_runner.loop.oracle import Oracle
from al_runner.loop.pool import Query
from al_runner.loop.protocols import Learner
from al_runner.loop.schedule import Round
from al_runner.people.answers import WITHDRAWN, Answer, Answers, reading_minutes
from al_runner.people.asked import ASKED, POOL, TEST, Asked, Question
from al_runner.people.ending import Ending
from al_runner.people.oracle import People as PeopleOracle
from al_runner.people.oracle import is_unknown
from al_runner.people.outlines import MASKS, Outlines
from al_runner.people.replies import Guess, Labels, Replies
from al_runner.people.table import TABLE

ANSWERS_AT_ONCE = 4
"""That a thread reads: masks take a while, labels do not."""
NEEDS = "oracle=people asks for labels that are not known, so dataset=unlabeled dataset.root=…"
NEEDS_MASKS = "oracle=people asks for masks that are missing, so dataset.missing=unlabeled"


@dataclass(frozen=True)
class Readers:
    """The people of a run.

    Attributes:
        folder: the run folder.
        dataset: as it was before anybody was asked.
        command: what goes on with the run.
        replies: how their answers come back.
    """

    folder: Path
    dataset: Dataset
    command: str
    replies: Replies

    @cached_property
    def answers(self) -> Answers:
        """What they said, as it is kept."""
        return Answers(self.folder)

    @cached_property
    def asked(self) -> Asked | None:
        """What they were asked; None = nothing, or a kill left it there though its round is complete."""
        asked = Asked.read(self.folder)
        return None if asked and (self.folder / f"round_{asked.round}").is_dir() else asked

    @cached_property
    def new(self) -> Sequence[Answer]:
        """What they answered since the run last asked.

        Raises:
            InputError: it does not fit what was asked.
        """
        return self.replies.new(asked, self.answers.counting()) if (asked := self.asked) else []

    @cached_property
    def known(self) -> Mapping[str, Answer]:
        """Sample → the answer that counts, with the new ones."""
        found = {**self.answers.counting(), **{each.sample: each for each in self.new}}
        return {sample: answer for sample, answer in found.items() if answer.label != WITHDRAWN}

    @cached_property
    def ending(self) -> Ending | None:
        """That one of them ended the run."""
        return Ending.read(self.folder)

    def told(self) -> Dataset:
        """The data set with the labels that they gave.

        Raises:
            InputError: answers that do not fit the data.
        """
        there = {name for split in self.dataset.splits.values() for name in split.names}
        asked = {each.sample for each in self.asked.questions} if self.asked else set()
        if lost := sorted(asked - there):
            raise InputError(f"{lost[0]} was asked for, and is not in {self.dataset.root} any more")
        if lost := sorted(self.answers.counting().keys() - there):
            raise InputError(
                f"{self.answers.path} has a label of {lost[0]}, which is not in {self.dataset.root}"
            )
        splits = {name: self._told(split) for name, split in self.dataset.splits.items()}
        for name, split in splits.items():
            if name != POOL or not self.dataset.task.dense:  # the pool's masks may be larger than the memory
                splits[name] = replace(split, targets=split.labels.whole(), answers={})
        return replace(self.dataset, splits=splits)

    def _told(self, split: Split) -> Split:
        """A split with the answers about its samples."""
        places = [place for place, name in enumerate(split.names) if name in self.known]
        answers = [self.known[split.names[place]] for place in places]
        found = in_order(lambda k: self.replies.target(answers[k]), len(answers), ANSWERS_AT_ONCE)
        told: dict[int, Tensor] = {}
        for place, target in zip(places, found, strict=True):
            if isinstance(target, Exception):
                raise target
            told[place] = torch.as_tensor(target).to(split.targets.dtype).expand(split.targets.shape[1:])
        return replace(split, answers=told)

    def keep(self) -> None:
        """Keep what they answered."""
        if self.new:
            self.answers.add(self.new)

    def before(self, oracle: Oracle, dataset: Dataset) -> Oracle:
        """An oracle that has to be waited for until what models are measured on is labeled, too."""
        return _Waiting() if self.sample_is_open(dataset) else oracle

    def sample_is_open(self, dataset: Dataset) -> bool:
        """Whether something that models are measured on has no answer."""
        measured = (split for name, split in dataset.splits.items() if name != POOL)
        return any(bool(is_unknown(each.targets).any()) for each in measured)

    def again(self) -> "Readers":
        """The same people, whose answers are read anew."""
        return replace(self)


@dataclass(frozen=True)
class Asking:
    """Asks them during a run.

    Attributes:
        readers: the people.
        dataset: with the labels that are known.
        learner: guesses, once it has learned something; None = there is none yet.
    """

    readers: Readers
    dataset: Dataset
    learner: Learner | None = None

    def __call__(self, step: Round, query: Query) -> None:
        """Ask what is not known of a query and, before the first round, of what models are measured on."""
        questions = [] if step.number else self._sample()
        train = self._before.train
        open_ = query.indices[is_unknown(train.targets[query.indices])]
        self._ask(step.number, [*questions, *self._questions(POOL, train, open_, bool(step.number))])

    def sample(self) -> int:
        """Ask of what models are measured on alone; how many questions these are.

        When more is asked in the same round, they stay the first ones: a page numbers them.
        """
        questions = self._sample()
        self._ask(0, questions)
        return len(questions)

    @property
    def _before(self) -> Dataset:
        """The data set with the answers that are not asked for any more."""
        return self.readers.dataset if self.readers.replies.revisable else self.dataset

    def _sample(self) -> list[Question]:
        measured = {name: split for name, split in self._before.splits.items() if name != POOL}
        return [
            question
            for name, split in measured.items()
            for question in self._questions(name, split, is_unknown(split.targets).nonzero().flatten())
        ]

    def _ask(self, round_number: int, questions: Sequence[Question]) -> None:
        readers, replies = self.readers, self.readers.replies
        root, again = self.dataset.root or Path(), _again(readers.command)
        asked = Asked(round_number, root, replies.words, questions, again, Path.cwd(), replies.masks)
        replies.ask(asked, readers.known)
        asked.write(readers.folder)

    def _questions(
        self, split: str, samples: Split, indices: Tensor, can_guess: bool = False
    ) -> list[Question]:
        """About some samples of a split; `can_guess`: they are of the pool, and a model has learned."""
        replies, names = self.readers.replies, [samples.names[index] for index in indices.tolist()]
        guesses: Sequence[Guess] = [None] * len(names)
        if can_guess:
            guesses = replies.guesses(names, partial(self._predict, indices))
        return [
            Question(
                name,
                split,
                index,
                samples.patients[index] if samples.patients else "",
                guess,
                replies.name(name),
            )
            for name, index, guess in zip(names, indices.tolist(), guesses, strict=True)
        ]

    def _predict(self, indices: Tensor, reduce: Callable[[Tensor], Tensor]) -> Tensor:
        """What is kept of predictions; of pixels, on the images' own axes."""
        if self.learner is None:
            raise TypeError("a guess needs a learner")
        found = self.learner.predict(indices, reduce).cpu()
        return found.unflatten(1, self.dataset.image_size) if self.dataset.task.dense else found

    def minutes(self, indices: Iterable[int]) -> float | None:
        """What it took people to read the random sample and some training samples; None = nobody knows."""
        names = {*self.dataset.splits[TEST].names, *(self.dataset.train.names[index] for index in indices)}
        return reading_minutes(each for each in self.readers.answers.lines if each.sample in names)

    def done(self) -> None:
        """A round, or the run, is complete: nothing is asked any more."""
        self.readers.replies.close()
        for name in (TABLE, ASKED):  # as long as the last one is there, a kill can be told by it
            (self.readers.folder / name).unlink(missing_ok=True)

    def is_left_over(self) -> bool:
        """Whether a kill came when a round was complete, and before nothing was asked any more."""
        return (self.readers.folder / ASKED).is_file() and self.readers.asked is None


def readers(dataset: Dataset, oracle: Callable[..., Oracle], folder: Path, command: str) -> Readers | None:
    """The people whom a run asks; None = it asks nobody.

    Raises:
        InputError: people are asked of other data than files, or nobody is asked what is not known.
    """
    asks = getattr(oracle, "func", oracle) is PeopleOracle
    if asks and not dataset.unlabeled:
        raise InputError(NEEDS_MASKS if dataset.task.dense else NEEDS)
    if not asks and dataset.unlabeled and _is_open(dataset):
        lacks = "dataset=unlabeled has labels that are not known"
        if dataset.task.dense:
            lacks = f"{dataset.name} lacks masks"
        raise InputError(f"{lacks}: oracle=people asks for them")
    if not asks:
        return None
    return Readers(folder, dataset, command, _replies(dataset, getattr(oracle, "keywords", {}), folder))


def _replies(dataset: Dataset, options: Mapping[str, Any], folder: Path) -> Replies:
    """How people's answers come back: the data say what kind they are.

    Raises:
        InputError: masks would be saved among the data.
    """
    if dataset.masks is None or dataset.root is None:
        return Labels(folder, Words(dataset.class_names, dataset.train.targets.ndim > 1))
    masks = Path(options.get("masks") or folder / MASKS).expanduser().resolve()
    if options.get("masks") and dataset.root and masks.is_relative_to(dataset.root):
        raise InputError(
            f"oracle.masks={masks} is below dataset.root: masks saved there would be data, not answers; name "
            "a folder elsewhere"
        )
    return Outlines(folder, masks, dataset.root, dataset.masks, bool(options.get("start")))


def _is_open(dataset: Dataset) -> bool:
    """Whether some label is not known."""
    return any(bool(is_unknown(split.targets).any()) for split in dataset.splits.values())


class _Waiting:
    """Knows nothing yet."""

    def answer(self, indices: Tensor) -> None:
        """Not yet."""

    def costs(self, labels: Tensor) -> None:
        """Nothing yet."""


def _again(command: str) -> tuple[str, ...]:
    """The command, by this Python."""
    return (sys.executable, "-m", "al_runner", *shlex.split(command)[1:])
