"""L2-regularized logistic regression, many weighted problems over the same points at once.

A problem minimizes, over slopes w and an intercept b of each of its K outputs,

    Σ_i v_i ℓ(w x_i + b, t_i) + λ/2 ‖w‖²

with ℓ the cross-entropy of a softmax over K outputs, or of the sigmoid of one. That is scikit-learn's
LogisticRegression with C = 1/λ. Axes: P problems, K outputs, N points, R coordinates, of which the last is
always 1: its coefficient is the intercept, which is not penalized.
"""

from dataclasses import dataclass, replace

import torch
import torch.nn.functional as F
from torch import Tensor


@dataclass(frozen=True)
class Problems:
    """P problems over the same points.

    Attributes:
        points: float64 [N, R].
        targets: float64 [P, K, N]; distributions over the K outputs, or for K = 1 the probability of a yes.
        weights: float64 [P, N], at least 0, some of them above in each problem.
        penalty: λ, above 0, [P].
    """

    points: Tensor
    targets: Tensor
    weights: Tensor
    penalty: Tensor

    def at(self, chosen: Tensor) -> "Problems":
        """Some of them."""
        return Problems(self.points, self.targets[chosen], self.weights[chosen], self.penalty[chosen])

    def penalized(self, penalty: float | Tensor) -> "Problems":
        """The same with another penalty."""
        return replace(self, penalty=torch.as_tensor(penalty).to(self.penalty).expand_as(self.penalty))

    def logits(self, coefficients_PKR: Tensor) -> Tensor:
        """Of every point: [P, K, N]."""
        logits = coefficients_PKR.flatten(0, 1) @ self.points.T
        return logits.view(*coefficients_PKR.shape[:2], len(self.points))

    @property
    def penalties(self) -> Tensor:
        """Of each coefficient."""
        penalties = self.penalty[:, None, None].repeat(1, 1, self.points.shape[1])
        penalties[..., -1] = 0
        return penalties

    def start(self) -> Tensor:
        """All coefficients 0."""
        shape = (*self.targets.shape[:2], self.points.shape[1])
        return self.points.new_zeros(shape)


def losses(logits_PKN: Tensor, targets_PKN: Tensor) -> Tensor:
    """Cross-entropy of each point: [P, N]."""
    if logits_PKN.shape[1] == 1:
        return (F.softplus(logits_PKN) - targets_PKN * logits_PKN).squeeze(1)
    return logits_PKN.logsumexp(1) - (targets_PKN * logits_PKN).sum(1)


def probabilities(logits_PKN: Tensor) -> Tensor:
    """Of each output: [P, K, N]."""
    return logits_PKN.sigmoid() if logits_PKN.shape[1] == 1 else logits_PKN.softmax(1)
