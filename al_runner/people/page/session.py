"""The questions of one round, and the people who answer them."""

import hashlib
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import islice
from statistics import median

from al_runner.errors import InputError
from al_runner.people.answers import WITHDRAWN, Answer, Answers, now, stands
from al_runner.people.asked import Asked
from al_runner.people.page.reserved import Reserved

AHEAD = 3
"""Questions that are a reader's at once: the one on the screen, and those that the page loads meanwhile."""
PAGE, PAGE_AND_GUESS = "page", "page-guess"
"""As `Answer.via`: whether the reader had asked to see the model's guess."""


@dataclass(frozen=True)
class Given:
    """What a reader says of the question at a place."""

    place: int
    label: str
    note: str = ""
    seconds: float | None = None


class Session:
    """A round that waits for its answers.

    Args:
        asked: the questions.
        answers: of the run; new ones are added to them.
        twice: share of the samples that two readers are to see, 0 to 1. A hash of its name chooses a sample.
        reserved: who has which question on the screen.
    """

    def __init__(
        self, asked: Asked, answers: Answers, twice: float = 0.0, reserved: Reserved | None = None
    ) -> None:
        self.asked, self.twice = asked, twice
        self.reserved = reserved or Reserved()
        self.places = {question.sample: place for place, question in enumerate(asked.questions)}
        self._guesses: set[tuple[str, int]] = set()
        self.reload(answers)

    def again(self, asked: Asked, answers: Answers) -> "Session":
        """The same round, which asks anew: its questions stay in their places, as do its readers."""
        session = Session(asked.after(self.asked), answers, self.twice, self.reserved)
        session._guesses = self._guesses
        return session

    def reload(self, answers: Answers) -> None:
        """Go on from a table to which others have added."""
        self.answers, self.standing = answers, answers.of_readers()

    def of(self, place: int) -> dict[str, Answer]:
        """Reader → answer to the question at a place."""
        return self.standing.get(self.asked.questions[place].sample, {})

    def needed(self, place: int) -> int:
        """How many readers should see a question."""
        if not self.twice:
            return 1
        name = self.asked.questions[place].sample.encode("utf-8", "surrogateescape")
        return 1 + (int(hashlib.sha256(name).hexdigest()[:8], 16) < self.twice * 2**32)

    def queue(self, reader: str) -> list[int]:
        """The reader's next questions; they are the reader's from now on."""
        kept = [place for place in self.reserved.of(reader) if self._is_open(place, reader)][:AHEAD]
        more = (place for place in self._open_to(reader) if place not in kept)
        queue = kept + list(islice(more, AHEAD - len(kept)))
        self.reserved.hold(reader, queue)
        return queue

    def _open_to(self, reader: str) -> Iterator[int]:
        return (place for place in range(len(self.asked.questions)) if self._is_open(place, reader))

    def _is_open(self, place: int, reader: str) -> bool:
        answered = self.of(place)
        if reader in answered or len(answered) >= self.needed(place):
            return False
        readers = len(answered | dict.fromkeys(self.reserved.by_others(place, reader)))
        return readers < self.needed(place)

    def answer(self, reader: str, given: Given) -> None:
        """Keep an answer: it is on the disk when this returns.

        Raises:
            ValueError: it is no label of this run.
            IndexError: there is no such question.
            InputError: it cannot be written.
        """
        question = self.asked.questions[given.place]
        label, note = self.asked.words.label(given.label), plain(given.note)
        before = self.of(given.place).get(reader)
        if before is not None and (before.label, before.note) == (label, note):
            return
        via = PAGE_AND_GUESS if (reader, given.place) in self._guesses else PAGE
        seconds = None if given.seconds is None else round(given.seconds, 1)
        self._add(Answer(question.sample, label, reader, now(), seconds, note, via))

    def undo(self, reader: str) -> int | None:
        """Take back the reader's last answer in this round.

        Returns:
            Its question, which is the reader's next again; None where nothing is to be taken back.
        """
        for answer in reversed(self.answers.lines):
            if answer.by == reader and self.standing.get(answer.sample, {}).get(reader) is answer:
                if (place := self.places.get(answer.sample)) is None:
                    return None  # of an earlier round: it has been learned from
                self._add(Answer(answer.sample, WITHDRAWN, reader, now(), via=PAGE))
                rest = [other for other in self.reserved.of(reader) if other != place]
                self.reserved.hold(reader, [place, *rest])
                return place
        return None

    def _add(self, answer: Answer) -> None:
        self.answers.add([answer])
        stands(self.standing, answer)

    def guess(self, reader: str, place: int) -> tuple[float, ...] | None:
        """The model's guess. That the reader saw it is kept with the answer."""
        guess = self.asked.questions[place].guess
        if guess is not None:
            self._guesses.add((reader, place))
        return guess

    def mine(self, reader: str) -> list[tuple[int, Answer]]:
        """The reader's standing answers to this round's questions, in the order in which they were given."""
        found = {
            answer.sample: (self.places[answer.sample], answer)
            for answer in self.answers.lines
            if answer.sample in self.places and self.standing.get(answer.sample, {}).get(reader) is answer
        }
        return list(found.values())

    @property
    def done(self) -> int:
        """How many questions have an answer."""
        return sum(1 for sample in self.places if self.standing.get(sample))

    @property
    def complete(self) -> bool:
        """Whether the run can go on."""
        return self.done == len(self.places)

    @property
    def second_readings(self) -> int:
        """How many answered questions wait for another reader."""
        places = range(len(self.places))
        return sum(1 for place in places if 0 < len(self.of(place)) < self.needed(place))

    def seconds_left(self, reader: str) -> float | None:
        """For the open questions, at the reader's median pace, or at everybody's; None before the first."""
        timed = [answer for answer in self.answers.lines if answer.seconds is not None and answer.label]
        own = [answer for answer in timed if answer.by == reader] or timed
        if not own:
            return None
        return (len(self.places) - self.done) * median(answer.seconds or 0.0 for answer in own)


def plain(note: str) -> str:
    """A note without what no keyboard writes."""
    return " ".join("".join(sign if sign.isprintable() else " " for sign in note).split())


def cannot_answer(error: InputError | ValueError) -> str:
    """What the page says of an answer that was not kept."""
    return " ".join(str(error).split())
