"""What a user sees of a run: a live line on a terminal, plain lines elsewhere; on standard error."""

import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager

from rich.console import Console
from rich.progress import BarColumn, Progress, TextColumn

from al_runner.data.progress import time_left
from al_runner.loop.protocols import Stage
from al_runner.loop.schedule import Round

FINAL = "final model"
WORDS: dict[Stage, str] = {"score": "choosing samples", "fit": "training", "evaluate": "measuring"}


class Display:
    """The progress of one run.

    Args:
        title: the run in a few words.
        rounds: all rounds of the plan.
        headline: the metric to show, such as `accuracy`.
        waits: for people between rounds, so that nobody knows how long it takes.
    """

    def __init__(self, title: str, rounds: Sequence[Round], headline: str, waits: bool = False) -> None:
        self.title, self.rounds, self.headline, self.waits = title, rounds, headline, waits
        self.console = Console(stderr=True, highlight=False)
        self.bar = Progress(
            TextColumn("{task.description}"),
            BarColumn(bar_width=20),
            TextColumn("{task.fields[state]}"),
            console=self.console,
            disable=not self.console.is_terminal,
            transient=True,
        )
        self.task = self.bar.add_task(title, total=len(rounds), state="")
        self.last = sum(not step.final for step in rounds) - 1
        self.name = ""
        """What goes on: a round, or the final model."""
        self.costs = [_cost(rounds, step) for step in rounds]
        self.done = self.done_before = 0
        self.started = self.last_line = time.monotonic()

    @contextmanager
    def showing(self, done: int) -> Iterator[None]:
        """Show the run from here on; `done` rounds are complete already."""
        self.done = self.done_before = done
        self.started = self.last_line = time.monotonic()
        self.bar.update(self.task, completed=done)
        with self.bar:
            yield

    def stage(self, stage: Stage, step: Round) -> None:
        """A stage of a round begins."""
        self.name = FINAL if step.final else f"round {step.number}/{self.last}"
        self._show(WORDS[stage])

    def epoch(self, done: int, of: int) -> None:
        """An epoch of the training is done. Without a terminal, a line a minute shows that it goes on."""
        state = f"{WORDS['fit']}, epoch {done}/{of}"
        self._show(state)
        if not self.console.is_terminal and time.monotonic() - self.last_line > 60:
            self._line(f"{self.name}  {state}")

    def round(self, row: Mapping[str, object]) -> None:
        """A round is complete."""
        values = [self.name, f"{row['n_labeled']} labels"]
        for split in ("val", "test"):
            value = row.get(f"{split}/{self.headline}")
            if isinstance(value, float):
                values.append(f"{split}/{self.headline} {value:.3f}")
        self.done += 1
        self.bar.update(self.task, completed=self.done)
        self._line("  ".join([*values, self._left() if row["n_queried"] else ""]))

    def say(self, text: str) -> None:
        """Something that the user should know."""
        self._line(text)

    def _show(self, state: str) -> None:
        self.bar.update(self.task, state=f"{self.name}  {state}  {self._left()}")

    def _line(self, text: str) -> None:
        self.last_line = time.monotonic()
        self.console.print(f"{self.title}  {text}".rstrip(), soft_wrap=True)

    def _left(self) -> str:
        """Time left, from what the rounds of this start cost and what the others will."""
        spent = sum(self.costs[self.done_before : self.done])
        if self.waits or not spent or self.done == len(self.rounds):
            return ""
        seconds = (time.monotonic() - self.started) / spent * sum(self.costs[self.done :])
        return time_left(seconds)


def _cost(rounds: Sequence[Round], step: Round) -> float:
    """A round's cost in samples trained on, with a constant for what every round does."""
    n_labeled = sum(other.size for other in rounds[: step.number + 1])
    return step.epochs * n_labeled + 2000
