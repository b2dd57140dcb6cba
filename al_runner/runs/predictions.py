"""What the last model of a run makes of the samples that are not labeled."""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

import torch
from omegaconf import OmegaConf
from torch import Tensor
from yaml import YAMLError

from al_runner.config.parts import Parts
from al_runner.config.schema import validate
from al_runner.data.dataset import Dataset
from al_runner.data.words import Words
from al_runner.errors import InputError
from al_runner.learning.calibration import best_temperature
from al_runner.loop.protocols import Learner
from al_runner.runs.build import build, prepare
from al_runner.runs.record import Record
from al_runner.runs.rounds import CHECKPOINT
from al_runner.runs.run import restore

FEWEST = 20
"""Labels of the random sample that a temperature can be chosen by."""
TEMPERATURES = (0.2, 5.0)


@dataclass(frozen=True)
class Predictions:
    """Predictions of unlabeled samples.

    Attributes:
        classes: their names.
        indices: positions in the training split.
        names: of the files; empty where the samples are no files.
        probs: [n, C], or [n, L, 2] of several labels.
        temperature: that divided their logits; None = they are as the model gave them.
        n_labeled: labels that the model learned from.
    """

    classes: Sequence[str]
    indices: Sequence[int]
    names: Sequence[str]
    probs: Tensor
    temperature: float | None
    n_labeled: int

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
        return f"{len(self.indices):,} images by a model of {self.n_labeled:,} labels, probabilities {how}"


def of_run(folder: Path) -> Predictions:
    """The predictions of the last complete round's model.

    Raises:
        InputError: there is none, its checkpoint was not kept, its data are not there, or it segments.
    """
    composed = _composed(folder)
    config = validate(composed).model_copy(update={"keep_predictions": True})
    parts = Parts(composed)
    setting = prepare(config, parts, folder, "al-run")
    dataset = setting.dataset
    if dataset.task.dense:
        raise InputError("al-predict writes tables of classes, and this run makes masks")
    experiment = build(setting, config, parts, lambda _done, _of: None)
    with Record(folder, "all").locked() as record:
        if not record.rounds or not record.rounds[-1].row["n_queried"]:
            raise InputError(f"{folder} has no complete round with a model of the loop")
        if not (record.rounds[-1].folder / CHECKPOINT).is_file():
            raise InputError(f"{folder} kept no checkpoint: keep_checkpoints=last keeps the last round's")
        restore(record, experiment)
    indices = experiment.pool.unlabeled
    if not len(indices):
        raise InputError(f"every image of {folder} is labeled")
    probs = experiment.learner.predict(indices).float().cpu()
    divisor = temperature(experiment.learner, dataset)
    return Predictions(
        classes=dataset.class_names or [str(each) for each in range(dataset.task.n_classes)],
        indices=indices.tolist(),
        names=[dataset.train.names[index] for index in indices.tolist()] if dataset.train.names else [],
        probs=probs if divisor is None else _tempered(probs, divisor),
        temperature=divisor,
        n_labeled=len(experiment.pool.labeled),
    )


def _composed(folder: Path) -> Any:
    path = folder / ".hydra" / "config.yaml"
    try:
        return OmegaConf.load(path)
    except (OSError, YAMLError) as error:
        raise InputError(f"{path} cannot be read: al-predict needs the run's config") from error


def temperature(learner: Learner, dataset: Dataset) -> float | None:
    """What makes them as sure as the test split says (Guo et al., 2017); None if that has too few labels."""
    test = dataset.splits["test"]
    if len(test.told) < FEWEST:
        return None
    probs = torch.from_numpy(learner.evaluate().arrays["probabilities_test"]).float()
    true = test.targets[test.told].long().unsqueeze(-1)

    def loss(inverse: float) -> float:
        likelihood = _tempered(probs, 1 / inverse).gather(-1, true)
        return float(-likelihood.clamp(min=1e-12).log().mean())

    return best_temperature(loss, *TEMPERATURES)


def _tempered(probs: Tensor, divisor: float) -> Tensor:
    """Probabilities whose logits are divided."""
    return (probs.double().clamp(min=1e-12).log() / divisor).softmax(-1).to(torch.float32)
