"""The switch of a run from one data set to another (Figure 9 of the ideal system)."""

import itertools
import math
from collections.abc import Sequence
from dataclasses import dataclass

from al_runner.errors import InputError

KEY = "schedule.switch_dataset"


@dataclass(frozen=True)
class Switch:
    """When the data set changes that is queried.

    The training split holds the samples of the first data set, then those of the second.

    Attributes:
        first: samples of the first data set.
        labels: the first query that is made when so many labels are bought, and every later one, is of the
            second data set; those before are of the first.
    """

    first: int
    labels: int

    @classmethod
    def planned(cls, at: float, sizes: Sequence[int], first: int, second: int) -> "Switch":
        """The switch at a share of the budget.

        Args:
            at: the share, between 0 and 1.
            sizes: labels that each round buys.
            first: training samples of the first data set.
            second: those of the second.

        Raises:
            InputError: no round comes after it, or a data set has fewer samples than are to be bought of it.
        """
        budget = sum(sizes)
        labels = math.ceil(at * budget - 1e-9)  # so that 0.1 of 30 is 3
        begun_with = itertools.accumulate(sizes, initial=0)
        before = sum(size for size, start in zip(sizes, begun_with, strict=False) if start < labels)
        if before == budget:
            raise InputError(
                f"{KEY}.at={at:g}: no round begins with {labels} of {budget} labels or more: switch earlier, "
                "or query fewer at a time"
            )
        for which, there, asked in (("first", first, before), ("second", second, budget - before)):
            if asked > there:
                raise InputError(
                    f"{KEY}.at={at:g}: {asked} labels of the {which} data set are asked for, whose training "
                    f"split has {there} samples"
                )
        return cls(first, labels)

    def queried(self, n_labeled: int, size: int) -> range:
        """The indices, of `size` in all, of the data set that is queried when `n_labeled` are labeled."""
        return range(self.first) if n_labeled < self.labels else range(self.first, size)
