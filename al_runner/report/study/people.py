"""What people did in a run: how many images they labeled, how long it took them, how far they agree."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from statistics import median

from al_runner.data.words import CANNOT_TELL, Words
from al_runner.people.agreement import Agreement, agreements
from al_runner.people.answers import ANSWERS, Answer, Answers, reading_minutes
from al_runner.report.statistics.intervals import Estimate
from al_runner.report.study.arms import Experiment
from al_runner.report.study.runs import Run


@dataclass(frozen=True)
class Labeling:
    """The answers of a run.

    Attributes:
        strategy: the label of its arm.
        run: it.
        answers: that count, one for each image.
        readers: who gave some, in the order of their first ones.
        seconds: that each timed answer took.
        minutes: all together, those that were not timed as the median; None where nothing was timed.
        agreed: how far pairs of readers agree.
    """

    strategy: str
    run: Run
    answers: Sequence[Answer]
    readers: Sequence[str]
    seconds: Sequence[float]
    minutes: float | None
    agreed: Sequence[Agreement]

    @property
    def untold(self) -> int:
        """Images of which nobody could tell."""
        return sum(answer.label == CANNOT_TELL for answer in self.answers)

    @property
    def typical(self) -> float | None:
        """The median of the seconds; None where nothing was timed."""
        return median(self.seconds) if self.seconds else None

    @property
    def n_labeled(self) -> int:
        """Labels that its last model learned from."""
        return int(self.run.rounds[-1]["n_labeled"]) if self.run.rounds else 0

    @property
    def ended(self) -> str:
        """How the run ended: by its schedule, by whom, or not."""
        if not self.run.finished:
            return f"no: {self.run.manifest['status']}"
        if self.run.ended_by_people:
            return str(self.run.manifest["ended_early"]).removeprefix("ended ")
        return "by its schedule"

    def estimates(self, metric: str) -> list[tuple[int, Estimate]]:
        """The metric on the random sample with its interval, by labels; of each round that was measured."""
        low, high = f"{metric}_low", f"{metric}_high"
        return [
            (int(row["n_labeled"]), Estimate(row[metric], row[low], row[high]))
            for row in self.run.rounds
            if {metric, low, high} <= row.keys()
        ]


def labelings(experiment: Experiment) -> list[Labeling]:
    """Of all runs that people labeled, finished or not.

    Raises:
        InputError: a table of answers that al-runner did not write.
    """
    return [
        _labeling(arm.label, run)
        for arm in experiment.arms
        for run in arm.runs
        if Path(run.folder, ANSWERS).is_file()
    ]


def _labeling(strategy: str, run: Run) -> Labeling:
    answers = Answers(run.folder)
    names = tuple(run.manifest["dataset"]["class_names"])
    words = Words(names, bool(run.science.get("dataset.several")))
    standing = answers.of_readers()
    every = [answer for readers in standing.values() for answer in readers.values()]
    return Labeling(
        strategy,
        run,
        list(answers.counting().values()),
        list(dict.fromkeys(answer.by for answer in every)),
        [answer.seconds for answer in every if answer.seconds is not None],
        reading_minutes(answers.lines),
        agreements(standing, words),
    )
