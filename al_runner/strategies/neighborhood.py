"""Strategies that score a sample by what lies around it."""

from dataclasses import dataclass
from typing import ClassVar

import torch

from al_runner.acquisition.neighborhood import contrast, information_density
from al_runner.acquisition.selection import top
from al_runner.acquisition.uncertainty import entropy
from al_runner.loop.pool import Pool, Query
from al_runner.loop.protocols import Learner
from al_runner.strategies.uncertainty import Acquisition, Reduction, Uncertainty
from al_runner.values import Count, NotNegative


@dataclass(frozen=True)
class Contrastive:
    """Contrastive active learning, CAL (Margatina, Vernikos, Barrault and Aletras, 2021).

    1/k Σ_l KL(p_l ‖ p_x) over the k labeled samples l that are nearest to x in embedding space: high where
    the model predicts differently for samples that it sees as similar.

    Args:
        neighbors: labeled samples near in embedding space that a prediction is compared with.
    """

    neighbors: Count = 10
    not_for_pixels: ClassVar[str] = "it compares the predictions of all samples, which would be in memory"

    def __call__(self, learner: Learner, pool: Pool, size: int, generator: torch.Generator) -> Query:
        """Query the samples that the model sees most differently from their labeled neighbors."""
        unlabeled = pool.unlabeled.sort().values
        predictions, embeddings_ND = learner.predict(unlabeled), learner.embed(unlabeled)
        labeled_predictions, labeled_MD = learner.predict(pool.labeled), learner.embed(pool.labeled)
        scores = contrast(predictions, embeddings_ND, labeled_predictions, labeled_MD, self.neighbors).cpu()
        chosen = top(scores, unlabeled, size, len(pool), generator)
        return Query(unlabeled[chosen], scores[chosen])


@dataclass(frozen=True)
class DensityWeighted:
    """Information density (Settles and Craven, 2008, equation 13): unsure samples in dense regions.

    φ(x) · (1/N Σ_u cos(h_x, h_u))^β, φ being the acquisition function and u all unlabeled samples.

    Args:
        acquisition: probabilities [..., C] → scores [...], at least 0.
        beta: weight of the density.
        reduction: of the score over the sites of a sample.
    """

    acquisition: Acquisition = entropy
    beta: NotNegative = 1.0
    reduction: Reduction = "mean"

    def __call__(self, learner: Learner, pool: Pool, size: int, generator: torch.Generator) -> Query:
        """Query the samples whose uncertainty times density is highest."""
        unlabeled = pool.unlabeled.sort().values
        uncertainty = learner.predict(unlabeled, Uncertainty(self.acquisition, self.reduction).score)
        scores = information_density(uncertainty, learner.embed(unlabeled), self.beta).cpu()
        chosen = top(scores, unlabeled, size, len(pool), generator)
        return Query(unlabeled[chosen], scores[chosen])
