"""What the predictions of a linear head are sampled over."""

from abc import ABC, abstractmethod
from contextlib import AbstractContextManager
from dataclasses import dataclass

import torch
from torch import Tensor, nn

from al_runner.errors import InputError
from al_runner.learning.aleatoric import Mixture
from al_runner.learning.linear.fit import Fit
from al_runner.learning.linear.hessian import Hessian
from al_runner.learning.linear.logistic import Problems
from al_runner.learning.linear.solver import solve
from al_runner.learning.posterior import Point
from al_runner.models import NetworkBuilder
from al_runner.values import Several

NOTHING_TO_SAMPLE = (
    "the strategy samples the model's predictions: with head=linear it needs posterior=laplace or "
    "posterior=bootstrap, best the same for every strategy that it is compared with"
)
BOOTSTRAP_TOLERANCE = 1e-9
"""What the fits of a bootstrap may be above their minimum, as the mean loss of a point."""


class LinearPosterior(Point, ABC):
    """A distribution over linear heads."""

    samples: Several

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


@dataclass(frozen=True)
class Laplace(LinearPosterior):
    """The Laplace approximation (MacKay, 1992): a Gaussian at the fitted coefficients ŵ.

    Its precision is A = Jᵀ Λ J + λ I, the Hessian of the loss, which for a linear model is that of the
    generalized Gauss-Newton method. A sample is drawn exactly, as in perturb-and-MAP (Papandreou and Yuille,
    2010): w = ŵ + A⁻¹ (√λ z₁ + Jᵀ Λ^½ z₂) with standard normal z₁ and z₂. Where labeled samples do not vary,
    the prior stays: variance 1/λ. The intercept has no prior.

    Args:
        samples: models that are drawn.
    """

    samples: Several = 50

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
    """

    samples: Several = 20

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
