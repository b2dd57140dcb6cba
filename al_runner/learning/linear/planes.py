"""Features: how they are standardized, and linear functions of them."""

from dataclasses import dataclass

import torch
from torch import Tensor

ROWS = 4096
"""Features that are looked at at once."""


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
        total = torch.zeros(features_ND.shape[1], dtype=torch.float64)
        for part in features_ND.split(ROWS):
            total += part.sum(0, dtype=torch.float64).cpu()
        mean_D, squares = total / len(features_ND), torch.zeros_like(total)
        for part in features_ND.split(ROWS):
            squares += (part.double() - mean_D.to(part.device)).square_().sum(0).cpu()
        variance_D = squares / len(features_ND)
        if not standardize:
            return cls(torch.zeros_like(total), torch.ones_like(total), float(variance_D.sum()) or 1.0)
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
        return logits_NM.view(len(features_ND), *self.shape)
