"""How strong the penalty of a linear model is, and how sure its predictions are: by cross-validation."""

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
    if not (folds_PN >= 0).any():
        return Choice(default)
    held_out = HeldOut(problems, folds_PN)
    found: Tensor | None = None
    best, lowest, worse = None, float("inf"), 0
    for penalty in penalties:
        found = solve(held_out.training.penalized(penalty), found, ROUGH)
        logits_PKN = held_out.logits(found)
        loss = held_out.loss(logits_PKN)
        if best is None or loss < lowest * (1 - BETTER):
            best, lowest, worse = (penalty, logits_PKN, found), loss, 0
        elif (worse := worse + 1) == PATIENCE:
            break
    assert best is not None, "there are penalties"
    penalty, logits_PKN, found = best
    sure = held_out.temperature(logits_PKN) if temperature else 1.0
    return Choice(penalty, sure, held_out.whole(found))
