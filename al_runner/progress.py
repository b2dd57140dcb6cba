"""What a user sees of a run: a live line on a terminal, plain lines elsewhere; on standard error."""

import time
from collections.abc import Mapping, Sequence

from rich.console import Console
from rich.progress import BarColumn, Progress, TextColumn

from al_runner.loop import Stage
from al_runner.schedule import Round

WORDS: dict[Stage, str] = {"score": "choosing samples", "fit": "training", "evaluate": "measuring"}


class Display:
    """The progress of one run.

    Args:
        title: the run in a few words.
        rounds: all rounds of the plan.
        done: how many are complete already.
        headline: the metric to show, such as `accuracy`.
    """

    def __init__(self, title: str, rounds: Sequence[Round], done: int, headline: str) -> None:
        self.title, self.rounds, self.done, self.headline = title, rounds, done, headline
        self.console = Console(stderr=True, highlight=False)
        self.bar = Progress(
            TextColumn("{task.description}"),
            BarColumn(bar_width=20),
            TextColumn("{task.fields[state]}"),
            console=self.console,
            disable=not self.console.is_terminal,
            transient=True,
        )
        self.task = self.bar.add_task(title, total=len(rounds), completed=done, state="")
        self.started = time.monotonic()
        self.work_before = sum(_work(step, self._labels(step)) for step in rounds[:done])

    def __enter__(self) -> "Display":
        self.bar.start()
        return self

    def __exit__(self, *_: object) -> None:
        self.bar.stop()

    def stage(self, stage: Stage) -> None:
        """A stage of the round begins."""
        last = len(self.rounds) - 1
        state = f"round {min(self.done, last)}/{last}: {WORDS[stage]} {self._left()}"
        self.bar.update(self.task, state=state)

    def round(self, row: Mapping[str, object]) -> None:
        """A round is complete."""
        self.done += 1
        values = [f"round {row['round']}/{len(self.rounds) - 1}", f"{row['n_labeled']} labels"]
        for split in ("val", "test"):
            value = row.get(f"{split}/{self.headline}")
            if isinstance(value, float):
                values.append(f"{split}/{self.headline} {value:.3f}")
        self.bar.update(self.task, completed=self.done)
        self.console.print(f"{self.title}  {'  '.join(values)}  {self._left()}", soft_wrap=True)

    def say(self, line: str) -> None:
        """A line for the user."""
        self.console.print(line, soft_wrap=True, markup=False)

    def _labels(self, step: Round) -> int:
        return sum(other.size for other in self.rounds[: step.number + 1])

    def _left(self) -> str:
        """Time left, from the samples that were trained on and those that are still to be."""
        work = [_work(step, self._labels(step)) for step in self.rounds]
        now = sum(work[: self.done]) - self.work_before
        if now == 0 or self.done == len(self.rounds):
            return ""
        seconds = (time.monotonic() - self.started) / now * sum(work[self.done :])
        minutes, rest = divmod(int(seconds) + 1, 60)
        return f"[dim]{minutes}:{rest:02d} left[/dim]"


def _work(step: Round, n_labeled: int) -> float:
    """The cost of a round in samples trained on, with a constant for what every round does."""
    return step.epochs * n_labeled + 1000
