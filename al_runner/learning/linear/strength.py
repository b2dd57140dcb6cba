"""How strong the penalty of a linear model is, and how sure its predictions are: by cross-validation."""

import math
from collections.abc import Sequence
from dataclasses import dataclass

from torch import Tensor

from al_runner.learning.linear.held_out import HeldOut
from al_runner.learning.linear.logistic import Problems
from al_runner.learning.linear.solver import solve

ROUGH = 1e-6
"""What the fits of a cross-validation may be above their minimum, as the mean loss of a point."""
PATIENCE = 2
"""The path to weaker penalties ends after so many in a row that are no better."""
ROUNDING = 1e-9
"""By how much, relatively, a held-out loss may differ from an equal one."""


@dataclass(frozen=True)
class Choice:
    """What a cross-validation chose.

    Attributes:
        penalty: λ.
        temperature: divides logits.
        start: coefficients [P, K, R] that are near the minimum for all points; None = not known.
    """

    penalty: float
    temperature: float = 1.0
    start: Tensor | None = None


@dataclass(frozen=True)
class Tried:
    """What a penalty was tried with.

    Attributes:
        penalty: λ.
        coefficients: of all fits, [P (F + 1), K, R].
        logits: of points that a fit does not know, [P, K, N].
        losses: what each point that is held out adds to the mean log loss, [N].
    """

    penalty: float
    coefficients: Tensor
    logits: Tensor
    losses: Tensor

    @property
    def loss(self) -> float:
        """The mean weighted log loss of held-out points."""
        return float(self.losses.sum())


def choose(
    problems: Problems,
    folds_PN: Tensor,
    penalties: Sequence[float],
    temperature: bool,
    errors: float,
) -> Choice:
    """The penalty in the middle, unless another is shown to be better on held-out points.

    A penalty counts as good as the best if it is worse by at most some standard errors of the difference;
    of those the one nearest to the middle is taken, and of two equally near the stronger. The rule of one
    standard error (Breiman, Friedman, Olshen and Stone, 1984) prefers the simplest model in this way.

    Args:
        problems: of all labeled points.
        folds_PN: those of `folds`.
        penalties: λs from the strongest to the weakest.
        temperature: also choose the temperature with the lowest loss of the same held-out predictions.
        errors: standard errors; 0 = the best.
    """
    default = penalties[(len(penalties) - 1) // 2]
    if not (folds_PN >= 0).any():
        return Choice(default)
    held_out = HeldOut(problems, folds_PN)
    tried = _path(held_out, penalties, default)
    best = min(tried, key=lambda each: each.loss)
    good = [each for each in tried if _excess(held_out, each, best) <= errors]
    chosen = min(good, key=lambda each: abs(math.log(each.penalty / default)))
    sure = held_out.temperature(chosen.logits) if temperature else 1.0
    return Choice(chosen.penalty, sure, held_out.whole(chosen.coefficients))


def _path(held_out: HeldOut, penalties: Sequence[float], default: float) -> list[Tried]:
    """From the strongest penalty to beyond the best one and the default, each begun where the last ended."""
    tried: list[Tried] = []
    lowest, worse, found = float("inf"), 0, None
    for penalty in penalties:
        found = solve(held_out.training.penalized(penalty), found, ROUGH)
        logits_PKN = held_out.logits(found)
        tried.append(Tried(penalty, found, logits_PKN, held_out.losses(logits_PKN)))
        loss = tried[-1].loss
        worse = 0 if loss < lowest * (1 - ROUNDING) else worse + 1
        lowest = min(lowest, loss)
        if worse >= PATIENCE and penalty <= default:
            break
    return tried


def _excess(held_out: HeldOut, one: Tried, best: Tried) -> float:
    """By how many standard errors of the difference a penalty is worse than the best."""
    difference_N = one.losses - best.losses
    mean = float(difference_N.sum())
    if mean <= ROUNDING * best.loss:
        return 0.0
    error = float((difference_N - held_out.shares * mean).square().sum().sqrt())
    return mean / error if error else math.inf
