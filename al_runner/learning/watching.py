"""What is looked at after every epoch of a round."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Protocol

import numpy as np
import pytorch_lightning as pl
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from al_runner.data.dataset import Dataset, Split
from al_runner.data.tasks import Task
from al_runner.data.tasks.base import Loss
from al_runner.data.thumbnails import thumbnails
from al_runner.data.transforms import unit
from al_runner.learning.batches import LabeledSet, stored_at
from al_runner.learning.inference import forward
from al_runner.learning.machine import Machine
from al_runner.learning.posterior import Posterior
from al_runner.learning.training import KeepBest, RecordMax
from al_runner.loop.schedule import Round

Arrays = dict[str, NDArray[Any]]
PICTURES = 10
"""Augmented images that are kept of a round."""


class Watchable(Protocol):
    """A learner that trains."""

    network: nn.Module
    dataset: Dataset
    task: Task
    machine: Machine
    posterior: Posterior
    best_epoch_by: str | None
    keep_epochs: bool

    def probabilities(self, outputs: Tensor) -> Tensor:
        """Of a batch of the network's outputs."""

    def _measure(self, key: str) -> float:
        """A metric, `split/name`."""


@dataclass(frozen=True)
class Watching:
    """The callbacks of one training.

    Attributes:
        maximum_of: the metric whose maximum is noted.
        highest: notes a maximum.
        epochs: notes losses.
        best: keeps the best weights.
        labeled: what is trained on.
    """

    maximum_of: str | None
    highest: RecordMax | None
    epochs: "RecordEpochs | None"
    best: KeepBest | None
    labeled: LabeledSet

    @classmethod
    def of(cls, learner: Watchable, step: Round, labeled: LabeledSet, loss: Loss) -> "Watching":
        """What a round and a learner ask for."""
        net = learner.network
        by, most = learner.best_epoch_by, step.record_max
        return cls(
            most,
            RecordMax(lambda: learner._measure(most), net) if most else None,
            RecordEpochs(learner, labeled, loss) if learner.keep_epochs else None,
            KeepBest(lambda: learner._measure(by), net) if by else None,
            labeled,
        )

    @property
    def callbacks(self) -> list[pl.Callback]:
        """Those that there are; `KeepBest` comes last, as it ends with other weights."""
        return [each for each in (self.highest, self.epochs, self.best) if each]

    @property
    def maximum(self) -> dict[str, float]:
        """`<metric>_max`, if it was noted."""
        return {f"{self.maximum_of}_max": self.highest.best} if self.highest else {}

    @property
    def arrays(self) -> Arrays:
        """For the round's folder, once it is trained: `epochs`, and `augmented`, if losses were noted."""
        if not self.epochs:
            return {}
        changed = augmented(self.labeled)
        return {"epochs": self.epochs.table, **({} if changed is None else {"augmented": changed})}


def augmented(labeled: LabeledSet) -> NDArray[Any] | None:
    """The first images of what was trained on, and each as an epoch might have seen it; None = as it is.

    Further draws of the round's stream, which nothing draws from any more.

    Returns:
        uint8 [n, 2, h, w], or [n, 2, h, w, 3] in color.
    """
    if labeled.change is None:
        return None
    first = labeled.indices[:PICTURES]
    changed = labeled.change(unit(stored_at(labeled.split, first, labeled.machine)))
    after = Split((changed * 255).round().to(torch.uint8), labeled.labels[:PICTURES])
    pictures = [thumbnails(labeled.split, first), thumbnails(after, torch.arange(len(first)))]
    return np.stack(pictures, 1)


class RecordEpochs(pl.Callback):
    """Notes the loss and the accuracy on what is trained on, and on the validation and test split.

    All are measured after the epoch, in evaluation mode and of images as they are. Accuracy is the share of
    right decisions: of samples, labels or pixels.

    Args:
        learner: its network, as it stands, is measured.
        labeled: what is trained on.
        loss: that of the training.
    """

    def __init__(self, learner: Watchable, labeled: LabeledSet, loss: Loss) -> None:
        self.learner, self.labeled, self.loss = learner, labeled, loss
        self.rows: list[Mapping[str, float]] = []

    def on_train_epoch_end(self, trainer: pl.Trainer, pl_module: pl.LightningModule) -> None:  # noqa: ARG002
        """Measure."""
        self.rows.append({name: value for part in self._splits() for name, value in self._measured(*part)})
        self.learner.network.train()

    def _splits(self) -> Iterator[tuple[str, Split, Tensor, Tensor]]:
        labeled = self.labeled
        yield "train", labeled.split, labeled.indices, labeled.labels
        for name in ("val", "test"):
            split = self.learner.dataset.splits[name]
            if len(split.told):
                yield name, split, split.told, split.targets[split.told]

    def _measured(
        self, name: str, split: Split, indices: Tensor, targets: Tensor
    ) -> Sequence[tuple[str, float]]:
        loss = right = 0.0
        seen = 0
        for outputs in forward(self.learner.network, split, indices, self.learner.machine):
            with torch.inference_mode():
                true = targets[seen : seen + len(outputs)].to(outputs.device)
                loss += float(self.loss(outputs.float(), true)) * len(outputs)
                said = self.learner.probabilities(outputs).argmax(-1).flatten(1 if true.ndim > 1 else 0)
                known = true.flatten(1) if true.ndim > 1 else true
                right += float((said == known).float().mean()) * len(outputs)
            seen += len(outputs)
        members = self.learner.posterior.members  # the loss is the sum of theirs
        return [(f"{name}_loss", loss / seen / members), (f"{name}_accuracy", right / seen)]

    @property
    def table(self) -> NDArray[Any]:
        """A row for each epoch: `train_loss`, `train_accuracy`, and those of `val` and `test`."""
        names = list(self.rows[0]) if self.rows else []
        table = np.zeros(len(self.rows), [(name, np.float32) for name in names])
        for name in names:
            table[name] = [row[name] for row in self.rows]
        return table
