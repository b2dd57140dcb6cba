"""What the loop needs of its parts: learner, strategy, memory, review, journal.

A task or a network is nobody's business here: classification and segmentation, 2D and 3D, look alike.
"""

from collections.abc import Callable, Mapping
from contextlib import AbstractContextManager
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal, Protocol, runtime_checkable

import numpy as np
import torch
from torch import Tensor

from al_runner.loop.pool import Pool, Query
from al_runner.loop.schedule import Round

if TYPE_CHECKING:
    from al_runner.models.saliency.base import Saliency  # the loop hands it on, and imports no network

Stage = Literal["score", "fit", "evaluate"]


@dataclass(frozen=True)
class Evaluation:
    """What a model was measured to be.

    Attributes:
        metrics: `split/name` → value.
        arrays: larger results for the round's folder, such as `confusion_test`.
    """

    metrics: Mapping[str, float] = field(default_factory=dict)
    arrays: Mapping[str, np.ndarray[Any, Any]] = field(default_factory=dict)


class Learner(Protocol):
    """A model and its training. Every index is a position in the training split."""

    def fit(self, indices: Tensor, labels: Tensor, step: Round) -> Mapping[str, float]:
        """Train on labeled samples for a round; returns metrics of the training, `train/loss` among them."""

    def predict(self, indices: Tensor, reduce: Callable[[Tensor], Tensor] | None = None) -> Tensor:
        """Predicted probabilities, the class axis last: [n, C], or [n, sites, C] where a sample has many.
        Where the labels of a pixel may overlap, each has its own distribution: [n, pixels, L, 2].

        `reduce` maps the probabilities of some samples [m, ...] to what is kept of them [m, ...], chunk by
        chunk in the order of `indices`, so that a pool's worth of dense predictions is never in memory.
        """

    def sample(
        self,
        indices: Tensor,
        generator: torch.Generator,
        reduce: Callable[[Tensor], Tensor] | None = None,
    ) -> Tensor:
        """Predicted probabilities by K samples of the model: [n, K, C], or [n, sites, K, C].

        The k-th sample is the same model for all `indices`, drawn from `generator`; `reduce` as in `predict`.

        Raises:
            InputError: the model cannot be sampled.
        """

    def sample_with_noise(
        self,
        indices: Tensor,
        generator: torch.Generator,
        reduce: Callable[[Tensor, Tensor | None], Tensor],
    ) -> Tensor:
        """What `reduce` keeps of the same, and of the variance by the noise that the model predicts.

        The variance is [m, K] or [m, sites, K], on the scale of a probability and the mean over the classes;
        None where the model predicts no noise.

        Raises:
            InputError: the model cannot be sampled.
        """

    def embed(self, indices: Tensor) -> Tensor:
        """Embeddings [n, D]: what the classifier, the last linear layer, sees."""

    def saliency(
        self,
        indices: Tensor,
        method: "Saliency",
        reduce: Callable[[Tensor], Tensor] | None = None,
    ) -> Tensor:
        """Saliency maps of the images' size, float32 [n, ...]: where the model sees what it predicts.

        The logit of the predicted class is explained. Where a logit means yes or no (one logit for two
        classes; several labels, of which the likeliest counts) and the answer is no, it is the logit's
        negative. Of an ensemble, the mean of its members' maps, for the class that they predict together.
        `reduce` as in `predict`.

        Raises:
            InputError: the samples have no such prediction, or the model no maps by this method.
        """

    def images(self, indices: Tensor) -> Tensor:
        """The images as they are stored, uint8 [n, channels, ...], on the device of the predictions."""

    def worth(
        self,
        indices: Tensor,
        labels: Tensor,
        others: Tensor,
        other_labels: Tensor,
        step: Round,
        epochs: int,
    ) -> Tensor:
        """What each of n labeled samples is worth: `val/auroc` of the model updated with it alone, [n].

        An update trains a copy of the model on, for `epochs` over `others` and that sample, with a fresh
        optimizer and the draws of the round `step`: those of all n differ in the sample alone. Less the
        model's own `val/auroc` it is the sample's gain, which ranks samples alike. NaN where the validation
        split has no such area.
        """

    def evaluate(self, pool: Tensor | None = None) -> Evaluation:
        """Measure the model on the validation and test splits, and on the training indices `pool`.

        What is measured on the pool, by its true labels, is kept for people; nothing is decided by it.
        """

    def save(self, path: Path) -> None:
        """Write all that `load` needs to go on as if nothing had happened."""

    def load(self, path: Path) -> None:
        """Read what `save` wrote."""


@runtime_checkable
class Foresight(Protocol):
    """A learner that can tell what other labels would make of it: for upper bounds, in simulations alone."""

    def truth(self, indices: Tensor) -> Tensor:
        """The true labels of training `indices`, bought or not: [n, ...]."""

    def refitted(self, indices: Tensor, labels: Tensor) -> "Foresight":
        """A copy that was trained on these labels alone, as `fit` would; itself it stays as it was."""

    def predict(self, indices: Tensor) -> Tensor:
        """As that of a `Learner`."""

    def measured(self, metric: str | None) -> float:
        """One metric of `evaluate`, `split/name`; None = what the task is known by, on the test split."""


class Strategy(Protocol):
    """Decides what to label next: a function, or an object with `__call__`."""

    def __call__(self, learner: Learner, pool: Pool, size: int, generator: torch.Generator) -> Query:
        """Choose `size` distinct indices of `pool.unlabeled`, most informative first.

        The choice may depend on the model, the pool and `generator` (for ties and random choices) only,
        and leaves the learner as it was. What else it depends on is a `Memory`.
        """


@runtime_checkable
class Memory(Protocol):
    """A strategy whose choices also depend on what it learned from the labels of its earlier queries."""

    def learn(self, learner: Learner, pool: Pool, step: Round) -> None:
        """Learn from the labels of a round's query, which the pool holds and the model has not seen.

        Leaves the learner as it was.
        """

    def state(self) -> Mapping[str, Any]:
        """All that `restore` needs to go on as if nothing had happened: tensors and plain values."""

    def restore(self, state: Mapping[str, Any]) -> None:
        """Take what `state` returned; before the first query."""


Review = Callable[[Learner, Pool, int, torch.Generator], Evaluation]
"""Measures a model, and keeps for people what it makes of the pool; takes the next query's size, too, and its
generator."""


class Journal(Protocol):
    """Keeps what happened."""

    def timed(self, stage: Stage, step: Round) -> AbstractContextManager[None]:
        """Count the seconds of a stage of a round."""

    def wait(self, step: Round, query: Query) -> None:
        """The oracle has to be waited for: keep what is to be labeled."""

    def close_round(
        self, step: Round, query: Query, labels: Tensor, learner: Learner, evaluation: Evaluation
    ) -> None:
        """A round is complete: keep it for good."""
