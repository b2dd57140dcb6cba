"""What the last model of a run makes of images that are not labeled."""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

import torch
from torch import Tensor

from al_runner.data.dataset import shape_of
from al_runner.data.layouts.given import Given
from al_runner.data.words import Words
from al_runner.errors import InputError
from al_runner.learning.calibration import tempered
from al_runner.runs.last_model import LastModel


@dataclass(frozen=True)
class Predictions:
    """Predictions of images.

    Attributes:
        classes: their names.
        indices: positions in the training split; None where they are none of the run's images.
        names: of the files; empty where the samples are no files.
        probs: [n, C], or [n, L, 2] of several labels.
        temperature: that divided their logits; None = they are as the model gave them.
        by: the model, in words.
    """

    classes: Sequence[str]
    indices: Sequence[int | None]
    names: Sequence[str]
    probs: Tensor
    temperature: float | None
    by: str

    @property
    def present(self) -> Tensor:
        """The probability of each class or label: [n, C]."""
        return self.probs[..., 1] if self.probs.ndim == 3 else self.probs

    @cached_property
    def sure(self) -> Tensor:
        """The probability of the prediction; of several labels, that of the least sure one: [n]."""
        largest = self.probs.max(-1).values
        return largest.min(1).values if largest.ndim == 2 else largest

    @cached_property
    def order(self) -> list[int]:
        """Places of the samples, the least sure one first."""
        return self.sure.argsort(stable=True).tolist()

    @cached_property
    def words(self) -> list[str]:
        """What each is predicted to be."""
        words = Words(tuple(self.classes), self.probs.ndim == 3)
        return [words.describe(target) for target in self.probs.argmax(-1)]

    @property
    def summary(self) -> str:
        """In a line."""
        how = "as the model gives them"
        if self.temperature is not None:
            how = f"calibrated on the test split (temperature {self.temperature:.2f})"
        return f"{len(self.indices):,} images by {self.by}; probabilities {how}"


def of_pool(model: LastModel) -> Predictions:
    """The predictions of all training samples that are not labeled.

    Raises:
        InputError: there are none.
    """
    indices, names = model.pool.unlabeled, model.dataset.train.names
    if not len(indices):
        raise InputError("every image of the run is labeled: name others, in files, folders or a table")
    probs = model.learner.predict(indices).float().cpu()
    probs = probs if model.temperature is None else tempered(probs, model.temperature)
    return _predictions(
        model, indices.tolist(), [names[each] for each in indices.tolist()] if names else [], probs
    )


def of_files(model: LastModel, places: Sequence[Path], skip: bool = False) -> Predictions:
    """The predictions of files, read as the run's images were.

    Args:
        model: of a run.
        places: files, folders of them, or tables that list them.
        skip: leave out files that cannot be read.

    Raises:
        InputError: there are none, they cannot be read, or are not as the run's images.
    """
    dataset = model.dataset
    if dataset.reading is None:
        raise InputError(
            f"the images of dataset {dataset.name} are made by code: there are no files of that kind"
        )
    given = Given.found(places, dataset.reading, shape_of(dataset.train.images))
    whole = model.whole()
    names: list[str] = []
    found: list[Tensor] = []
    for block, images in given.blocks(dataset.reading, skip):
        names += block
        found += whole.predictions(images, model.machine)
    return _predictions(model, [None] * len(names), names, torch.cat(found))


def _predictions(
    model: LastModel, indices: Sequence[int | None], names: Sequence[str], probs: Tensor
) -> Predictions:
    return Predictions(model.classes, indices, names, probs, model.temperature, model.words)
