"""The pool strategies of scikit-activeml that need no more than predictions or embeddings."""

import importlib.util
import warnings
from collections.abc import Mapping
from dataclasses import dataclass, field
from inspect import signature
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from al_runner.errors import InputError
from al_runner.loop.pool import Pool, Query
from al_runner.loop.protocols import Learner

OF_EMBEDDINGS = ("CoreSet", "GreedySamplingX", "MaxHerding", "ProbCover", "RandomSampling", "TypiClust")
"""Need embeddings, and to know which samples are labeled."""
OF_LABELS = ("CostEmbeddingAL", "DiscriminativeAL", "Quire")
"""Fit a model of their own to embeddings and labels."""
OF_PREDICTIONS = ("Badge", "Clue", "ContrastiveAL", "Falcun", "UncertaintySampling")
"""Need predictions, most of them embeddings too."""
NAMES = sorted((*OF_EMBEDDINGS, *OF_LABELS, *OF_PREDICTIONS))


@dataclass(frozen=True)
class SkActiveML:
    """A pool strategy of scikit-activeml (Kottke et al., 2021), asked for its query as it is.

    Its X are the model's embeddings; a classifier that it asks for answers with the model's predictions,
    many sites of a sample as their mean. Where it returns a sample twice (its `Badge` and `TypiClust` can),
    it is asked again for what is missing. Its random state is drawn from the query's stream.

    Args:
        name: the strategy's class in `skactiveml.pool`.
        options: its own arguments.
    """

    name: str
    options: Mapping[str, Any] = field(default_factory=dict)

    def __post_init__(self) -> None:
        if self.name not in NAMES:
            raise InputError(
                f"strategy.name={self.name} is not one of the scikit-activeml strategies that work on "
                f"predictions or embeddings alone: {', '.join(NAMES)}"
            )
        if importlib.util.find_spec("skactiveml") is None:
            raise InputError("strategy=skactiveml needs scikit-activeml: pip install 'al-runner[skactiveml]'")
        try:
            signature(self._class()).bind_partial(**self.options)
        except TypeError as error:
            raise InputError(f"strategy.options: {error} in skactiveml.pool.{self.name}") from error

    def __call__(self, learner: Learner, pool: Pool, size: int, generator: torch.Generator) -> Query:
        """The strategy's query."""
        unlabeled = pool.unlabeled.sort().values
        indices = torch.cat([unlabeled, pool.labeled])
        features, given, arguments = self._inputs(learner, indices)
        known = np.r_[np.full(len(unlabeled), np.nan), self._labels(pool)]
        taken: list[int] = []
        while len(taken) < size:
            seed = int(torch.randint(2**31 - 1, (1,), generator=generator))
            strategy = self._class()(**{**given, **self.options, **self._seeds(seed)})
            left = np.setdiff1d(np.arange(len(unlabeled)), taken)
            with warnings.catch_warnings():
                warnings.simplefilter("ignore")  # fewer distinct points than clusters, and the like
                try:
                    picks = strategy.query(
                        features, known, candidates=left, batch_size=size - len(taken), **arguments
                    )
                except Exception as error:  # the library's, of any kind: nothing else runs here
                    why = " ".join(str(error).split())
                    raise InputError(
                        f"strategy.name={self.name}: scikit-activeml cannot choose {size} of "
                        f"{len(unlabeled)} samples with these options: {why}"
                    ) from error
            taken = list(dict.fromkeys((*taken, *(int(pick) for pick in picks))))
        return Query(unlabeled[taken])

    @property
    def not_for_pixels(self) -> str:
        """Those that look at more than embeddings, and whether a sample is labeled."""
        why = "its classifier would answer with the mean prediction of all pixels"
        return "" if self.name in (*OF_EMBEDDINGS, "DiscriminativeAL") else why

    @property
    def depends_on_size(self) -> bool:
        """Those that make as many clusters as samples are asked for have no order."""
        return self.name in ("Clue", "TypiClust")

    def _seeds(self, seed: int) -> dict[str, Any]:
        """Its random state, and that of its clustering: `Clue` leaves it to chance."""
        seeds: dict[str, Any] = {"random_state": seed}
        if "cluster_algo_dict" in signature(self._class()).parameters:
            own = self.options.get("cluster_algo_dict") or {}
            seeds["cluster_algo_dict"] = {"random_state": seed, **own}
        return seeds

    def _class(self) -> Any:
        import skactiveml.pool

        return getattr(skactiveml.pool, self.name)

    def _inputs(
        self, learner: Learner, indices: Tensor
    ) -> tuple[NDArray[Any], dict[str, Any], dict[str, Any]]:
        """What the strategy takes as X, when it is made, and when it is asked."""
        from skactiveml.classifier import SklearnClassifier
        from sklearn.linear_model import LogisticRegression

        from al_runner.strategies.known_classifier import KnownClassifier

        embeddings_ND = learner.embed(indices).cpu().numpy()
        if self.name in OF_EMBEDDINGS:
            return embeddings_ND, {}, {}
        if self.name == "DiscriminativeAL":
            return embeddings_ND, {}, {"discriminator": SklearnClassifier(LogisticRegression())}
        probs_NC = learner.predict(indices, _mean_of_sites).double().cpu().numpy()
        if self.name in OF_LABELS:
            return embeddings_ND, {"classes": list(range(probs_NC.shape[1]))}, {}
        probs_NC /= probs_NC.sum(
            1, keepdims=True
        )  # scikit-activeml checks the sums more closely than float32
        rows_N1 = np.arange(len(indices), dtype=float)[:, None]
        classifier = KnownClassifier(probs_NC, embeddings_ND)
        if self.name == "Clue":
            given: dict[str, Any] = {"predict_dict": {"return_embeddings": True}}
            return rows_N1, given, {"estimator": classifier, "fit_estimator": False}
        embeds = self.name in ("Badge", "ContrastiveAL")
        given = {"clf_embedding_flag_name": "return_embeddings"} if embeds else {}
        return rows_N1, given, {"clf": classifier, "fit_clf": False}

    def _labels(self, pool: Pool) -> NDArray[Any]:
        """The oracle's answers; where only being labeled counts, zeros."""
        if self.name not in ("CostEmbeddingAL", "Quire"):
            return np.zeros(len(pool.labeled))
        if pool.labels.ndim != 1:
            raise InputError(f"strategy.name={self.name} needs data with one label for each sample")
        return pool.labels.cpu().double().numpy()


def _mean_of_sites(probs: Tensor) -> Tensor:
    return probs if probs.ndim == 2 else probs.flatten(1, -2).mean(1)
