"""The minima of many problems of logistic regression, side by side.

Axes as in `logistic`: P problems, K outputs, N points, R coordinates.
"""

from collections import deque

import torch
from torch import Tensor

from al_runner.learning.linear.logistic import Problems, losses, probabilities

EXACT = 1e-12
"""What a fit may be above its minimum, as the mean loss of a point."""
MEMORY = 6
"""Pairs of steps and gradients that L-BFGS remembers."""
MOST_STEPS = 2000
SUFFICIENT = 1e-4
"""Share of the decrease that a step's slope promises which the step has to keep (Armijo, 1966)."""
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
            found_PKR[left[done_P]] = descent.at_PKR[done_P]
            left = left[~done_P]
            if not left.numel():
                return found_PKR
            descent.keep((~done_P).nonzero().squeeze(1))
    found_PKR[left] = descent.at_PKR
    return found_PKR


class Descent:
    """Where the problems that are not yet solved have got to."""

    def __init__(self, problems: Problems, start_PKR: Tensor) -> None:
        self.problems = problems
        self.share_PN = problems.weights / problems.weights.sum(1, keepdim=True)
        self.penalties = problems.penalties / problems.weights.sum(1)[:, None, None]
        self.at_PKR = start_PKR
        self.logits_PKN = problems.logits(start_PKR)
        self.value_P = self.value(self.logits_PKN, self.at_PKR)
        self.guess_PKR = self.inverse_diagonal()
        self.gradient_PKR = self.gradient()
        self.history: deque[tuple[Tensor, Tensor, Tensor]] = deque(maxlen=MEMORY)
        self.scale_P = torch.ones_like(self.value_P)

    def value(self, logits_PKN: Tensor, at_PKR: Tensor) -> Tensor:
        """The objective divided by the sum of the weights: [P]."""
        loss_P = (self.share_PN * losses(logits_PKN, self.problems.targets)).sum(1)
        return loss_P + (self.penalties * at_PKR.square()).sum((1, 2)) / 2

    def gradient(self) -> Tensor:
        """Its gradient: [P, K, R]."""
        residual_PKN = probabilities(self.logits_PKN).sub_(self.problems.targets)
        residual_PKN.mul_(self.share_PN[:, None])
        pulled = (residual_PKN.flatten(0, 1) @ self.problems.points).view_as(self.at_PKR)
        return pulled.addcmul_(self.penalties, self.at_PKR)

    def inverse_diagonal(self) -> Tensor:
        """1 / the Hessian's diagonal: [P, K, R]."""
        probs_PKN = probabilities(self.logits_PKN)
        curvature_PKN = (probs_PKN * (1 - probs_PKN)).clamp_(min=SMALLEST_CURVATURE) * self.share_PN[:, None]
        squares_NR = self.problems.points.square()
        diagonal = (curvature_PKN.flatten(0, 1) @ squares_NR).view_as(self.at_PKR)
        return (diagonal + self.penalties).reciprocal_()

    def step(self, tolerance: float) -> Tensor:
        """One step of each problem; which of them were at their minimum before: bool [P]."""
        way_PKR = self.direction()
        slope_P = (way_PKR * self.gradient_PKR).sum((1, 2))
        done_P = slope_P > -2 * tolerance
        if done_P.all():
            return done_P
        before_PKR, before_gradient_PKR = self.at_PKR, self.gradient_PKR
        moved_PKR = self.search(way_PKR, slope_P, done_P)
        self.at_PKR = before_PKR + moved_PKR
        self.gradient_PKR = self.gradient()
        self.remember(moved_PKR, self.gradient_PKR - before_gradient_PKR)
        return done_P

    def search(self, way_PKR: Tensor, slope_P: Tensor, done_P: Tensor) -> Tensor:
        """Halve each problem's step until it keeps enough of what it promises; the moves, [P, K, R].

        Logits are linear along the way, so that a trial costs no product with the points.
        """
        way_PKN = self.problems.logits(way_PKR)
        length_P = torch.where(done_P, 0, torch.ones_like(slope_P))
        for _ in range(60):
            length = length_P[:, None, None]
            logits_PKN = torch.addcmul(self.logits_PKN, way_PKN, length)
            value_P = self.value(logits_PKN, torch.addcmul(self.at_PKR, way_PKR, length))
            bound_P = self.value_P + SUFFICIENT * length_P * slope_P + 1e-15
            short_P = value_P > bound_P
            if not short_P.any():
                break
            length_P = torch.where(short_P, length_P / 2, length_P)
        self.logits_PKN, self.value_P = logits_PKN, value_P
        return way_PKR * length

    def remember(self, moved_PKR: Tensor, changed_PKR: Tensor) -> None:
        """Learn the curvature along a move, which is positive: the objective is strictly convex."""
        product_P = (moved_PKR * changed_PKR).sum((1, 2)).clamp_(min=torch.finfo(torch.float64).tiny)
        self.history.append((moved_PKR, changed_PKR, product_P.reciprocal()))
        self.scale_P = product_P / (changed_PKR * self.guess_PKR * changed_PKR).sum((1, 2)).clamp_(min=1e-300)

    def direction(self) -> Tensor:
        """−H g by the two loops of L-BFGS: [P, K, R]."""
        way = self.gradient_PKR.neg()
        shares: list[Tensor] = []
        for moved, changed, curvature_P in reversed(self.history):
            share = ((moved * way).sum((1, 2)) * curvature_P)[:, None, None]
            shares.append(share)
            way = torch.addcmul(way, share, changed, value=-1)
        way = way * self.guess_PKR * self.scale_P[:, None, None]
        for (moved, changed, curvature_P), share in zip(self.history, reversed(shares), strict=True):
            back = ((changed * way).sum((1, 2)) * curvature_P)[:, None, None]
            way = torch.addcmul(way, share - back, moved)
        return way

    def keep(self, chosen: Tensor) -> None:
        """Go on with some of the problems."""
        self.problems = self.problems.at(chosen)
        for name in (
            "share_PN", "penalties", "at_PKR", "logits_PKN", "value_P", "guess_PKR", "gradient_PKR",
            "scale_P",
        ):  # fmt: skip
            setattr(self, name, getattr(self, name)[chosen])
        pairs = [(moved[chosen], changed[chosen], of[chosen]) for moved, changed, of in self.history]
        self.history = deque(pairs, maxlen=MEMORY)
