"""One round's training on PyTorch Lightning."""

import copy
import logging
import math
import warnings
from collections.abc import Callable, Iterable, Iterator, Sequence
from functools import cache
from typing import Any

import pytorch_lightning as pl
import torch
from lightning_fabric.plugins.environments.lightning import LightningEnvironment
from pytorch_lightning.accelerators import cuda
from pytorch_lightning.trainer.connectors import callback_connector
from torch import Tensor, nn

from al_runner.errors import InputError
from al_runner.learning.batches import Batch
from al_runner.learning.machine import Machine
from al_runner.learning.optimizer import Optimizer
from al_runner.learning.steps import Step

logging.getLogger("pytorch_lightning").setLevel(logging.WARNING)
# Every Trainer searches all installed packages for callbacks, 20 ms of a fit of 40: once a process is enough.
SEARCH = "_load_external_callbacks"
setattr(callback_connector, SEARCH, cache(getattr(callback_connector, SEARCH)))
# Before and after every fit, Lightning frees workspaces to which captured graphs go on writing.
CLEAR = "_clear_cuda_memory"
setattr(cuda, CLEAR, lambda: None)


class Trainable(pl.LightningModule):
    """What `train` trains."""

    def too_large(self) -> InputError:
        """The error for batches that do not fit the GPU's memory: says which key to lower."""
        raise NotImplementedError


class Training(Trainable):
    """What Lightning needs to train a network for a round, with manual optimization (see `batches.Epochs`).

    Lightning has neither the network nor the optimizer: it would move both to the CPU after every round.

    Args:
        step: trains the network in place; its optimizer goes on from its state.
        recipe: learning rate over the epochs.
        load: an epoch's batches as positions → their images and targets on the device.
        where: for messages, such as `round 3`.
        on_epoch: told (epochs done, epochs in all) after each.
    """

    def __init__(
        self,
        step: Step,
        recipe: Optimizer,
        load: Callable[[Sequence[Tensor]], Iterator[Batch]],
        where: str,
        on_epoch: Callable[[int, int], None],
    ) -> None:
        super().__init__()
        self.automatic_optimization = False
        self.step, self.recipe, self.load = step, recipe, load
        self.where, self.on_epoch = where, on_epoch
        self.losses: list[Tensor] = []
        self.mean_loss = float("nan")
        """Mean of the last epoch's batch losses."""

    def configure_optimizers(self) -> None:
        """No optimizer that Lightning should know of; a learning-rate schedule for this round alone."""
        self.scheduler = self.recipe.schedule(self.step.optimizer, self.trainer.max_epochs or 0)

    def transfer_batch_to_device(self, batch: Any, device: torch.device, dataloader_idx: int) -> Any:  # noqa: ARG002
        """Leave positions where they are: what loads batches knows where they are needed."""
        return batch

    def training_step(self, epoch: list[Tensor]) -> None:
        """The optimizer steps of one epoch."""
        for images, targets in self.load(epoch):
            self.losses.append(self.step(images, targets))

    def on_train_epoch_end(self) -> None:
        """Look at the losses once an epoch (on a GPU each look waits for the device), and set the rate."""
        self.scheduler.step()
        self.mean_loss = float(torch.stack(self.losses).mean())
        self.losses.clear()
        if not math.isfinite(self.mean_loss):
            raise self.diverged(f"epoch {self.current_epoch + 1}: the training loss is")
        self.on_epoch(self.current_epoch + 1, self.trainer.max_epochs or 0)

    def check(self, outputs: Iterable[Tensor]) -> None:
        """Look at predictions after the last step, before which the last loss was computed.

        Raises:
            InputError: one is not finite.
        """
        if not all(logits.isfinite().all() for logits in outputs):
            raise self.diverged("after the last epoch: a prediction is")

    def diverged(self, what: str) -> InputError:
        """The error for a training that left the finite numbers."""
        return InputError(
            f"{self.where}, {what} not finite; "
            f"lower optimizer.lr (now {self.recipe.lr:g}), or look for extreme values in the data"
        )

    def too_large(self) -> InputError:
        """The error for a training whose batches do not fit the GPU's memory."""
        return too_large(self.where, "optimizer.batch_size", self.recipe.batch_size)


class KeepBest(pl.Callback):
    """Ends a training with the weights of the epoch that measured best; the first of equals.

    Where the metric is a number after no epoch, it says so and leaves the weights of the last one.

    Args:
        measure: the validation metric of the network as it stands, higher = better.
        network: what is trained.
    """

    def __init__(self, measure: Callable[[], float], network: nn.Module) -> None:
        self.measure, self.network = measure, network
        self.best = float("-inf")
        self.weights: dict[str, Tensor] = {}

    def on_train_epoch_end(self, trainer: pl.Trainer, pl_module: pl.LightningModule) -> None:  # noqa: ARG002
        """Measure, and copy the weights if they are the best so far."""
        value = self.measure()
        self.network.train()
        if value > self.best:  # NaN is never the best
            self.best = value
            self.weights = copy.deepcopy(self.network.state_dict())

    def on_train_end(self, trainer: pl.Trainer, pl_module: pl.LightningModule) -> None:  # noqa: ARG002
        """Put the best weights back."""
        if self.weights:
            self.network.load_state_dict(self.weights)
        else:
            words = "the metric that chooses the epoch was a number in none: the last epoch is kept"
            warnings.warn(words, stacklevel=1)


class RecordMax(pl.Callback):
    """Notes the maximum of a metric over the epochs of a training, whose weights it leaves as they are.

    Args:
        measure, network: as in `KeepBest`.
    """

    def __init__(self, measure: Callable[[], float], network: nn.Module) -> None:
        self.measure, self.network = measure, network
        self.best = float("nan")

    def on_train_epoch_end(self, trainer: pl.Trainer, pl_module: pl.LightningModule) -> None:  # noqa: ARG002
        """Measure; what is not a number is no maximum."""
        self.best = max(self.measure(), self.best, key=lambda value: (not math.isnan(value), value))
        self.network.train()


def too_large(where: str, key: str, batch_size: int) -> InputError:
    """The error for a training that the GPU's memory does not suffice for."""
    return InputError(
        f"{where}: the GPU's memory is too small for this training; lower {key} (now {batch_size}), "
        "or take a smaller model"
    )


def train(
    training: Trainable,
    data: Iterable[Any],
    epochs: int,
    machine: Machine,
    callbacks: list[pl.Callback],
) -> None:
    """Train for `epochs`, with none of what Lightning would set up anew for every round.

    The record keeps checkpoints, the journal logs and shows progress: Lightning's are off. A step knows its
    precision, and its place.

    Raises:
        InputError: the GPU's memory is too small.
    """
    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", module="pytorch_lightning")
        trainer = pl.Trainer(
            accelerator="gpu" if machine.device.type == "cuda" else "cpu",
            devices=[machine.device.index] if machine.device.type == "cuda" else 1,
            max_epochs=epochs,
            callbacks=callbacks,
            logger=False,
            enable_checkpointing=False,
            enable_progress_bar=False,
            enable_model_summary=False,
            num_sanity_val_steps=0,
            plugins=[LightningEnvironment()],  # one process, whatever SLURM's variables say
        )
        try:
            trainer.fit(training, data)
        except torch.OutOfMemoryError as error:
            raise training.too_large() from error
