"""When to stop querying although the budget is not spent. Pure functions of what rounds measured."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Protocol

Rows = Sequence[Mapping[str, float]]
"""The metrics of complete rounds, `split/name` → value; a round that was not measured lacks them."""
AGREEMENT = "pool/kappa"
"""The metric that `Stable` looks at: Cohen's kappa of a round's model and the one before."""


class Criterion(Protocol):
    """A reason to stop."""

    def reached(self, rows: Rows) -> str | None:
        """The reason in words once it holds, after the rounds that left `rows`; else None."""


@dataclass(frozen=True)
class Target:
    """A metric reaches a value, or the low end of its interval does.

    Attributes:
        metric: `split/name`, higher = better.
        value: to be reached.
        surely: by the low end of the 95 % interval, `split/name_low`.
    """

    metric: str
    value: float
    surely: bool = False

    def reached(self, rows: Rows) -> str | None:
        """Whether the last round reached the target."""
        name = f"{self.metric}_low" if self.surely else self.metric
        if not rows or not rows[-1].get(name, float("-inf")) >= self.value:
            return None
        return f"{'the low end of ' if self.surely else ''}{self.metric} reached {self.value:g}"


@dataclass(frozen=True)
class Plateau:
    """A metric does not rise any more.

    Of the rounds that were measured, none of the last `rounds` is better by `rise` than the best before
    them: max(last) < max(before) + rise.

    Attributes:
        metric: `split/name`, higher = better.
        rounds: how many rounds it may take to rise, at least 1.
        rise: above 0.
    """

    metric: str
    rounds: int
    rise: float

    def reached(self, rows: Rows) -> str | None:
        """Whether the metric has stopped rising."""
        values = [value for row in rows if (value := row.get(self.metric)) is not None and value == value]
        before, last = values[: -self.rounds], values[-self.rounds :]
        if not before or max(last) >= max(before) + self.rise:
            return None
        return f"{self.metric} has not risen by {self.rise:g} for {_rounds(self.rounds)}"


@dataclass(frozen=True)
class Stable:
    """Models of successive rounds agree: stabilizing predictions (Bloodgood and Vijay-Shanker, 2009).

    The mean of the last `rounds` agreements is at least `kappa`. An agreement is Cohen's kappa of the
    predictions of a round's model and of the model before it on samples that were drawn once; it needs no
    labels. The paper takes 0.99 and 3.

    Attributes:
        kappa: at most 1.
        rounds: that are averaged, at least 1.
    """

    kappa: float
    rounds: int

    def reached(self, rows: Rows) -> str | None:
        """Whether predictions are stable; not if an agreement is undefined (NaN)."""
        values = [row[AGREEMENT] for row in rows[-self.rounds :] if AGREEMENT in row]
        if len(values) < self.rounds or not sum(values) / self.rounds >= self.kappa:
            return None
        return f"predictions are stable: {AGREEMENT} at least {self.kappa:g} over {_rounds(self.rounds)}"


def _rounds(count: int) -> str:
    return "1 round" if count == 1 else f"{count} rounds"
