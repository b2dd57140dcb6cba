"""A linear model that was fitted."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor

from al_runner.learning.linear.answers import Answers
from al_runner.learning.linear.logistic import Problems
from al_runner.learning.linear.planes import Planes, Scale
from al_runner.learning.linear.span import Span


@dataclass(frozen=True)
class Fit:
    """A model that was fitted.

    Attributes:
        answers: what its problems mean.
        scale: of the features.
        span: coordinates of the standardized features that it was fitted to.
        problems: in these coordinates, with the penalty.
        coefficients: their minimum, [P, K, R].
        penalty: λ that was chosen.
        temperature: divides the logits.
    """

    answers: Answers
    scale: Scale
    span: Span
    problems: Problems
    coefficients: Tensor
    penalty: float
    temperature: float

    def planes(self, device: torch.device) -> Planes:
        """The model itself."""
        return self.as_planes(*self.span.outside(self.coefficients), device)

    def as_planes(self, slopes: Tensor, intercepts: Tensor, device: torch.device) -> Planes:
        """Of slopes [..., P, K, D] and intercepts [..., P, K] for standardized features."""
        slopes, intercepts = self.scale.undo(slopes, intercepts)
        slopes_MD = slopes.reshape(intercepts.numel(), slopes.shape[-1]) / self.temperature
        flat = intercepts.flatten() / self.temperature
        return Planes(slopes_MD.T.float().contiguous().to(device), flat.float().to(device), intercepts.shape)

    def state(self) -> dict[str, Any]:
        """What `restored` needs beside the points: tensors and plain values."""
        return {
            "targets": self.problems.targets,
            "weights": self.problems.weights,
            "coefficients": self.coefficients,
            "penalty": self.penalty,
            "temperature": self.temperature,
        }

    @classmethod
    def restored(cls, state: Mapping[str, Any], answers: Answers, scale: Scale, points_ND: Tensor) -> "Fit":
        """The fit with a state, to points that are standardized."""
        span, penalty = Span.of(points_ND), state["penalty"]
        targets, weights, found = (
            state[name].to(points_ND) for name in ("targets", "weights", "coefficients")
        )
        penalties = weights.new_full((len(weights),), penalty)
        problems = Problems(span.coordinates(points_ND), targets, weights, penalties)
        return cls(answers, scale, span, problems, found, penalty, state["temperature"])
