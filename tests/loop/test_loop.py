"""The loop with parts that only record, and the real learner on a segmentation task."""

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch
from torch import Tensor

from al_runner.acquisition.uncertainty import entropy
from al_runner.learning.learner import NetworkLearner
from al_runner.learning.machine import Machine
from al_runner.learning.optimizer import Optimizer
from al_runner.loop.criteria import Target
from al_runner.loop.experiment import Experiment
from al_runner.loop.oracle import Simulated
from al_runner.loop.pool import Pool, Query
from al_runner.loop.protocols import Evaluation, Learner, Stage
from al_runner.loop.schedule import FinalModel, Round, Schedule
from al_runner.loop.seeding import Streams
from al_runner.runs.review import Review
from al_runner.strategies.random import random
from al_runner.strategies.uncertainty import Uncertainty
from tests.segmentation import disks, tiny_unet
from tests.strategies.fake import FakeLearner


class Notes:
    """A journal in memory."""

    def __init__(self) -> None:
        self.rounds: list[tuple[int, list[int], Mapping[str, float]]] = []
        self.arrays: list[Mapping[str, np.ndarray]] = []
        self.waiting: list[int] = []

    @property
    def rows(self) -> list[dict[str, float]]:
        """What a run that is resumed finds in the record."""
        return [{"n_queried": len(indices), **metrics} for _, indices, metrics in self.rounds]

    @contextmanager
    def timed(self, stage: Stage, step: Round) -> Iterator[None]:
        yield

    def wait(self, step: Round, query: Query) -> None:
        self.waiting = query.indices.tolist()

    def close_round(
        self, step: Round, query: Query, labels: Tensor, learner: Learner, evaluation: Evaluation
    ) -> None:
        self.rounds.append((step.number, query.indices.tolist(), evaluation.metrics))
        self.arrays.append(evaluation.arrays)


class Recording(FakeLearner):
    """Notes what it is trained on; its validation metric is the number of labels."""

    def __init__(self, size: int) -> None:
        super().__init__(size)
        self.trained: list[tuple[list[int], list[int], int]] = []
        self.steps: list[Round] = []

    def fit(self, indices: Tensor, labels: Tensor, step: Round) -> Mapping[str, float]:
        self.trained.append((indices.tolist(), labels.tolist(), step.number))
        self.steps.append(step)
        return {"train/loss": 0.0}

    def evaluate(self, pool: Tensor | None = None) -> Evaluation:
        more = {} if pool is None else {"pool/accuracy": 0.5}
        return Evaluation({"val/accuracy": len(self.trained[-1][0]) / 100, **more})


SCHEDULE = Schedule(5, [3], 14, epochs=1)
PLAN = SCHEDULE.plan(40)


def experiment(learner: Learner, size: int = 40, **changed: object) -> Experiment:
    parts = {
        "pool": Pool(size),
        "learner": learner,
        "oracle": Simulated(torch.arange(size) * 10),
        "initial": random,
        "strategy": Uncertainty(entropy),
        "streams": Streams(0),
        "plan": PLAN,
    }
    return Experiment(**{**parts, **changed})  # type: ignore[arg-type]


def test_metrics_belong_to_the_model_trained_on_those_labels() -> None:
    learner, notes = Recording(40), Notes()
    assert experiment(learner).run(notes)
    measured = [metrics["val/accuracy"] for _, _, metrics in notes.rounds]
    assert measured == [0.05, 0.08, 0.11, 0.14]
    bought: list[int] = []
    for (number, indices, _), (trained, labels, step) in zip(notes.rounds, learner.trained, strict=True):
        bought += indices
        assert number == step
        assert trained == bought
        assert labels == [index * 10 for index in bought]


def test_the_strategy_changes_neither_the_initial_set_nor_its_stream() -> None:
    notes = [Notes(), Notes()]
    for strategy, note in zip((random, Uncertainty(entropy)), notes, strict=True):
        experiment(Recording(40), strategy=strategy).run(note)
    assert notes[0].rounds[0] == notes[1].rounds[0]
    assert notes[0].rounds[1][1] != notes[1].rounds[1][1]


def test_rounds_can_be_run_in_two_parts() -> None:
    whole, parts = Notes(), Notes()
    experiment(Recording(40)).run(whole)
    first = experiment(Recording(40), plan=replace(PLAN, rounds=PLAN.rounds[:2]))
    assert first.run(parts)
    assert replace(first, plan=PLAN).run(parts, parts.rows)
    assert parts.rounds == whole.rounds


def test_a_memory_learns_before_the_model_sees_the_labels() -> None:
    learner = Recording(40)
    told: list[tuple[int, int, int]] = []

    class Told:
        def learn(self, learner: Recording, pool: Pool, step: Round) -> None:
            told.append((step.number, len(pool.labeled), len(learner.trained[-1][0])))

    schedule = replace(SCHEDULE, final_model=FinalModel(1))
    assert experiment(learner, memory=Told(), plan=schedule.plan(40)).run(Notes())
    assert told == [(1, 8, 5), (2, 11, 8), (3, 14, 11)], "neither the first query's nor the final model's"


def test_what_is_kept_of_the_pool_is_what_the_next_query_sees() -> None:
    plain, kept, strategy = Notes(), Notes(), Uncertainty(entropy)
    experiment(Recording(40)).run(plain)
    schedule = replace(SCHEDULE, evaluate_every=2, final_model=FinalModel(1))
    experiment(Recording(40), review=Review(strategy), plan=schedule.plan(40)).run(kept)
    assert [query for _, query, _ in kept.rounds[:-1]] == [query for _, query, _ in plain.rounds]
    assert [sorted(arrays) for arrays in kept.arrays] == [
        ["pool", "pool_scores"],
        [],
        ["pool", "pool_scores"],
        ["pool", "pool_scores"],
        [],
    ]
    for number in (0, 2):
        pool, scores = kept.arrays[number]["pool"], kept.arrays[number]["pool_scores"]
        bought = {index for _, query, _ in kept.rounds[: number + 1] for index in query}
        assert sorted(pool.tolist()) == sorted({*range(40)} - bought)
        assert pool[:3].tolist() == kept.rounds[number + 1][1]
        assert (np.diff(scores) <= 0).all()
        assert kept.rounds[number][2]["pool/accuracy"] == 0.5


def test_nothing_is_kept_of_an_empty_pool() -> None:
    notes = Notes()
    experiment(Recording(14), 14, review=Review(random)).run(notes)
    assert [sorted(arrays) for arrays in notes.arrays] == [["pool"], ["pool"], ["pool"], []]


def test_target_ends_the_run() -> None:
    notes = Notes()
    plan = replace(PLAN, criteria=[Target("val/accuracy", 0.08)])
    assert experiment(Recording(40), plan=plan).run(notes)
    assert len(notes.rounds) == 2
    assert experiment(Recording(40), plan=plan).run(notes, notes.rows)
    assert len(notes.rounds) == 2, "nothing is left to do"


@pytest.mark.parametrize("target", [None, 0.08])
def test_a_final_model_is_trained_on_all_that_was_bought(target: float | None) -> None:
    learner, notes = Recording(40), Notes()
    criteria = [] if target is None else [Target("val/accuracy", target)]
    schedule = replace(SCHEDULE, criteria=criteria, final_model=FinalModel(40, "val/accuracy"))
    subject = experiment(learner, plan=schedule.plan(40))
    assert subject.run(notes)
    loop, (number, bought, metrics) = notes.rounds[:-1], notes.rounds[-1]
    assert number == len(loop) == (4 if target is None else 2)
    assert bought == []
    assert metrics["val/accuracy"] == notes.rounds[-2][2]["val/accuracy"], "on the same labels"
    assert learner.trained[-1][:2] == learner.trained[-2][:2]
    assert learner.steps[-1] == Round(number, 0, 40, True, True, "val/accuracy", final=True)
    assert not any(step.final for step in learner.steps[:-1])
    for done in range(len(notes.rows)):  # stopped anywhere, what is left is the same
        again, rest = experiment(Recording(40), plan=schedule.plan(40)), Notes()
        for k, (_, indices, _) in enumerate(notes.rounds[:done]):
            again.pool.add(Query(torch.tensor(indices, dtype=torch.int64)), torch.tensor(indices) * 10, k)
        assert again.run(rest, notes.rows[:done])
        assert rest.rounds == notes.rounds[done:]
    assert experiment(Recording(40), plan=schedule.plan(40)).plan.next(notes.rows) is None


def test_nobody_is_asked_for_the_final_model() -> None:
    class Away(Simulated):
        def answer(self, indices: Tensor) -> Tensor:
            assert len(indices)
            return super().answer(indices)

    plan = replace(PLAN, final_model=FinalModel(1))
    assert experiment(Recording(40), oracle=Away(torch.arange(40) * 10), plan=plan).run(Notes())


def test_an_oracle_that_has_to_be_waited_for() -> None:
    class Person(Simulated):
        is_there = True

        def answer(self, indices: Tensor) -> Tensor | None:  # type: ignore[override]
            return super().answer(indices) if self.is_there else None

    undisturbed, notes, person = Notes(), Notes(), Person(torch.arange(40) * 10)
    experiment(Recording(40)).run(undisturbed)
    subject = experiment(Recording(40), oracle=person)
    assert replace(subject, plan=replace(PLAN, rounds=PLAN.rounds[:2])).run(notes)
    person.is_there = False
    assert not subject.run(notes, notes.rows)
    assert notes.waiting == undisturbed.rounds[2][1]
    assert len(notes.rounds) == 2
    person.is_there = True
    assert subject.run(notes, notes.rows)
    assert notes.rounds == undisturbed.rounds


def test_a_strategy_that_breaks_its_contract_is_stopped() -> None:
    def same_again(learner: Learner, pool: Pool, size: int, generator: torch.Generator) -> Query:
        return Query(pool.labeled[:size])

    with pytest.raises(ValueError, match="labeled already"):
        experiment(Recording(40), strategy=same_again).run(Notes())


@pytest.mark.parametrize("strategy", [random, Uncertainty(entropy), Uncertainty(entropy, "max")])
def test_the_loop_does_not_care_that_labels_are_masks(strategy, tmp_path: Path) -> None:  # type: ignore[no-untyped-def]
    dataset = disks()
    learner = NetworkLearner(
        dataset,
        tiny_unet,
        Optimizer(torch.optim.AdamW, lr=1e-2, batch_size=4),
        Machine.detect("cpu"),
        Streams(0),
    )
    plan = Schedule(4, [4], 12, epochs=15).plan(40)
    subject = experiment(learner, oracle=Simulated(dataset.train.targets), strategy=strategy, plan=plan)
    notes = Notes()
    subject.run(notes)
    assert [len(indices) for _, indices, _ in notes.rounds] == [4, 4, 4]
    assert subject.pool.labels.shape == (12, 16, 16)
    assert notes.rounds[-1][2]["test/dice"] > 0.9
