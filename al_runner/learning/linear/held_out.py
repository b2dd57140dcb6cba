"""Cross-validation of linear models, all folds side by side."""

from dataclasses import replace

import torch
from torch import Tensor

from al_runner.learning.calibration import best_temperature
from al_runner.learning.linear.logistic import Problems, losses

TEMPERATURES = (0.1, 10.0)
"""Between them a temperature lies: without limit, a model that errs nowhere would be made infinitely sure."""


def folds(strata_PN: Tensor, count: int) -> Tensor:
    """In which fold each point is held out, for each problem: int64 [P, N]; −1 = in none.

    The points of a value are dealt to the folds one after the other, in their order. So points that follow
    change no earlier one's fold, unless there were fewer folds than `count` before: there are as many as the
    most frequent value has points, at most `count`. The only point of a value is never held out, because the
    other points would not know the value. Nothing is held out where fewer than two values have two points.

    >>> folds(torch.tensor([[0, 0, 1, 0, 1, 0, 2]]), 3).tolist()
    [[0, 1, 1, 2, 2, 0, -1]]
    """
    found = torch.full_like(strata_PN, -1)
    for fold_N, strata_N in zip(found, strata_PN, strict=True):
        sizes = strata_N.bincount()
        if int((sizes > 1).sum()) < 2:
            continue
        n_folds = min(count, int(sizes.max()))
        for place, value in enumerate((sizes > 1).nonzero().flatten().tolist()):
            of_value = strata_N == value
            fold_N[of_value] = (torch.arange(int(sizes[value])) + place) % n_folds
    return found


class HeldOut:
    """The problems of a cross-validation, all folds side by side, and those of all points beside them.

    Args:
        problems: P of them, of all points.
        folds_PN: in which of F folds a point is held out, -1 = in none.
    """

    def __init__(self, problems: Problems, folds_PN: Tensor) -> None:
        device = problems.points.device
        self.problems, count = problems, int(folds_PN.max()) + 1
        self.places_PN = torch.where(folds_PN < 0, count, folds_PN).to(device)
        """Which of F + 1 fits does not know a point; the last one knows all."""
        self.shape = (len(folds_PN), count + 1)
        among = problems.at(torch.arange(len(folds_PN), device=device).repeat_interleave(count + 1))
        left_out = self.places_PN[:, None] == torch.arange(count, device=device)[:, None]
        known = torch.cat([~left_out, torch.ones_like(left_out[:, :1])], 1).flatten(0, 1)
        self.training = replace(among, weights=among.weights * known)
        self.weights = problems.weights * (self.places_PN < count)

    def logits(self, coefficients: Tensor) -> Tensor:
        """Of each point by the model that it was held out of: [P, K, N]."""
        logits = self.training.logits(coefficients).unflatten(0, self.shape)
        places = self.places_PN[:, None, None].expand(-1, 1, logits.shape[2], -1)
        return logits.gather(1, places).squeeze(1)

    def whole(self, coefficients: Tensor) -> Tensor:
        """Those of the fits that know all points: [P, K, R]."""
        return coefficients.unflatten(0, self.shape)[:, -1]

    @property
    def shares(self) -> Tensor:
        """Each point's share in the mean of those that are held out."""
        weights_N = self.weights.sum(0)
        return weights_N / weights_N.sum()

    def losses(self, logits_PKN: Tensor) -> Tensor:
        """What each point that is held out adds to the mean weighted log loss: [N]."""
        loss_PN = losses(logits_PKN, self.problems.targets)
        return (self.weights * loss_PN).sum(0) / self.weights.sum()

    def temperature(self, logits_PKN: Tensor) -> float:
        """The temperature that minimizes it."""
        return best_temperature(lambda inverse: float(self.losses(logits_PKN * inverse).sum()), *TEMPERATURES)
