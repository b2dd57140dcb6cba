"""What is compared: experiments, their arms, and the seeds that pair them."""

from collections import defaultdict
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from math import isnan, nan

from al_runner.report.statistics.curves import Curve
from al_runner.report.study.runs import Run

Row = Mapping[str, float]


@dataclass(frozen=True)
class Arm:
    """Repetitions that differ in their seed alone; where outcomes are compared, also in their budget.

    Attributes:
        label: its name, or the strategy, with what tells it from other arms of its name.
        finished: its finished runs, by seed.
        unfinished: those that stopped, wait, or still run; drawn, never part of a statistic.
        name: what its runs call themselves; empty where they do not.
        by_outcome: whether its numbers are those of the models that its runs leave, not of their rounds.
    """

    label: str
    finished: tuple[Run, ...]
    unfinished: tuple[Run, ...]
    name: str = ""
    by_outcome: bool = False

    @property
    def runs(self) -> tuple[Run, ...]:
        """All of them."""
        return self.finished + self.unfinished

    @property
    def strategy(self) -> str:
        """The name of the strategy's file."""
        return self.runs[0].strategy

    @property
    def is_bound(self) -> bool:
        """Whether it chooses by labels that nobody has bought: no strategy, but what one could reach."""
        return self.runs[0].looks_ahead

    @property
    def longest(self) -> tuple[Run, ...]:
        """Of each seed the finished run with the most labels; the others are beginnings of its loop."""
        found: dict[int, Run] = {}
        for run in self.finished:
            other = found.setdefault(run.seed, run)
            if run.rows[-1]["n_labeled"] > other.rows[-1]["n_labeled"]:
                found[run.seed] = run
        return tuple(found.values())

    def compared(self, run: Run) -> tuple[Row, ...]:
        """The rows of one of its runs that count."""
        if not self.by_outcome:
            return run.rows
        return () if run.outcome is None else (run.outcome,)

    def measured(self, metric: str) -> dict[int, list[Row]]:
        """Seed → the rows that count of the finished runs that measured a metric, to a number."""
        found: dict[int, list[Row]] = defaultdict(list)
        for run in self.finished:
            rows = self.compared(run)
            if any(not isnan(row.get(metric, nan)) for row in rows):
                found[run.seed] += rows
        return dict(found)

    def curve(self, metric: str) -> Curve | None:
        """The learning curves of the finished runs; None without any that measured it, or without a number
        of labels that all of them have, as where a target ended them.
        """
        rows = self.measured(metric)
        try:
            return Curve.of(rows, metric) if rows else None
        except ValueError:
            return None

    def loop_curve(self, metric: str) -> Curve | None:
        """The learning curves of the models in the loop; None without several rounds."""
        rows = {run.seed: run.rows for run in self.longest if any(metric in row for row in run.rows)}
        try:
            curve = Curve.of(rows, metric)
        except ValueError:
            return None
        return curve if len(curve.labels) > 1 else None


@dataclass(frozen=True)
class Experiment:
    """Arms that may be compared: one data set, and one setting where the arms do not name themselves.

    Attributes:
        title: the data set, with what tells it from other experiments on it.
        arms: the baseline first, if there is one.
        baseline: whether there is one.
        full: runs on all labels of the same data. Without named arms: finished ones with the same network,
            optimizer and oracle, one a seed.
        full_label: what they are called.
    """

    title: str
    arms: tuple[Arm, ...]
    baseline: bool
    full: tuple[Run, ...] = field(default=())
    full_label: str = "all labels"

    @property
    def dataset(self) -> str:
        """The data set's name."""
        return self.arms[0].runs[0].dataset

    @property
    def named(self) -> bool:
        """Whether the runs name their arms."""
        return any(arm.name for arm in self.arms)

    @property
    def by_outcome(self) -> bool:
        """Whether the models are compared that the runs leave."""
        return any(arm.by_outcome for arm in self.arms)

    @property
    def one_shot(self) -> bool:
        """Whether every run buys all its labels at once."""
        return all(run.has_one_round for arm in self.arms for run in arm.runs)

    @property
    def noun(self) -> str:
        """What the arms are called, one of them."""
        return "arm" if self.named else "strategy"

    @property
    def nouns(self) -> str:
        """What the arms are called, several of them."""
        return "arms" if self.named else "strategies"

    @property
    def reference(self) -> Arm | None:
        """The runs on all labels as an arm; None where there are none."""
        if not self.full:
            return None
        finished = tuple(run for run in self.full if run.finished)
        unfinished = tuple(run for run in self.full if not run.finished)
        return Arm(self.full_label, finished, unfinished, by_outcome=True)


def metrics(runs: Iterable[Run]) -> list[str]:
    """Every metric that some run measured, in order; higher is better for all: no losses, no distances."""
    rows = (row for run in runs for row in (*run.rows, run.final or {}))
    keys = dict.fromkeys(key for row in rows for key in row if "/" in key)
    return [key for key in keys if not key.endswith("loss") and "/hausdorff_95" not in key]


def headline(runs: Iterable[Run]) -> str:
    """The metric that the runs' task is known by, on the test split; accuracy where they disagree."""
    found = {run.manifest["dataset"].get("headline") for run in runs}
    return f"test/{found.pop() or 'accuracy'}" if len(found) == 1 else "test/accuracy"
