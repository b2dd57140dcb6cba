"""Features: how they are standardized, and linear functions of them."""

from dataclasses import dataclass

import torch
from torch import Tensor

ROWS = 4096
"""Samples whose features are looked at at once."""
MOMENT_ROWS = 256
"""The same for means and variances: they stay in the cache."""


@dataclass(frozen=True)
class Scale:
    """How features are standardized.

    Attributes:
        mean: is subtracted, float64 [D].
        deviation: divides, [D]; 1 where a feature never changes.
        variance: of all features together, after that.
    """

    mean: Tensor
    deviation: Tensor
    variance: float

    @classmethod
    def of(cls, features_ND: Tensor, standardize: bool) -> "Scale":
        """By the mean and the deviation of all of some features, or as they are."""
        mean_D, variance_D = _moments(features_ND)
        if not standardize:
            return cls(torch.zeros_like(mean_D), torch.ones_like(mean_D), float(variance_D.sum()) or 1.0)
        changes = variance_D > torch.finfo(torch.float32).eps ** 2 * mean_D.square()
        return cls(mean_D, torch.where(changes, variance_D.sqrt(), 1.0), float(changes.sum()) or 1.0)

    def apply(self, features_ND: Tensor) -> Tensor:
        """Features, standardized: float64 [N, D]."""
        device = features_ND.device
        return (features_ND.double() - self.mean.to(device)) / self.deviation.to(device)

    def undo(self, slopes: Tensor, intercepts: Tensor) -> tuple[Tensor, Tensor]:
        """Slopes [..., D] and intercepts [...] for standardized features → those for features as they are."""
        slopes = slopes / self.deviation.to(slopes.device)
        return slopes, intercepts - slopes @ self.mean.to(slopes.device)


def _moments(features_ND: Tensor) -> tuple[Tensor, Tensor]:
    """Mean and variance of each feature, float64 [D], part by part (Chan, Golub and LeVeque, 1983)."""
    seen, mean_D = 0, torch.zeros(features_ND.shape[1], dtype=torch.float64, device=features_ND.device)
    squares_D = torch.zeros_like(mean_D)
    for part in features_ND.split(MOMENT_ROWS):
        values, seen = part.double(), seen + len(part)
        here_D = values.mean(0)
        apart_D = here_D - mean_D
        mean_D += apart_D * (len(part) / seen)
        squares_D += (values - here_D).square_().sum(0)
        squares_D += apart_D.square() * (len(part) * (1 - len(part) / seen))
    return mean_D.cpu(), (squares_D / seen).cpu()


@dataclass(frozen=True)
class Planes:
    """Linear functions of features as they are.

    Attributes:
        slopes: of M functions, float32 [D, M].
        intercepts: float32 [M].
        shape: of the logits of a sample, (P, K) or (samples of the model, P, K); M numbers.
    """

    slopes: Tensor
    intercepts: Tensor
    shape: tuple[int, ...]

    def logits(self, features_ND: Tensor) -> Tensor:
        """Of features [N, D]: float32 [N, *shape]."""
        logits_NM = torch.addmm(self.intercepts, features_ND, self.slopes)
        return logits_NM.view(features_ND.shape[0], *self.shape)
