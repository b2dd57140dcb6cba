"""The active-learning loop.

Nothing here knows what a sample, a label or a model is: classification and segmentation, 2D and 3D, run
through the same lines.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from al_runner.loop.oracle import Oracle
from al_runner.loop.pool import Pool, Query
from al_runner.loop.protocols import Evaluation, Journal, Learner, Memory, Review, Strategy
from al_runner.loop.schedule import Plan, Round
from al_runner.loop.seeding import Streams


@dataclass(frozen=True)
class Experiment:
    """The parts of a run. `initial` chooses round 0's samples, `strategy` those of every later round.

    `review` measures each round's model and looks as the next query will at what it left unlabeled; None = it
    is only measured.
    `memory` is what the strategy remembers of its queries; None = its choices do not depend on them.
    """

    pool: Pool
    learner: Learner
    oracle: Oracle
    initial: Strategy
    strategy: Strategy
    streams: Streams
    plan: Plan
    review: Review | None = None
    memory: Memory | None = None

    def run(self, journal: Journal, complete: Sequence[Mapping[str, float]] = ()) -> bool:
        """Go on after the rows of complete rounds; True = done, False = waiting for labels."""
        rows = list(complete)
        while (step := self.plan.next(rows)) is not None:
            with journal.timed("score", step):
                query = self.query(step)
            labels = self.oracle.answer(query.indices) if step.size else self.pool.labels[:0]
            if labels is None:
                journal.wait(step, query)
                return False
            self.pool.add(query, labels, step.number)
            with journal.timed("fit", step):
                self.remember(step)
                training = self.learner.fit(self.pool.labeled, self.pool.labels, step)
            with journal.timed("evaluate", step):
                evaluation = self.evaluate(step) if step.evaluate else Evaluation()
            evaluation = Evaluation({**training, **evaluation.metrics}, evaluation.arrays)
            journal.close_round(step, query, labels, self.learner, evaluation)
            rows.append({"n_queried": len(query), **evaluation.metrics})
        return True

    def query(self, step: Round) -> Query:
        """The query of a round, checked: exactly `step.size` distinct unlabeled indices."""
        if step.final:
            return Query.empty()
        choose = self.initial if step.number == 0 else self.strategy
        stream = self.streams.generator("init" if step.number == 0 else "query", step.number)
        query = choose(self.learner, self.pool, step.size, stream)
        self.pool.check(query, step.size)
        return query

    def remember(self, step: Round) -> None:
        """Let a strategy learn from its query while the model is still the one that it asked."""
        if self.memory is not None and step.number and not step.final:
            self.memory.learn(self.learner, self.pool, step)

    def evaluate(self, step: Round) -> Evaluation:
        """What a round's model is measured to be, and where that is asked for, what it makes of the pool."""
        if self.review is None or step.final:
            return self.learner.evaluate()
        stream = self.streams.generator("query", step.number + 1)
        return self.review(self.learner, self.pool, self.plan.size_after(step), stream)
