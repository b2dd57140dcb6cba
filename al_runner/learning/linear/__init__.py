"""A linear head on frozen features: logistic regression, its strength, its posteriors.

Imports its siblings in `learning`, `acquisition`, `data`, `loop` and `errors`. Imported by `runs`.
"""

from al_runner.learning.linear.head import LinearHead
from al_runner.learning.linear.learner import LinearLearner
from al_runner.learning.linear.posterior import Bootstrap, Laplace, LinearPosterior

__all__ = ["Bootstrap", "Laplace", "LinearHead", "LinearLearner", "LinearPosterior"]
