"""Strategies that cover the pool: every sample should be near a labeled one."""

from dataclasses import dataclass
from typing import Literal

import torch

from al_runner.acquisition import balls
from al_runner.acquisition.clustering import k_means
from al_runner.acquisition.coverage import covered_by, gaussian, greedy_coverage
from al_runner.acquisition.distances import normalized
from al_runner.loop.pool import Pool, Query
from al_runner.loop.protocols import Learner
from al_runner.values import Positive, ShareAboveZero


@dataclass(frozen=True)
class ProbCover:
    """ProbCover (Yehuda et al., 2022): cover the pool with balls around labeled samples, for small budgets.

    Takes, greedily, the sample u whose ball {x : ‖x − x_u‖ ≤ radius} holds most samples that no ball of a
    labeled or taken one holds. The score is how many.

    Args:
        radius: of the balls; `purity` = the largest at which a share `purity` of them holds samples of one
            cluster only, of as many clusters as there are classes.
        purity: that share.
        normalize: embeddings of length 1, as in the authors' code.
    """

    radius: Positive | Literal["purity"] = "purity"
    purity: ShareAboveZero = 0.95
    normalize: bool = True

    def __call__(self, learner: Learner, pool: Pool, size: int, generator: torch.Generator) -> Query:
        """Query the samples whose balls hold most that no other ball holds."""
        unlabeled = pool.unlabeled.sort().values
        points, labeled = learner.embed(unlabeled), learner.embed(pool.labeled)
        if self.normalize:
            points, labeled = normalized(points), normalized(labeled)
        if self.radius == "purity":
            everything = torch.cat([points, labeled])
            n_classes = min(learner.predict(unlabeled[:1]).shape[-1], len(everything))
            clusters, _ = k_means(everything, n_classes, generator)
            radius = balls.purity_radius(everything, clusters, self.purity, generator)
        else:
            radius = float(self.radius)
        chosen, covered = balls.prob_cover(points, labeled, size, radius, generator)
        return Query(unlabeled[chosen], covered)


@dataclass(frozen=True)
class MaxHerding:
    """MaxHerding (Bae, Noh and Sutherland, 2024): cover the pool as a smooth kernel sees it.

    Takes, greedily, the sample that adds most to mean_x max_{j ∈ labeled ∪ taken} exp(−‖x − x_j‖² / σ²).

    Args:
        sigma: length scale σ of the kernel.
        normalize: embeddings of length 1, as in the authors' code.
    """

    sigma: Positive = 1.0
    normalize: bool = True

    def __call__(self, learner: Learner, pool: Pool, size: int, generator: torch.Generator) -> Query:
        """Query the samples that cover the pool best together with the labeled ones."""
        unlabeled = pool.unlabeled.sort().values
        points, labeled = learner.embed(unlabeled), learner.embed(pool.labeled)
        if self.normalize:
            points, labeled = normalized(points), normalized(labeled)
        kernel = gaussian(self.sigma)
        covered = covered_by(kernel, points, labeled)
        everyone = torch.arange(len(points))
        chosen, gains = greedy_coverage(kernel, points, everyone, covered, size, generator)
        return Query(unlabeled[chosen], gains)
