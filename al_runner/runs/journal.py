"""What happens to a round when it is complete: the record keeps it, a logger and the display show it."""

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import partial
from typing import Any

import numpy as np
from torch import Tensor

from al_runner.data.dataset import Dataset
from al_runner.data.thumbnails import thumbnails
from al_runner.data.words import CANNOT_TELL
from al_runner.files import csv_text
from al_runner.learning import states
from al_runner.loop.oracle import are_told
from al_runner.loop.pool import Query
from al_runner.loop.protocols import Evaluation, Learner, Memory, Stage
from al_runner.loop.schedule import Round
from al_runner.runs.display import Display
from al_runner.runs.loggers.base import RunLogger
from al_runner.runs.people import Asking
from al_runner.runs.record import Record
from al_runner.runs.rounds import QUERY_FIELDS

WAITING = "waiting.csv"
MINUTES = "minutes"
"""The column of `rounds.csv` with the time that people have read so far."""


class RunJournal:
    """The journal of one run.

    Args:
        record: keeps a round first; what fails after it loses nothing.
        logger: told of each round once it is kept.
        display: what the user sees.
        dataset: what is queried, for its labels' words and for pictures of it.
        costs: what each of some labels cost; None where labels are what counts.
        memory: what the strategy remembers, kept beside the learner's checkpoint; None = nothing.
        people: are asked what the oracle does not know yet; None = there are none.
    """

    def __init__(
        self,
        record: Record,
        logger: RunLogger,
        display: Display,
        dataset: Dataset,
        costs: Callable[[Tensor], Tensor | None] = lambda _labels: None,
        memory: Memory | None = None,
        people: Asking | None = None,
    ) -> None:
        self.record, self.logger, self.display, self.dataset = record, logger, display, dataset
        self.n_labeled = int(record.rounds[-1].row["n_labeled"]) if record.rounds else 0
        self.costs, self.memory, self.people = costs, memory, people
        self.cost = record.rounds[-1].row.get("cost", 0) if record.rounds else 0
        self.seconds: dict[Stage, float] = {}
        self._goes_on()
        if people is not None and people.is_left_over():
            people.done()

    @contextmanager
    def timed(self, stage: Stage, step: Round) -> Iterator[None]:
        """Count the seconds of a stage, and show that it goes on."""
        self.display.stage(stage, step)
        start = time.perf_counter()
        yield
        self.seconds[stage] = time.perf_counter() - start

    def wait(self, step: Round, query: Query) -> None:
        """Write `waiting.csv`: what is to be labeled before the run can go on."""
        self.record.write(WAITING, csv_text(QUERY_FIELDS, query_rows(step, query)))
        if self.people is not None:
            self.people(step, query)

    def close_round(
        self, step: Round, query: Query, labels: Tensor, learner: Learner, evaluation: Evaluation
    ) -> None:
        """Keep a complete round for good, then log and show it."""
        told = are_told(labels)
        self.n_labeled += int(told.sum())
        arrays = dict(evaluation.arrays)
        row = {
            "round": step.number,
            "n_labeled": self.n_labeled,
            "n_queried": len(query),
            **self._cost(arrays, labels),
            **self._minutes(query),
            **evaluation.metrics,
            **{f"{stage}_seconds": round(seconds, 4) for stage, seconds in self.seconds.items()},
        }
        rows = query_rows(step, query, self._words(labels, told))
        if len(query):
            arrays["picks"] = thumbnails(self.dataset.train, query.indices)
        remember = None if self.memory is None else partial(states.write, self.memory.state())
        self.record.close_round(row, rows, labels.cpu().numpy(), arrays, learner.save, remember)
        self.ask_no_more()
        self.logger.log_round(row, rows)
        self.display.round(row)

    def ask_no_more(self) -> None:
        """What was asked is known, or not needed any more."""
        self._goes_on()
        if self.people is not None:
            self.people.done()

    def _goes_on(self) -> None:
        """The run does not wait."""
        (self.record.folder / WAITING).unlink(missing_ok=True)

    def _words(self, labels: Tensor, told: Tensor) -> list[str]:
        """Of labels, for people."""
        describe = self.dataset.task.describe
        return [describe(each) if known else CANNOT_TELL for each, known in zip(labels, told, strict=True)]

    def _cost(self, arrays: dict[str, np.ndarray[Any, Any]], labels: Tensor) -> dict[str, float]:
        """The cost of all labels so far for the round's row; that of each label goes to its arrays."""
        costs = self.costs(labels)
        if costs is None:
            return {}
        arrays["costs"] = costs.cpu().numpy()
        self.cost += int(costs.sum())
        return {"cost": self.cost}

    def _minutes(self, query: Query) -> dict[str, float]:
        """What all labels so far took people to read, where somebody measured that."""
        if self.people is None:
            return {}
        before = [index for closed in self.record.rounds for index in closed.indices()]
        minutes = self.people.minutes([*before, *query.indices.tolist()])
        last = self.record.rounds[-1].row.get(MINUTES, 0.0) if self.record.rounds else 0.0
        return {} if minutes is None else {MINUTES: max(last, round(minutes, 3))}


def query_rows(step: Round, query: Query, labels: list[str] | None = None) -> list[dict[str, object]]:
    """A round's rows of `queries.csv`: round, rank, index, label, score; unknown cells are empty."""
    scores = [""] * len(query) if query.scores is None else [str(s) for s in query.scores.numpy()]
    answers = labels or [""] * len(query)
    indices = query.indices.tolist()
    return [
        dict(zip(QUERY_FIELDS, (step.number, rank, index, label, score), strict=True))
        for rank, (index, label, score) in enumerate(zip(indices, answers, scores, strict=True))
    ]
