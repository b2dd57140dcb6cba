"""Samples whose saliency maps look like those that helped (Mahapatra, Poellinger, Shao and Reyes, 2021)."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, ClassVar

import torch
from torch import Tensor, nn

from al_runner.acquisition.autoencoder import autoencoder, encoded, encoder_of, resized
from al_runner.acquisition.clustering import k_means, representatives
from al_runner.acquisition.informativeness import Lesson, OnlineForest, levels, spread
from al_runner.acquisition.radiomics.gray_levels import unit_range
from al_runner.acquisition.selection import top
from al_runner.errors import InputError
from al_runner.loop.pool import Pool, Query
from al_runner.loop.protocols import Learner
from al_runner.loop.schedule import Round
from al_runner.strategies.ideal import OfMaps
from al_runner.values import Count, Several


@dataclass(frozen=True)
class Asked:
    """What a query knew of the pool, until its labels are there.

    Attributes:
        encoder: made the features.
        features: [N, 32], of all that was unlabeled.
        clusters: [N], the cluster of each.
        representatives: [K], indices of the samples that stand for the clusters.
        represented: [K], the cluster of each of them.
        seed: of the trees that learn from them.
    """

    encoder: nn.Sequential
    features: Tensor
    clusters: Tensor
    representatives: Tensor
    represented: Tensor
    seed: int


@dataclass
class Past:
    """What changes from query to query: the last one and what it taught, and what is remembered of all."""

    forest: OnlineForest
    encoder: nn.Sequential | None = None
    asked: Asked | None = None
    taught: Lesson | None = None


@dataclass(frozen=True)
class IdealDeepFeatures(OfMaps):
    """One representative of each cluster of maps, then what a forest learned from them (algorithm 2).

    A query begins with the sample nearest to the center of each k-means cluster of deep saliency features.
    When the labels are there, the cluster whose representative is worth most to the model has level 1, the
    next one 2, and an online forest learns to tell levels by features. The rest of a query is what the
    forest, as grown by earlier queries, expects to be most informative; chance, in the first query.

    The autoencoder is trained on the maps of the first query and kept: trees of all rounds see one space.

    Args:
        clusters: at most as many as are queried, K of the paper.
        edge: of the maps that the autoencoder sees, in pixels.
        epochs: of the autoencoder.
        update_epochs: that the model is trained on with a representative, to see what it is worth.
        trees: that grow with each query.
        least_first: after the representatives, what the forest expects to be least informative (the
            paper's "-Reversed").
    """

    clusters: Several = 10
    edge: Count = 32
    epochs: Count = 20
    update_epochs: Count = 1
    trees: Count = 100
    least_first: bool = False
    past: Past = field(init=False, repr=False, compare=False)
    depends_on_size: ClassVar[bool] = True

    def __post_init__(self) -> None:
        super().__post_init__()
        object.__setattr__(self, "past", Past(OnlineForest(self.trees)))

    @property
    def not_for_pixels(self) -> str:
        """Why it is not for segmentation."""
        return "it asks what a label adds to the area under the ROC curve"

    def features(self, maps_NHW: Tensor) -> Tensor:
        """What the autoencoder sees, each map from 0 to 1: [N, edge²]."""
        return resized(unit_range(maps_NHW), self.edge)

    def __call__(self, learner: Learner, pool: Pool, size: int, generator: torch.Generator) -> Query:
        """Query the representatives, those of large clusters first, then the highest expected levels."""
        unlabeled = pool.unlabeled.sort().values
        maps_NP = self.measured(learner, unlabeled)
        encoder = self.past.encoder or autoencoder(maps_NP, self.epochs, generator)[0]
        features_NF = encoded(maps_NP, encoder).cpu()
        clusters, distances = k_means(features_NF, min(self.clusters, size), generator)
        clusters_N = torch.from_numpy(clusters)
        first = representatives(clusters, distances, len(clusters_N.unique()), generator)
        seed = int(torch.randint(2**31 - 1, (1,), generator=generator))
        self.past.asked = Asked(encoder, features_NF, clusters_N, unlabeled[first], clusters_N[first], seed)
        scores_N = self.past.forest.score(features_NF)
        if self.least_first:
            scores_N = -scores_N
        others = torch.ones(len(unlabeled), dtype=torch.bool)
        others[first] = False
        rest = others.nonzero().squeeze(1)
        best = top(scores_N[rest], unlabeled[rest], size - len(first), len(pool), generator)
        chosen = torch.cat([first, rest[best]])
        return Query(unlabeled[chosen], scores_N[chosen] if self.past.forest.lessons else None)

    def learn(self, learner: Learner, pool: Pool, step: Round) -> None:
        """Rank the clusters of the last query by what its representatives are worth, and grow the forest.

        Raises:
            InputError: the validation split has no area under the ROC curve.
        """
        asked, self.past.asked, self.past.taught = self.past.asked, None, None
        if asked is None:  # a strategy around this one did without it
            return
        self.past.encoder = asked.encoder
        bought_K = pool.acquired[asked.representatives] >= 0  # the same may leave some out
        chosen, clusters = asked.representatives[bought_K], asked.represented[bought_K]
        if len(chosen) < 2:
            return
        before = pool.acquired[pool.labeled] < step.number
        labels = pool.labels[(pool.labeled == chosen[:, None]).int().argmax(1)]
        worth = learner.worth(
            chosen, labels, pool.labeled[before], pool.labels[before], step, self.update_epochs
        )
        if worth.isnan().any():
            raise InputError("ideal_deep_features needs val/auroc, and the validation split has one class")
        levels_N = spread(asked.clusters, clusters, levels(worth))
        known = levels_N > 0
        self.past.taught = Lesson(asked.features[known], levels_N[known], len(chosen), asked.seed)
        self.past.forest.learn(self.past.taught)

    def lesson(self) -> dict[str, Tensor]:
        """Of each sample whose cluster got a level: its `features` [32] and that `level`, from 1."""
        taught = self.past.taught
        return {} if taught is None else {"features": taught.features, "level": taught.levels}

    def state(self) -> dict[str, Any]:
        """The encoder and the lessons."""
        encoder = self.past.encoder
        return {
            "encoder": None if encoder is None else encoder.cpu().state_dict(),
            "lessons": [vars(lesson) for lesson in self.past.forest.lessons],
        }

    def restore(self, state: Mapping[str, Any]) -> None:
        """The same encoder, and a forest that grows anew from the same lessons."""
        if state["encoder"] is not None:
            self.past.encoder = encoder_of(self.edge**2)
            self.past.encoder.load_state_dict(state["encoder"])
        for lesson in state["lessons"]:
            self.past.forest.learn(Lesson(**lesson))
