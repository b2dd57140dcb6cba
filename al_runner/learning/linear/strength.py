"""How strong the penalty of a linear model is, and how sure its predictions are: by cross-validation."""

from collections.abc import Sequence
from dataclasses import dataclass

import torch
from torch import Tensor

from al_runner.learning.linear.held_out import HeldOut
from al_runner.learning.linear.logistic import Problems
from al_runner.learning.linear.solver import solve

ROUGH = 1e-6
"""What the fits of a cross-validation may be above their minimum, as the mean loss of a point."""
PATIENCE = 2
"""The path to weaker penalties ends after so many in a row that are no better."""
BETTER = 1e-9
"""By how much, relatively, a held-out loss is lower that counts as lower."""


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


def choose(
    problems: Problems, folds_PN: Tensor, penalties: Sequence[float], default: float, temperature: bool
) -> Choice:
    """The penalty with the lowest weighted log loss on held-out points; of equal ones the strongest.

    Args:
        problems: of all labeled points.
        folds_PN: those of `folds`.
        penalties: λs from the strongest to the weakest.
        default: taken where nothing is held out.
        temperature: also choose the temperature with the lowest loss of the same held-out predictions.
    """
    tested = (folds_PN >= 0).any(1).nonzero().squeeze(1)
    if not len(tested):
        return Choice(default)
    held_out = HeldOut(problems.at(tested), folds_PN[tested])
    best, best_penalty, worse = torch.inf, default, 0
    best_logits = best_start = start = None
    for penalty in penalties:
        start = solve(held_out.training.penalized(penalty), start, ROUGH)
        logits_PKN = held_out.logits(start)
        loss = held_out.loss(logits_PKN)
        if loss < best - BETTER * abs(best) or best_start is None:
            best, best_penalty, worse = loss, penalty, 0
            best_logits, best_start = logits_PKN, start
        elif (worse := worse + 1) == PATIENCE:
            break
    sure = held_out.temperature(best_logits) if temperature and best_logits is not None else 1.0
    mean = None if best_start is None or len(tested) < len(folds_PN) else held_out.mean(best_start)
    return Choice(best_penalty, sure, mean)
