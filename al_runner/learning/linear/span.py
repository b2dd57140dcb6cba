"""Coordinates of points in which a linear model of few points in many dimensions is small."""

from dataclasses import dataclass

import torch
from torch import Tensor

NOTHING = 1e-11
"""Variance along an axis, relative to that along the first, that is no more than rounding."""


@dataclass(frozen=True)
class Span:
    """Coordinates of points in which nothing is lost: the subspace that centered points span.

    Without a penalty on the intercept, the minimum's slopes lie in it (the representer theorem), so problems
    over few points in many dimensions become small. Its axes are the principal ones: along them the
    Hessian is nearly diagonal.

    Attributes:
        center: the mean of the points, float64 [D].
        basis: orthonormal columns, [D, R].
    """

    center: Tensor
    basis: Tensor

    @classmethod
    def of(cls, points_ND: Tensor) -> "Span":
        """The span of some points, float64 [N, D]."""
        if len(points_ND) < 2:
            return cls(points_ND.sum(0), points_ND.new_zeros(points_ND.shape[1], 0))
        center_D = points_ND.mean(0)
        centered_ND = points_ND - center_D
        if len(points_ND) >= points_ND.shape[1]:
            return cls(center_D, torch.linalg.eigh(centered_ND.T @ centered_ND).eigenvectors)
        squared, vectors_NR = torch.linalg.eigh(centered_ND @ centered_ND.T)
        varies = squared > NOTHING * squared[-1]
        return cls(center_D, centered_ND.T @ (vectors_NR[:, varies] / squared[varies].sqrt()))

    def coordinates(self, points_ND: Tensor) -> Tensor:
        """Of points: float64 [N, R], with a last coordinate of 1."""
        inside = (points_ND - self.center) @ self.basis
        return torch.cat([inside, inside.new_ones(len(inside), 1)], 1)

    def outside(self, coefficients: Tensor) -> tuple[Tensor, Tensor]:
        """Slopes [..., D] and intercepts [...] for points as they are, of coefficients [..., R]."""
        slopes = coefficients[..., :-1] @ self.basis.T
        return slopes, coefficients[..., -1] - slopes @ self.center
