"""What a run waits for: the samples that people are asked to label."""

import json
from collections.abc import Sequence
from dataclasses import asdict, dataclass, replace
from pathlib import Path

from al_runner import files
from al_runner.data.words import Words
from al_runner.errors import InputError

ASKED = "asked.json"
TEST, POOL = "test", "train"
"""Why a sample is asked for: to measure models on, or to learn from. They are the data set's splits."""


@dataclass(frozen=True)
class Question:
    """A sample that is to be labeled.

    Attributes:
        sample: its file's path below the root, with `/`.
        split: `test`: it belongs to the random sample that models are measured on; `train`: a query.
        index: its place in the split.
        patient: whose it is.
        guess: the model's probability of each class, if there is a model. Who sees it first is biased by it.
        mask: the name that the file of its mask must have, where masks are asked for.
    """

    sample: str
    split: str
    index: int
    patient: str = ""
    guess: tuple[float, ...] | None = None
    mask: str = ""


@dataclass(frozen=True)
class Asked:
    """What a run asks.

    Attributes:
        round: the round that waits.
        root: folder of the images.
        words: the labels that may be given.
        questions: in the order in which they should be answered.
        command: what goes on when they are: a program and its arguments, without a shell.
        cwd: where it is to be started.
        masks: the folder where masks are to be saved; None = labels are asked for.
    """

    round: int
    root: Path
    words: Words
    questions: Sequence[Question]
    command: tuple[str, ...]
    cwd: Path
    masks: Path | None = None

    @classmethod
    def read(cls, folder: Path) -> "Asked | None":
        """What the run of a folder waits for; None = nothing.

        Raises:
            InputError: the file is not as al-run wrote it.
        """
        path = folder / ASKED
        if not path.is_file():
            return None
        try:
            told = json.loads(path.read_text(encoding="utf-8"))
            return cls(
                round=int(told["round"]),
                root=Path(told["root"]),
                words=Words(tuple(told["words"]["classes"]), bool(told["words"]["several"])),
                questions=[
                    Question(**{**each, "guess": each["guess"] and tuple(each["guess"])})
                    for each in told["questions"]
                ],
                command=tuple(told["command"]),
                cwd=Path(told["cwd"]),
                masks=Path(told["masks"]) if told.get("masks") else None,
            )
        except (OSError, ValueError, KeyError, TypeError, AttributeError, RecursionError) as error:
            raise InputError(f"{path} is not as al-run wrote it: start the same al-run again") from error

    def after(self, earlier: "Asked") -> "Asked":
        """The same questions, those of `earlier` in their places, whether they are still asked or not.

        A run that is started again asks only what is open, and who has its questions before them goes on by
        their places.
        """
        if earlier.round != self.round:
            return self
        now = {each.sample: each for each in self.questions}
        kept = [now.pop(each.sample, each) for each in earlier.questions]
        return replace(self, questions=[*kept, *now.values()])

    def write(self, folder: Path) -> None:
        """Keep it in a run folder, all or nothing."""
        paths = {name: str(getattr(self, name)) for name in ("root", "cwd", "masks") if getattr(self, name)}
        told = {**asdict(self), **paths}
        files.replace(folder / ASKED, json.dumps(told, indent=1).encode(), through=True)
