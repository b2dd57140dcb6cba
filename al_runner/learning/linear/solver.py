"""The minima of many problems of logistic regression, side by side.

Axes as in `logistic`: P problems, K outputs, N points, R coordinates.
"""

from collections import deque

import torch
from torch import Tensor

from al_runner.learning.linear.logistic import Problems, losses, probabilities

EXACT = 1e-14
"""What a fit may be above its minimum, as the mean loss of a point."""
MEMORY = 6
"""Pairs of steps and gradients that L-BFGS remembers."""
MOST_STEPS = 2000
SUFFICIENT = 1e-4
"""Share of the decrease that a step's slope promises which the step has to keep (Armijo, 1966)."""
MOST_HALVINGS = 60
ROUNDING = 1e-15
"""By how much a value may rise although nothing did."""
SMALLEST_CURVATURE = 1e-3
"""Of a point's loss, in the scale that the first step takes for each coordinate."""


def solve(problems: Problems, start_PKR: Tensor | None = None, tolerance: float = EXACT) -> Tensor:
    """The minima of all problems: coefficients, float64 [P, K, R].

    L-BFGS (Liu and Nocedal, 1989), on all problems side by side, each with its own step. The first guess of
    the Hessian is its diagonal at the start. A problem is done where half of g' H g, its distance from
    the minimum by that guess, falls below the tolerance.

    Args:
        problems: P of them.
        start_PKR: where to begin; None = at 0.
        tolerance: on the mean loss of a point.
    """
    found_PKR = problems.start() if start_PKR is None else start_PKR.clone()
    left = torch.arange(len(found_PKR), device=found_PKR.device)
    if not left.numel():
        return found_PKR
    descent = Descent(problems, found_PKR)
    for _ in range(MOST_STEPS):
        done_P = descent.step(tolerance)
        if done_P.any():
            found_PKR[left[done_P]] = descent.coefficients[done_P]
            left = left[~done_P]
            if not left.numel():
                return found_PKR
            descent.keep(~done_P)
    found_PKR[left] = descent.coefficients
    return found_PKR


def _dot(one_PV: Tensor, other_PV: Tensor) -> Tensor:
    return (one_PV * other_PV).sum(1, keepdim=True)


class Descent:
    """Where the problems that are not yet solved have got to.

    The coefficients of a problem are one row of V = K R numbers here.
    """

    def __init__(self, problems: Problems, start_PKR: Tensor) -> None:
        self.problems = problems
        total_P1 = problems.weights.sum(1, keepdim=True)
        self.share_PN = problems.weights / total_P1
        self.penalties_PV = problems.penalties.expand_as(start_PKR).flatten(1) / total_P1
        self.at_PV = start_PKR.flatten(1)
        self.logits_PKN = problems.logits(start_PKR)
        self.value_P1 = self.value(self.logits_PKN, self.at_PV)
        self.guess_PV = self.inverse_diagonal()
        self.gradient_PV = self.gradient()
        self.pairs: deque[tuple[Tensor, ...]] = deque(maxlen=MEMORY)
        """Of a step and the change of the gradient along it: both, and both divided by their product."""

    @property
    def coefficients(self) -> Tensor:
        """[P, K, R]."""
        return self.at_PV.unflatten(1, (self.logits_PKN.shape[1], -1))

    def value(self, logits_PKN: Tensor, at_PV: Tensor) -> Tensor:
        """The objective divided by the sum of the weights: [P, 1]."""
        loss_P1 = _dot(self.share_PN, losses(logits_PKN, self.problems.targets))
        return torch.add(loss_P1, _dot(self.penalties_PV, at_PV.square()), alpha=0.5)

    def gradient(self) -> Tensor:
        """Its gradient: [P, V]."""
        residual_PKN = probabilities(self.logits_PKN).sub_(self.problems.targets).mul_(self.share_PN[:, None])
        pulled_PV = (residual_PKN.flatten(0, 1) @ self.problems.points).view_as(self.at_PV)
        return pulled_PV.addcmul_(self.penalties_PV, self.at_PV)

    def inverse_diagonal(self) -> Tensor:
        """1 / the Hessian's diagonal: [P, V]."""
        probs_PKN = probabilities(self.logits_PKN)
        curvature_PKN = (probs_PKN * (1 - probs_PKN)).clamp_(min=SMALLEST_CURVATURE) * self.share_PN[:, None]
        diagonal_PV = (curvature_PKN.flatten(0, 1) @ self.problems.points.square()).view_as(self.at_PV)
        return (diagonal_PV + self.penalties_PV).reciprocal_()

    def step(self, tolerance: float) -> Tensor:
        """One step of each problem; which of them were at their minimum before: bool [P]."""
        way_PV = self.direction()
        slope_P1 = _dot(way_PV, self.gradient_PV)
        done_P1 = slope_P1 > -2 * tolerance
        if not done_P1.all():
            before_PV, moved_PV = self.gradient_PV, self.search(way_PV, slope_P1)
            self.at_PV = self.at_PV + moved_PV * ~done_P1
            self.gradient_PV = self.gradient()
            self.remember(moved_PV, self.gradient_PV - before_PV)
        return done_P1.squeeze(1)

    def search(self, way_PV: Tensor, slope_P1: Tensor) -> Tensor:
        """Halve each problem's step until it keeps enough of what it promises; the moves, [P, V].

        Logits are linear along the way, so a trial costs no product with the points.
        """
        way_PKN = self.problems.logits(way_PV.view_as(self.coefficients))
        logits_PKN, moved_PV = self.logits_PKN + way_PKN, way_PV
        value_P1 = self.value(logits_PKN, self.at_PV + way_PV)
        length_P1 = torch.ones_like(slope_P1)
        promised_P1 = SUFFICIENT * slope_P1
        for _ in range(MOST_HALVINGS):
            short_P1 = value_P1 > self.value_P1 + length_P1 * promised_P1 + ROUNDING
            if not short_P1.any():
                break
            length_P1 = torch.where(short_P1, length_P1 / 2, length_P1)
            moved_PV = way_PV * length_P1
            logits_PKN = torch.addcmul(self.logits_PKN, way_PKN, length_P1[:, None])
            value_P1 = self.value(logits_PKN, self.at_PV + moved_PV)
        self.logits_PKN, self.value_P1 = logits_PKN, value_P1
        return moved_PV

    def remember(self, moved_PV: Tensor, changed_PV: Tensor) -> None:
        """Learn the curvature along a move, which is positive: the objective is strictly convex."""
        product_P1 = _dot(moved_PV, changed_PV).clamp_(min=torch.finfo(torch.float64).tiny)
        self.pairs.append((moved_PV, changed_PV, moved_PV / product_P1, changed_PV / product_P1))

    def direction(self) -> Tensor:
        """−H g by the two loops of L-BFGS: [P, V]."""
        way_PV, shares = self.gradient_PV.neg(), []
        for _, changed_PV, moved_share_PV, _ in reversed(self.pairs):
            share_P1 = _dot(moved_share_PV, way_PV)
            way_PV.addcmul_(share_P1, changed_PV, value=-1)
            shares.append(share_P1)
        way_PV *= self.guess_PV
        if self.pairs:  # scaled by the curvature along the last step
            _, changed_PV, _, changed_share_PV = self.pairs[-1]
            way_PV /= _dot(changed_share_PV, self.guess_PV * changed_PV)
        for moved_PV, _, _, changed_share_PV in self.pairs:
            back_P1 = shares.pop() - _dot(changed_share_PV, way_PV)
            way_PV.addcmul_(back_P1, moved_PV)
        return way_PV

    def keep(self, chosen_P: Tensor) -> None:
        """Go on with some of the problems."""
        self.problems = self.problems.at(chosen_P)
        for name, value in vars(self).items():
            if isinstance(value, Tensor):
                setattr(self, name, value[chosen_P])
        pairs = [tuple(part[chosen_P] for part in pair) for pair in self.pairs]
        self.pairs = deque(pairs, maxlen=MEMORY)
