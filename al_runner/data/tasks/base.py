"""What the learner and the record need to know of a task."""

from collections.abc import Callable
from typing import Protocol

from torch import Tensor
from torchmetrics import MetricCollection

NO_SALIENCY = (
    "a saliency map explains the prediction of a whole image, and segmentation predicts pixels: "
    "it needs a data set for classification, such as dataset=pneumoniamnist, or a proxy (proxy=glas_grades)"
)
Loss = Callable[[Tensor, Tensor], Tensor]
"""(logits, targets) → the mean training loss of a batch."""


class Task(Protocol):
    """What a label means."""

    @property
    def n_classes(self) -> int:
        """Classes (multi-label: labels) that the data set declares."""

    @property
    def n_outputs(self) -> int:
        """Channels of the network's output."""

    @property
    def dense(self) -> bool:
        """Whether the network's output has the image's size: a prediction for each pixel."""

    @property
    def several(self) -> bool:
        """Whether a sample, or each of its pixels, may have several labels, or none: a distribution over
        (absent, present) for each label."""

    @property
    def headline(self) -> str:
        """The metric that a one-line summary shows."""

    def loss(self, logits: Tensor, targets: Tensor) -> Tensor:
        """The mean training loss of a batch: logits [n, n_outputs, ...], targets [n, ...]."""

    def probabilities(self, logits: Tensor) -> Tensor:
        """Distributions over classes, the class axis last: [n, C], [n, sites, C], or [n, pixels, L, 2]."""

    def mixture(self, logits: Tensor) -> Tensor:
        """Logits of the mean of J predictions, up to what the loss ignores: [J, n, ...] → [n, ...]."""

    def explained(self, logits: Tensor) -> Tensor:
        """What a saliency map explains: the output that made the decision, [n, n_outputs].

        1 in one place, or −1 where an output below 0 is a decision, too; 0 elsewhere.

        Raises:
            InputError: the task decides for each pixel.
        """

    def metrics(self) -> MetricCollection:
        """Fresh metrics of (probabilities, targets).

        Results that are one number become columns of the record; larger ones become arrays of the round.
        Those with `higher_is_better` may decide: when to stop, which epoch is the best.
        """

    def kept(self, probs: Tensor, targets: Tensor) -> tuple[str, Tensor]:
        """What `keep_predictions` keeps of some samples, [n, ...], and its name."""

    def describe(self, label: Tensor) -> str:
        """One label as a word for `queries.csv`."""

    def count(self, targets: Tensor) -> Tensor:
        """How many samples have each class (or label): [n_classes]."""

    def check(self, targets: Tensor) -> str | None:
        """What is wrong with a split's targets, or None."""
