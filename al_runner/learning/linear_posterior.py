"""What the predictions of a linear head are sampled over."""

from abc import ABC, abstractmethod
from contextlib import AbstractContextManager
from dataclasses import dataclass

import torch
from torch import Tensor, nn

from al_runner.errors import InputError
from al_runner.learning.aleatoric import Mixture
from al_runner.learning.linear_fit import Fit
from al_runner.learning.logistic import Problems, probabilities, solve
from al_runner.learning.posterior import Point
from al_runner.models import NetworkBuilder

NOTHING_TO_SAMPLE = (
    "the strategy samples the model's predictions: with head=linear it needs posterior=laplace or "
    "posterior=bootstrap, best the same for every strategy that it is compared with"
)
DIRECT = 3000
"""Coefficients of a problem up to which its Hessian is factorized; beyond, its products are enough."""
CG_TOLERANCE = 1e-8
"""Of the residual of a conjugate gradient, relative to where it began."""
BOOTSTRAP_TOLERANCE = 1e-9
"""What the fits of a bootstrap may be above their minimum, as the mean loss of a point."""


class LinearPosterior(Point, ABC):
    """A distribution over linear heads."""

    samples: int

    @property
    def can_sample(self) -> bool:
        """Yes."""
        return True

    @abstractmethod
    def draw(self, fit: Fit, generator: torch.Generator) -> tuple[Tensor, Tensor]:
        """Slopes [S, P, K, D] and intercepts [S, P, K] of S models, for standardized features."""

    def build(self, build: NetworkBuilder, mixture: Mixture) -> NetworkBuilder:  # noqa: ARG002
        """Refused."""
        raise self._needs_head()

    def sampling(self, network: nn.Module, generator: torch.Generator) -> AbstractContextManager[None]:  # noqa: ARG002
        """Refused."""
        raise self._needs_head()

    def _needs_head(self) -> InputError:
        return InputError(
            f"posterior={type(self).__name__.lower()} samples a linear head (head=linear on an encoder's "
            "features); a network takes posterior=mc_dropout or posterior=ensemble"
        )


def _check_samples(samples: object) -> None:
    if not isinstance(samples, int) or isinstance(samples, bool) or samples < 2:
        raise InputError(f"posterior.samples={samples} must be a whole number, at least 2")


@dataclass(frozen=True)
class Laplace(LinearPosterior):
    """The Laplace approximation (MacKay, 1992): a Gaussian at the fitted coefficients ŵ.

    Its precision is A = Jᵀ Λ J + λ I, the Hessian of the loss, which for a linear model is that of the
    generalized Gauss-Newton method. A sample is drawn exactly, as in perturb-and-MAP (Papandreou and Yuille,
    2010): w = ŵ + A⁻¹ (√λ z₁ + Jᵀ Λ^½ z₂) with standard normal z₁ and z₂. Where labeled samples do not vary,
    the prior stays: variance 1/λ. The intercept has no prior.

    Args:
        samples: models that are drawn.

    Raises:
        InputError: fewer than two.
    """

    samples: int = 50

    def __post_init__(self) -> None:
        _check_samples(self.samples)

    def draw(self, fit: Fit, generator: torch.Generator) -> tuple[Tensor, Tensor]:
        """Models around the fitted one."""
        problems, basis_DR = fit.problems, fit.span.basis
        hessian = Hessian(problems, fit.coefficients)
        shape = (self.samples, *problems.targets.shape[:2])
        like = problems.points
        of_prior = torch.randn(*shape, len(basis_DR), generator=generator, dtype=torch.float64).to(like)
        of_points = torch.randn(*shape, len(like), generator=generator, dtype=torch.float64).to(like)
        inside = of_prior @ basis_DR
        pull = hessian.root(of_points) @ like
        pull[..., :-1] += problems.penalty[:, None, None].sqrt() * inside
        slopes, intercepts = fit.span.outside(fit.coefficients + hessian.solve(pull))
        beyond = (of_prior - inside @ basis_DR.T) / problems.penalty[:, None, None].sqrt()
        return slopes + beyond, intercepts - beyond @ fit.span.center


@dataclass(frozen=True)
class Bootstrap(LinearPosterior):
    """The Bayesian bootstrap (Rubin, 1981): the same fit with random weights of the labeled samples.

    Weights are exponential, so none is 0 and no class is lost; the strength is that of the model itself.

    Args:
        samples: models that are fitted.

    Raises:
        InputError: fewer than two.
    """

    samples: int = 20

    def __post_init__(self) -> None:
        _check_samples(self.samples)

    def draw(self, fit: Fit, generator: torch.Generator) -> tuple[Tensor, Tensor]:
        """Models of reweighted samples."""
        problems = fit.problems
        uniform = torch.rand(self.samples, len(problems.points), generator=generator, dtype=torch.float64)
        drawn_SN = -torch.log1p(-uniform)
        drawn_SN = (drawn_SN / drawn_SN.mean(1, keepdim=True)).to(problems.points)
        weights_SPN = drawn_SN[:, None] * problems.weights

        def repeated(of_problems: Tensor) -> Tensor:
            return of_problems.expand(self.samples, *of_problems.shape).flatten(0, 1)

        many = Problems(
            problems.points,
            repeated(problems.targets),
            weights_SPN.flatten(0, 1),
            repeated(problems.penalty),
        )
        found = solve(many, repeated(fit.coefficients), BOOTSTRAP_TOLERANCE)
        return fit.span.outside(found.view(self.samples, *fit.coefficients.shape))


class Hessian:
    """The Hessian of problems at some coefficients, without the direction that changes no probability.

    Args:
        problems: P of them.
        coefficients_PKR: where.
    """

    def __init__(self, problems: Problems, coefficients_PKR: Tensor) -> None:
        self.problems, self.points = problems, problems.points
        self.probs_PKN = probabilities(problems.logits(coefficients_PKR))
        self.penalties = problems.penalties

    def root(self, noise: Tensor) -> Tensor:
        """Λ^½ z, whose covariance is Λ, of standard normal z: [..., P, K, N].

        Of one output Λ is v p (1 − p); of several v (diag p − p pᵀ), with root √v (diag √p − p √pᵀ).
        """
        probs, weights = self.probs_PKN, self.problems.weights[:, None].sqrt()
        if probs.shape[1] == 1:
            return weights * (probs * (1 - probs)).sqrt() * noise
        spread = probs.sqrt() * noise
        return weights * (spread - probs * spread.sum(-2, keepdim=True))

    def times(self, vectors: Tensor) -> Tensor:
        """A v of [..., P, K, R]."""
        probs = self.probs_PKN
        logits = vectors @ self.points.T
        several = probs.shape[1] > 1
        mean = (probs * logits).sum(-2, keepdim=True) if several else probs * logits
        pulled = (self.problems.weights[:, None] * probs * (logits - mean)) @ self.points
        pulled += self.penalties * vectors
        if several:  # the same number added to all intercepts changes nothing, and has no other curvature
            pulled[..., -1] += vectors[..., -1].mean(-1, keepdim=True)
        return pulled

    def solve(self, vectors: Tensor) -> Tensor:
        """A⁻¹ v of [S, P, K, R]."""
        outputs, size = vectors.shape[2:]
        if not vectors.numel():
            return vectors
        return self.solve_directly(vectors) if outputs * size <= DIRECT else self.solve_by_products(vectors)

    def solve_directly(self, vectors: Tensor) -> Tensor:
        """By Cholesky's factorization of each problem's A."""
        found = torch.empty_like(vectors)
        for problem in range(vectors.shape[1]):
            factor = torch.linalg.cholesky(self.matrix(problem))
            flat = vectors[:, problem].flatten(1).T
            found[:, problem] = torch.cholesky_solve(flat, factor).T.view_as(found[:, problem])
        return found

    def matrix(self, problem: int) -> Tensor:
        """A of a problem: [K R, K R]."""
        probs_KN, weights_N = self.probs_PKN[problem], self.problems.weights[problem]
        outputs, size = len(probs_KN), self.points.shape[1]
        dense = probs_KN.new_empty(outputs, size, outputs, size)
        for k in range(outputs):
            for other in range(k, outputs):
                curvature_N = weights_N * probs_KN[k] * (float(k == other) - probs_KN[other])
                block = (self.points.T * curvature_N) @ self.points
                dense[k, :, other] = block
                dense[other, :, k] = block
        if outputs > 1:
            dense[:, -1, :, -1] += 1 / outputs
        matrix = dense.view(outputs * size, outputs * size)
        matrix.diagonal().add_(self.penalties[problem].expand(outputs, size).flatten())
        return matrix

    def solve_by_products(self, vectors: Tensor) -> Tensor:
        """By conjugate gradients, preconditioned with the diagonal."""
        probs = self.probs_PKN
        curvature = self.problems.weights[:, None] * probs * (1 - probs)
        inverse = (curvature @ self.points.square() + self.penalties).reciprocal()

        def dot(one: Tensor, other: Tensor) -> Tensor:
            return (one * other).sum((-2, -1), keepdim=True)

        found, rest = torch.zeros_like(vectors), vectors.clone()
        way = inverse * rest
        size = first = dot(rest, way)
        for _ in range(vectors[0, 0].numel()):
            ahead = self.times(way)
            length = size / dot(way, ahead).clamp(min=1e-300)
            found += length * way
            rest -= length * ahead
            better = inverse * rest
            before, size = size, dot(rest, better)
            if (size <= CG_TOLERANCE**2 * first).all():
                break
            way = better + size / before.clamp(min=1e-300) * way
        return found
