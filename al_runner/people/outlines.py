"""Masks as answers: files that people save with any program, in a folder, by names that the run says.

A mask counts as soon as it is there and fits its image. While its round waits it may be drawn anew or taken
away; when a model has learned from it, or was measured on it, another one is refused.
"""

import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from functools import cached_property, partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

from al_runner.data.masks import Masks
from al_runner.data.words import CANNOT_TELL, MASK_NOT_TOLD, NONE, Words
from al_runner.errors import InputError
from al_runner.files import plain_name
from al_runner.people import table
from al_runner.people.answers import WITHDRAWN, Answer, now
from al_runner.people.asked import Asked, Question
from al_runner.people.decoded import DIGEST, Decoded, checksum
from al_runner.people.replies import Guess, Predict
from al_runner.people.starts import KINDS, START, Starts

if TYPE_CHECKING:
    from torch import Tensor

MASKS = "masks"
"""Where masks are to be saved, below the run folder."""


class Remarks(Words):
    """What may be said of an image in place of an outline."""

    def label(self, text: str) -> str:
        """`none` or `cannot tell`.

        Raises:
            ValueError: it is neither.
        """
        if (plain := plain_name(text.strip())) in (NONE, CANNOT_TELL):
            return plain
        raise ValueError(
            f"{text.strip()} is neither {NONE} nor {CANNOT_TELL}, and a mask needs no label beside it"
        )


REMARKS = Remarks(("outlined",), several=True)


@dataclass(frozen=True)
class Outlines:
    """Masks of images, and the images of which the table says that there is nothing, or that nobody can tell.

    Attributes:
        folder: the run folder.
        masks: where the masks are to be saved.
        root: of the images.
        files: how masks are read and written, and their names.
        start: whether the model's own outline lies beside each, to begin with.
    """

    folder: Path
    masks: Path
    root: Path
    files: Masks
    start: bool = False
    words: Words = REMARKS
    revisable: bool = True

    @property
    def starts(self) -> Starts:
        """The model's own outlines beside the masks."""
        return Starts(self.folder, self.masks)

    @cached_property
    def _names(self) -> frozenset[str]:
        return frozenset(self.files.names.values())

    def new(self, asked: Asked, known: Mapping[str, Answer]) -> Sequence[Answer]:
        """Masks that were saved, drawn anew or taken away, and what the table says in place of masks."""
        self._refuse_others(asked, known)
        path = self.folder / table.TABLE
        rows = table.readers(path) if path.is_file() else {}
        said = {each.sample: each for each in table.filled_in(path, asked, {}, self.words)} if rows else {}
        found: list[Answer] = []
        for question in asked.questions:
            before, answer = known.get(question.sample), said.get(question.sample)
            if (mask := self._mask(question, rows, answer or before)) is not None:
                if answer is not None:
                    raise InputError(
                        f"{path}: {question.sample} is {answer.label}, but {self.masks / question.mask} "
                        "outlines something: take one of them away"
                    )
                answer = mask
            found += _later(question.sample, before, answer)
        return found

    def _refuse_others(self, asked: Asked, known: Mapping[str, Answer]) -> None:
        """A mask under another name would be overlooked."""
        open_ = {each.mask for each in asked.questions}
        done = {self.name(sample) for sample in known}
        names = sorted(path.name for path in self.masks.iterdir()) if self.masks.is_dir() else []
        for name in names:
            is_mask = name.lower().endswith(KINDS) and not name.startswith(".") and f"{START}." not in name
            if not is_mask or name in open_ | done:
                continue
            if name in self._names:
                raise InputError(f"{self.masks / name} is of an image that was not asked for: take it away")
            raise InputError(
                f"{self.masks / name} is not the name of a mask that is asked for, such as {min(open_)}: "
                f"{self.folder / table.TABLE} has their names"
            )

    def _mask(
        self, question: Question, rows: Mapping[str, Answer], otherwise: Answer | None
    ) -> Answer | None:
        """The mask of a question; None if there is none, or an empty one, which nobody has drawn yet.

        Args:
            question: it.
            rows: of the table.
            otherwise: what is said of the sample, or was.
        """
        path = self.masks / question.mask
        if not path.is_file():
            return None
        label = checksum(path)
        if not bool(self._read(question.sample, path, label).any()):
            if otherwise is None or otherwise.label.startswith(DIGEST):
                print(
                    f"al-run: {path} is empty and does not count: outline it, or write {NONE} or "
                    f"{CANNOT_TELL} as its label in {table.TABLE}",
                    file=sys.stderr,
                )
            return None
        at = datetime.fromtimestamp(path.stat().st_mtime, UTC).isoformat(timespec="seconds")
        row = rows.get(question.sample, Answer(question.sample, ""))
        return Answer(question.sample, label, row.by, at, None, row.note, "mask")

    def _read(self, sample: str, path: Path, label: str) -> "Tensor":
        return Decoded(self.folder, self.root, self.files).target(sample, path, label)

    def target(self, answer: Answer) -> Any:
        """A mask; 0 where there is nothing."""
        path = self.masks / self.name(answer.sample)
        if answer.label in (NONE, CANNOT_TELL):
            if path.is_file() and bool(self._read(answer.sample, path, checksum(path)).any()):
                raise InputError(f"{path} outlines something, and the run knows {answer.label}: take it away")
            return 0 if answer.label == NONE else MASK_NOT_TOLD
        if not path.is_file():
            raise InputError(f"{path} is gone, and the run knows it: put it back")
        if checksum(path) != answer.label:
            raise InputError(
                f"{path} was changed after the run had taken it in ({answer.label}): put it back from a "
                "copy, or move the run folder away to start over"
            )
        return self._read(answer.sample, path, answer.label)

    def name(self, sample: str) -> str:
        """Of the mask of a sample."""
        return self.files.names[sample]

    def guesses(self, samples: Sequence[str], predict: Predict) -> Sequence[Guess]:
        """None on the question; the model's own outline lies beside the masks, if it is asked for.

        What lies there already may be what somebody works on.
        """
        if self.start and samples:
            self._make()
            for sample, outline in zip(samples, predict(_likeliest), strict=True):
                self.starts.offer(self.name(sample), partial(self._write, sample, outline))
        return [None] * len(samples)

    def _write(self, sample: str, outline: "Tensor", path: Path) -> None:
        self.files.write(self.root / sample, outline, [path])

    def _make(self) -> None:
        """The folder of the masks."""
        try:
            self.masks.mkdir(parents=True, exist_ok=True)
        except OSError as error:
            raise InputError(
                f"oracle.masks={self.masks} cannot be made: {error.strerror or error}"
            ) from error

    def ask(self, asked: Asked, known: Mapping[str, Answer]) -> None:
        """By a table of what is not known, with the files of images and masks."""
        self._make()
        open_ = [each for each in asked.questions if each.sample not in known]
        table.write(self.folder, open_, {each.sample: str(asked.root / each.sample) for each in open_})

    def close(self) -> None:
        """The model's own outlines are not needed any more, but for those that somebody changed."""
        self.starts.clear()


def _later(sample: str, before: Answer | None, answer: Answer | None) -> list[Answer]:
    """What is to be added to the answers, so that the later one stands."""
    if answer is None:
        is_gone = before is not None and before.label.startswith(DIGEST)
        return [Answer(sample, WITHDRAWN, before.by, now(), via="mask")] if before and is_gone else []
    if before is None:
        return [answer]
    return [] if answer.label == before.label else [replace(answer, by=before.by)]


def _likeliest(probs: "Tensor") -> "Tensor":
    """The label of each pixel: [n, pixels, C] → [n, pixels]."""
    return probs.argmax(-1).byte()
