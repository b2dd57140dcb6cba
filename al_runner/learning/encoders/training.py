"""Self-supervised training on PyTorch Lightning, which goes on where it was stopped, to the bit."""

import math
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch
from torch import Tensor
from torch.optim.lr_scheduler import OneCycleLR

from al_runner.data.dataset import Split
from al_runner.data.transforms import unit
from al_runner.errors import InputError
from al_runner.learning import states
from al_runner.learning.batches import stored_at
from al_runner.learning.encoders.method import Method
from al_runner.learning.machine import Machine
from al_runner.learning.training import Trainable, too_large, train
from al_runner.loop.seeding import Streams

CHECKPOINT = "checkpoint.pt"
KEEP_SECONDS = 20.0
"""Between checkpoints, at least: a kill costs no more, and an epoch."""
WARMUP = 0.3
"""Share of the steps in which the learning rate rises."""


@dataclass(frozen=True)
class Recipe:
    """How an encoder is trained: AdamW, its rate rising and falling in one cycle (Smith and Topin, 2018).

    Args:
        epochs: in all.
        batch_size: images of a step; what does not fill a batch waits for another epoch's order.
        lr: the highest learning rate.
        weight_decay: of AdamW.
    """

    epochs: int
    batch_size: int
    lr: float
    weight_decay: float


class Pretraining(Trainable):
    """What Lightning needs to train a method; an epoch is one item, as in `learning.training`.

    An epoch's order and draws are functions of the seed and the epoch alone. So what a checkpoint keeps after
    an epoch is all that the next ones depend on.

    Args:
        method: trained in place.
        split: its images; the targets are not looked at.
        recipe: optimizer, epochs, batches.
        streams: the encoder's own.
        machine: computes.
        checkpoint: a file that is written now and then, and read at the start if it is there.
        on_epoch: told after each.
    """

    def __init__(
        self,
        method: Method,
        split: Split,
        recipe: Recipe,
        streams: Streams,
        machine: Machine,
        checkpoint: Path,
        on_epoch: Callable[[], None],
    ) -> None:
        super().__init__()
        self.automatic_optimization = False
        self.method, self.split, self.recipe, self.streams = method.to(machine.device), split, recipe, streams
        self.machine, self.checkpoint, self.on_epoch = machine, checkpoint, on_epoch
        self.steps = len(split) // recipe.batch_size
        self.adam = torch.optim.AdamW(
            (each for each in method.parameters() if each.requires_grad),
            recipe.lr,
            weight_decay=recipe.weight_decay,
        )
        self.rate = OneCycleLR(
            self.adam, recipe.lr, recipe.epochs * self.steps, pct_start=WARMUP, cycle_momentum=False
        )
        self.done = 0
        """Epochs so far."""
        self.losses: list[Tensor] = []
        self.mean_loss = float("nan")
        """Of the last epoch."""
        self.written = time.monotonic()

    def run(self) -> None:
        """Train, from the checkpoint on where there is one.

        Raises:
            InputError: the loss is not finite.
        """
        self._restore()
        for _ in range(self.done):
            self.on_epoch()
        if self.done < self.recipe.epochs:
            train(self, _Once(), self.recipe.epochs - self.done, self.machine, [])

    def configure_optimizers(self) -> torch.optim.Optimizer:
        """The optimizer as it is."""
        return self.adam

    def training_step(self, _: object) -> None:
        """The optimizer steps of one epoch."""
        draws = self.streams.generator("augment", self.done)
        with self.streams.as_global("dropout", self.done):
            for step, indices in enumerate(self._batches()):
                done = (self.done + step / self.steps) / self.recipe.epochs
                with self.machine.autocast():
                    loss = self.method.loss(unit(stored_at(self.split, indices, self.machine)), draws, done)
                self.adam.zero_grad()
                self.manual_backward(loss)
                self.adam.step()
                self.rate.step()
                self.method.stepped(done)
                self.losses.append(loss.detach())

    def _batches(self) -> tuple[Tensor, ...]:
        order = torch.randperm(len(self.split), generator=self.streams.generator("order", self.done))
        return order[: self.steps * self.recipe.batch_size].split(self.recipe.batch_size)

    def on_train_epoch_end(self) -> None:
        """Look at the losses, and keep a checkpoint if the last one is some time ago."""
        self.done += 1
        self.mean_loss = float(torch.stack(self.losses).mean())
        self.losses.clear()
        if not math.isfinite(self.mean_loss):
            raise InputError(
                f"epoch {self.done} of the encoder: the loss is not finite; lower encoder.lr "
                f"(now {self.recipe.lr:g}), or look for extreme values in the data"
            )
        if time.monotonic() - self.written > KEEP_SECONDS:
            self.keep()
        self.on_epoch()

    def too_large(self) -> InputError:
        """The error for batches that do not fit the GPU's memory."""
        return too_large("the encoder", "encoder.batch_size", self.recipe.batch_size)

    def keep(self) -> None:
        """Write the checkpoint, whole or not at all."""
        state = {
            "done": self.done,
            "method": self.method.state_dict(),
            "adam": self.adam.state_dict(),
            "rate": {key: each for key, each in self.rate.state_dict().items() if _is_plain(each)},
        }
        fresh = self.checkpoint.with_suffix(".new")
        states.write(state, fresh)
        fresh.replace(self.checkpoint)
        self.written = time.monotonic()

    def _restore(self) -> None:
        try:
            state = states.read(self.checkpoint, self.machine.device)
        except (OSError, InputError):  # none, or damaged
            return
        try:
            self.method.load_state_dict(state["method"])
            self.adam.load_state_dict(state["adam"])
            self.rate.load_state_dict(state["rate"])
            self.done = state["done"]
        except (RuntimeError, ValueError, KeyError) as error:
            raise InputError(
                f"{self.checkpoint} is not of this version of al-runner; it is removed: start again"
            ) from error


class _Once:
    """What Lightning iterates over: one item an epoch (it would skip None)."""

    def __len__(self) -> int:
        return 1

    def __iter__(self) -> Iterator[int]:
        yield 0


def _is_plain(value: Any) -> bool:
    return value is None or isinstance(value, bool | int | float | str | list)
