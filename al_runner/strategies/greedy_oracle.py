"""What a strategy could reach that knew the labels: an upper bound, for simulations."""

from dataclasses import dataclass

import torch
from torch import Tensor

from al_runner.acquisition.uncertainty import margin
from al_runner.errors import InputError
from al_runner.loop.pool import Pool, Query
from al_runner.loop.protocols import Foresight, Learner
from al_runner.strategies.random import shuffled
from al_runner.strategies.uncertainty import Uncertainty
from al_runner.values import Count, Named

NEEDS = "trains a model for each sample that it tries: it needs an encoder (encoder=simclr) and head=linear"


@dataclass(frozen=True)
class GreedyOracle:
    """The greedy oracle of CDALBench (Werner et al., NeurIPS 2024): no strategy, but a bound for strategies.

    One sample after the other: `candidates` unlabeled samples are drawn at random. For each, a model is
    trained on all labels so far and its own true label. The sample is taken whose model scores highest, and
    its score is the gain. Where no model scores higher than without them, the sample is taken that margin
    sampling would take of them.

    As in CDALBench, models score on the test split, so nobody can do by honest means what it does. It is not
    the best that exists: it looks one label ahead, and at few samples. Candidates are tried with their true
    labels, also where the oracle that answers is noisy.

    Args:
        candidates: how many are tried for each label.
        metric: what is scored, such as `test/auroc`; None = what the task is known by, on the test split.
    """

    candidates: Count = 20
    metric: Named | None = None

    def __call__(self, learner: Learner, pool: Pool, size: int, generator: torch.Generator) -> Query:
        """Query `size` samples, each the best of some after those before it.

        Raises:
            InputError: the learner cannot tell what other labels would make of it.
        """
        if not isinstance(learner, Foresight):
            raise InputError(f"strategy=greedy_oracle {NEEDS}")
        model: Foresight = learner
        indices, labels = pool.labeled, pool.labels if len(pool.labels) else learner.truth(pool.labeled)
        free, gains = pool.open, []
        for _ in range(size):
            order = shuffled(pool, generator)
            tried = order[free[order]][: self.candidates]
            models, scores = self._tried(model, indices, labels, tried)
            best = _best(scores, model.predict(tried))
            model, chosen = models[best], tried[best : best + 1]
            indices, labels = torch.cat([indices, chosen]), torch.cat([labels, learner.truth(chosen)])
            free[chosen] = False
            gains.append(scores[best])
        first = len(pool.labeled)
        return Query(indices[first:], torch.stack(gains) if gains else None)

    def _tried(
        self, model: Foresight, indices: Tensor, labels: Tensor, candidates: Tensor
    ) -> tuple[list[Foresight], Tensor]:
        """The models with one candidate more, and how much higher each scores than that without."""
        models = [
            model.refitted(torch.cat([indices, each]), torch.cat([labels, model.truth(each)]))
            for each in candidates.split(1)
        ]
        before = model.measured(self.metric)
        scores = torch.tensor([each.measured(self.metric) - before for each in models])
        return models, scores.nan_to_num(nan=0.0)


def _best(scores: Tensor, probs: Tensor) -> int:
    """The place of the highest score, if one is above 0, else of the smallest margin."""
    if (scores > 0).any():
        return int(scores.argmax())
    return int(Uncertainty(margin).score(probs).argmax())
