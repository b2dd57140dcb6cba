"""How answers come back, by what is asked: labels of whole images here, masks in `outlines`."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, Protocol

from al_runner.data.words import Words
from al_runner.people import table
from al_runner.people.answers import Answer
from al_runner.people.asked import Asked

if TYPE_CHECKING:
    from torch import Tensor  # who reads answers needs no torch

Predict = Callable[[Callable[["Tensor"], "Tensor"]], "Tensor"]
"""What the model predicts of some samples, reduced as `loop.protocols.Learner.predict` does it."""
Guess = tuple[float, ...] | None


class Replies(Protocol):
    """The way in which answers come back."""

    @property
    def words(self) -> Words:
        """The labels that may be given."""

    @property
    def masks(self) -> Path | None:
        """Folder of the masks that may be given; None = none may."""

    @property
    def revisable(self) -> bool:
        """Whether an answer may be changed as long as its round waits, so it is asked for until then."""

    def new(self, asked: Asked, known: Mapping[str, Answer]) -> Sequence[Answer]:
        """What came since: answers beyond those that are known, or that take one of them back.

        Raises:
            InputError: something does not fit what was asked; nothing counts until it is mended.
        """

    def target(self, answer: Answer) -> Any:
        """An answer as a target, or as what all numbers of a target are.

        Raises:
            InputError: what was answered is not there any more, or was changed.
        """

    def name(self, sample: str) -> str:
        """Of the mask of a sample; "" where none may be given."""

    def guesses(self, samples: Sequence[str], predict: Predict) -> Sequence[Guess]:
        """What the model takes some samples for, as far as that is shown."""

    def ask(self, asked: Asked, known: Mapping[str, Answer]) -> None:
        """Let people see what is asked and not known."""

    def close(self) -> None:
        """Nothing is asked any more."""


@dataclass(frozen=True)
class Labels:
    """Labels of whole images, that come by the table in a run folder, or were added to its answers by others.

    Attributes:
        folder: the run folder.
        words: the labels that may be given.
    """

    folder: Path
    words: Words
    masks: None = None
    revisable: bool = False

    def new(self, asked: Asked, known: Mapping[str, Answer]) -> Sequence[Answer]:
        """What people filled in since the run last asked."""
        path = self.folder / table.TABLE
        return table.filled_in(path, asked, known, self.words) if path.is_file() else []

    def target(self, answer: Answer) -> int | list[int]:
        """A class, or 0/1 for each label."""
        return self.words.target(answer.label)

    def name(self, sample: str) -> str:  # noqa: ARG002
        """No mask."""
        return ""

    def guesses(self, samples: Sequence[str], predict: Predict) -> Sequence[Guess]:
        """The probability of each class; not of several labels."""
        if self.words.several:
            return [None] * len(samples)
        return [tuple(round(each, 4) for each in probs) for probs in predict(lambda probs: probs).tolist()]

    def ask(self, asked: Asked, known: Mapping[str, Answer]) -> None:
        """By a table of what is not known."""
        table.write(self.folder, [each for each in asked.questions if each.sample not in known])

    def close(self) -> None:
        """Nothing but the table was there."""
