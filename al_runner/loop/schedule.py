"""When to query, how many, how long to train, when to start from scratch."""

from collections.abc import Sequence
from dataclasses import dataclass, replace

from al_runner.errors import InputError
from al_runner.loop.criteria import Criterion, Rows
from al_runner.loop.share import samples


@dataclass(frozen=True)
class Round:
    """One round of the loop. Round 0 buys and trains on the initial set.

    Attributes:
        number: 0, 1, 2, …
        size: labels to buy before training; 0 in the final model's round.
        epochs: passes over the labeled set.
        reset: start from fresh weights (True) or train the last round's model on (False).
        evaluate: measure the model after training.
        record_max: measure this validation metric after every epoch, too, and record its maximum.
        agreement: samples on which this round's model is compared with the last one's; 0 = it is not.
        final: train the final model.
    """

    number: int
    size: int
    epochs: int
    reset: bool
    evaluate: bool
    record_max: str | None = None
    agreement: int = 0
    final: bool = False


@dataclass(frozen=True)
class FinalModel:
    """A model of its own that is trained from scratch on all that was labeled, once the loop has ended.

    Attributes:
        epochs: passes over the labeled set.
        record_max: as in `Round`.
    """

    epochs: int
    record_max: str | None = None

    def round(self, number: int) -> Round:
        """Its round, which buys nothing."""
        return Round(number, 0, self.epochs, True, True, self.record_max, final=True)


@dataclass(frozen=True)
class Plan:
    """The rounds of one run.

    Attributes:
        rounds: those of the loop, if no criterion ends it early.
        criteria: each of them ends the loop.
        final_model: what comes after the loop.
    """

    rounds: Sequence[Round]
    criteria: Sequence[Criterion] = ()
    final_model: FinalModel | None = None

    def next(self, rows: Rows) -> Round | None:
        """The round after those that left `rows` (metrics, and `n_queried`); None = there is none."""
        number = len(rows)
        if number and not rows[-1]["n_queried"]:  # the final model's
            return None
        if number < len(self.rounds) and not self.early_end(rows):
            return self.rounds[number]
        return None if self.final_model is None else self.final_model.round(number)

    def early_end(self, rows: Rows) -> str | None:
        """Why the loop ends after the rounds that left `rows`, although more are planned; else None."""
        number = len(rows)
        if not 0 < number < len(self.rounds) or not self.rounds[number - 1].evaluate:  # the last is measured
            return None
        reasons = (criterion.reached(rows) for criterion in self.criteria)
        return next((reason for reason in reasons if reason), None)

    def until(self, number: int) -> "Plan":
        """The same, if the loop ends after `number` rounds."""
        return replace(self, rounds=self.rounds[:number])

    def size_after(self, step: Round) -> int:
        """Labels that the query after a round of the loop buys; after the last one, as many as that one."""
        following = self.rounds[step.number + 1 : step.number + 2]
        return (following or [step])[0].size

    @property
    def longest(self) -> list[Round]:
        """Every round of the run where no criterion ends the loop."""
        last = [] if self.final_model is None else [self.final_model.round(len(self.rounds))]
        return [*self.rounds, *last]


@dataclass(frozen=True)
class Schedule:
    """The rules of a run; every size counts labels, or is a share of the pool such as `10%`.

    Args:
        initial_size: labels of round 0; None = the whole pool.
        query_sizes: labels of round 1, 2, …; the last one repeats. The final query is cut to fit the budget.
        budget: all labels bought, the initial ones included; None = the whole pool.
        epochs: epochs of each round.
        epochs_growth: epochs added at every reset after the first.
        reset_every: rounds between resets; 1 = every round, None = only round 0 starts from scratch.
        evaluate_every: rounds between evaluations; the first and the last round are always evaluated.
        record_max: as in `Round`, of every round.
        agreement: as in `Round`, of every round after the first.
        criteria: for an early end of the loop.
        final_model: what comes after the loop, if anything.
    """

    initial_size: int | str | None
    query_sizes: Sequence[int | str]
    budget: int | str | None
    epochs: int
    epochs_growth: int = 0
    reset_every: int | None = 1
    evaluate_every: int = 1
    record_max: str | None = None
    agreement: int | str = 0
    criteria: Sequence[Criterion] = ()
    final_model: FinalModel | None = None

    def plan(self, pool_size: int) -> Plan:
        """The rounds of a run on a pool of `pool_size` samples.

        Raises:
            InputError: the budget or the initial size exceeds the pool, or a share of it is no sample.
        """
        sizes = self._sizes(pool_size)
        compared = samples(self.agreement, pool_size, "schedule.stable.samples")
        rounds = [self._round(number, sizes, compared) for number in range(len(sizes))]
        return Plan(rounds, self.criteria, self.final_model)

    def _round(self, number: int, sizes: Sequence[int], compared: int) -> Round:
        resets = number // self.reset_every if self.reset_every else 0
        return Round(
            number=number,
            size=sizes[number],
            epochs=self.epochs + self.epochs_growth * resets,
            reset=number == 0 or (self.reset_every is not None and number % self.reset_every == 0),
            evaluate=number % self.evaluate_every == 0 or number == len(sizes) - 1,
            record_max=self.record_max,
            agreement=compared if number else 0,
        )

    def _sizes(self, pool_size: int) -> list[int]:
        budget = self._asked("budget", self.budget, pool_size)
        initial = self._asked("initial_size", self.initial_size, pool_size)
        if initial > budget:
            raise InputError(f"schedule.initial_size={initial} exceeds schedule.budget={budget}")
        queries = [samples(size, pool_size, "schedule.query_size") for size in self.query_sizes]
        sizes = [initial]
        while (left := budget - sum(sizes)) > 0:
            sizes.append(min(left, queries[min(len(sizes), len(queries)) - 1]))
        return sizes

    @staticmethod
    def _asked(name: str, size: int | str | None, pool_size: int) -> int:
        count = pool_size if size is None else samples(size, pool_size, f"schedule.{name}")
        if count > pool_size:
            hint = "; schedule.budget=all takes all of them" if name == "budget" else ""
            pool = f"the training split has {pool_size} samples"
            raise InputError(f"schedule.{name}={count} exceeds the pool: {pool}{hint}")
        return count
