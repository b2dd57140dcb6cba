"""How a linear head is fitted to the features of labeled samples."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Annotated, Any, Literal

import torch
from annotated_types import Len
from torch import Tensor

from al_runner.learning.linear.answers import strata, weighing
from al_runner.learning.linear.classes import answers
from al_runner.learning.linear.fit import Fit
from al_runner.learning.linear.guesses import Guesses, SemiSupervised
from al_runner.learning.linear.held_out import folds
from al_runner.learning.linear.logistic import Problems
from al_runner.learning.linear.planes import Scale
from al_runner.learning.linear.solver import solve
from al_runner.learning.linear.span import Span
from al_runner.learning.linear.strength import choose
from al_runner.learning.linear.ways import semi_supervised
from al_runner.values import NotNegative, Positive, Several

SPREADS = tuple(4.0**power for power in range(-2, 5))
"""`auto`: prior variances of a logit of a typical sample, which is the strength times the variance of the
features, all of them together. So it suits any number of features, standardized or not. The one in the middle
is 4: before anything is known, a typical sample's odds lie between 1 : 50 and 50 : 1, at 95 %."""


@dataclass(frozen=True)
class LinearHead:
    """L2-regularized logistic regression, its strength chosen by cross-validation on the labeled samples.

    Args:
        strengths: of which one is chosen, as C in scikit-learn: the larger, the weaker the penalty; `auto` =
            seven for which a logit has a prior variance of 1/16, 1/4, … 256. It is the one in the middle (for
            `auto` that with variance 4) until the labels show another to be better.
        folds: of the cross-validation; fewer while no class has so many labels. Where fewer than
            two classes have two labels, nothing can be held out.
        standard_errors: by how many of the difference in held-out log loss the strength in the middle must be
            worse than the best one to be left; 0 = always the best one. With few labels, held-out loss
            hardly tells strengths apart, and the best one is often far too weak a penalty.
        standardize: divide features by their deviation over all training samples, labeled or not.
        temperature: divide logits by the temperature with the lowest held-out log loss (Guo et al., 2017).
        semi_supervised: guesses at the labels of unlabeled training samples to learn from: None,
            `pseudo_labels` or `label_spreading`, or one of them with its options.

    Raises:
        InputError: no such way to guess, or with other options.
    """

    strengths: Literal["auto"] | Annotated[Sequence[Positive], Len(1)] = "auto"
    folds: Several = 5
    standard_errors: NotNegative = 2.0
    standardize: bool = True
    temperature: bool = False
    semi_supervised: str | Mapping[str, Any] | None = None

    def __post_init__(self) -> None:
        semi_supervised(self.semi_supervised)  # checks it

    @cached_property
    def guesses(self) -> SemiSupervised | None:
        """How labels are guessed."""
        return semi_supervised(self.semi_supervised)

    def penalties(self, variance: float) -> list[float]:
        """λ = 1/C from the strongest to the weakest, for features with some variance."""
        if isinstance(self.strengths, str):
            return [variance / spread for spread in SPREADS]
        return sorted((1 / strength for strength in self.strengths), reverse=True)

    def fit(self, points_ND: Tensor, labels: Tensor, weights: Tensor | None, scale: Scale) -> Fit:
        """Fit to labeled samples.

        Args:
            points_ND: their features, standardized, float64, in the order in which they were bought.
            labels: distributions [N, C] or [N, L, 2].
            weights: of classes [C], or of each label's values [L, 2]; None = all alike.
            scale: of the features.
        """
        of, span = answers(labels, weights), Span.of(points_ND)
        weights_PN = of.each(weighing(weights)(labels))
        problems = Problems(
            span.coordinates(points_ND),
            of.targets(labels),
            weights_PN,
            torch.ones(len(weights_PN)).to(weights_PN),
        )
        held_out = folds(strata(labels, of).cpu(), self.folds)
        penalties = self.penalties(scale.variance)
        choice = choose(problems, held_out, penalties, self.temperature, self.standard_errors)
        problems = problems.penalized(choice.penalty)
        found = solve(problems, choice.start)
        return Fit(of, scale, span, problems, found, choice.penalty, choice.temperature)

    def fit_with(
        self, fit: Fit, points_ND: Tensor, labels: Tensor, weights: Tensor | None, guessed: Guesses
    ) -> Fit:
        """Fit to labels and guesses.

        Args:
            fit: to labels alone.
            points_ND: features of labeled samples, followed by those of samples with guesses.
            labels: of the labeled samples.
            weights: as in `fit`.
            guessed: labels of the others.
        """
        weigh, of, span = weighing(weights), fit.answers, Span.of(points_ND)
        labels, guesses = labels.to(points_ND), guessed.labels.to(points_ND)
        sure_PN = of.each(weigh(labels))
        guesses_PM = of.each(weigh(guesses) * guessed.counts.to(guesses.device))
        total_P1 = guesses_PM.sum(1, keepdim=True)
        multiple = self.guesses.weight if self.guesses else 0
        share_P1 = multiple * sure_PN.sum(1, keepdim=True) / total_P1.clamp(min=1e-300)
        problems = Problems(
            span.coordinates(points_ND),
            of.targets(torch.cat([labels, guesses])),
            torch.cat([sure_PN, guesses_PM * share_P1], 1),
            fit.problems.penalty.to(points_ND),
        )
        return Fit(of, fit.scale, span, problems, solve(problems), fit.penalty, fit.temperature)
