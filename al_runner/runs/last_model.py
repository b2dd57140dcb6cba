"""The model that a run has by now: its final one, else that of its last complete round."""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

import torch
from omegaconf import OmegaConf
from omegaconf.errors import OmegaConfBaseException
from yaml import YAMLError

from al_runner.config.identity import identity
from al_runner.config.parts import Parts
from al_runner.config.schema import to_dict, validate
from al_runner.data.dataset import Dataset
from al_runner.errors import InputError
from al_runner.learning.calibration import best_temperature, tempered
from al_runner.learning.learner import NetworkLearner
from al_runner.learning.machine import Machine
from al_runner.learning.whole import Whole, about, whole
from al_runner.loop.pool import Pool
from al_runner.loop.protocols import Learner
from al_runner.runs.build import Setting, build, prepare
from al_runner.runs.record import Record, read_manifest
from al_runner.runs.rounds import CHECKPOINT, changed
from al_runner.runs.run import restore
from al_runner.runs.settling import settled

FEWEST = 20
"""Labels of the random sample that a temperature can be chosen by."""
TEMPERATURES = (0.2, 5.0)
NO_CONFIG = (OSError, ValueError, YAMLError, OmegaConfBaseException, KeyError, TypeError, AttributeError)
"""What a damaged `config.yaml` raises."""


@dataclass(frozen=True)
class LastModel:
    """A run that is not gone on with, but asked.

    Attributes:
        setting: what it is about.
        learner: as the last complete round left it; of two, the one that the run is about, not the proxy.
        pool: what is labeled.
        devices: on which the run's rounds were computed, in words that end with the precision.
        round: that left the model.
        is_final: the model is `schedule.final_model`, a network of its own, trained once on all labels.
    """

    setting: Setting
    learner: Learner
    pool: Pool
    devices: Sequence[str]
    round: int = 0
    is_final: bool = False

    @property
    def dataset(self) -> Dataset:
        """The run's."""
        return self.setting.dataset

    @property
    def machine(self) -> Machine:
        """That asks."""
        return self.setting.machine

    @property
    def n_labeled(self) -> int:
        """Labels that the model learned from."""
        return len(self.pool.labeled)

    @property
    def words(self) -> str:
        """Which model it is, and what it learned from."""
        which = "the final model" if self.is_final else f"the model of round {self.round}"
        return f"{which}, of {self.n_labeled:,} labels"

    @property
    def classes(self) -> Sequence[str]:
        """Their names."""
        return self.dataset.class_names or [str(each) for each in range(self.dataset.task.n_classes)]

    @cached_property
    def temperature(self) -> float | None:
        """What calibrates its predictions; None = too few labels tell, or it makes masks."""
        return None if self.dataset.task.dense else temperature(self.learner, self.dataset)

    def whole(self) -> Whole:
        """From stored images to calibrated probabilities.

        Raises:
            InputError: its features are given, so nothing makes those of other images.
        """
        encoder = self.setting.encoding.frozen() if self.setting.encoding else None
        return whole(self.learner, self.dataset, encoder, self.temperature)


def last_model(folder: Path) -> LastModel:
    """The model of a run folder's last complete round: its final model, where it has trained one.

    Raises:
        InputError: there is none, its checkpoint was not kept, or its data are not there.
    """
    composed = _composed(folder)
    config = validate(composed).model_copy(update={"keep_predictions": True})
    parts = Parts(composed)
    setting = settled(prepare(config, parts, folder, "al-run"), config, parts, read_manifest(folder))
    experiment = build(setting, config, parts, lambda _done, _of: None)
    with Record(folder, "all").locked() as record:
        if not record.rounds:
            raise InputError(f"{folder} has no model yet: it has no complete round with labels to learn from")
        last = record.rounds[-1]
        if not (last.folder / CHECKPOINT).is_file():
            raise InputError(f"{folder} kept no checkpoint: keep_checkpoints=last keeps the last round's")
        restore(record, experiment)
        learner, is_final = about(experiment.learner), not last.row["n_queried"]
        if is_final and isinstance(learner, NetworkLearner):
            learner.begin_final()
            experiment.learner.load(record.checkpoint())
        devices = [str(each.get("device", "")) for each in record.manifest().get("sessions", [])]
    return LastModel(setting, learner, experiment.pool, devices, len(record.rounds) - 1, is_final)


def _composed(folder: Path) -> Any:
    """The run's config; its science is that of the manifest."""
    path = folder / ".hydra" / "config.yaml"
    try:
        composed: Any = OmegaConf.load(path)
        same = identity(to_dict(composed)) == read_manifest(folder).get("identity")
    except (
        OSError,
        ValueError,
        YAMLError,
        OmegaConfBaseException,
        KeyError,
        TypeError,
        AttributeError,
    ) as error:
        raise InputError(f"{path} cannot be read: al-predict needs the run's config") from error
    if not same:
        raise changed(path)
    return composed


def temperature(learner: Learner, dataset: Dataset) -> float | None:
    """What makes them as sure as the test split says (Guo et al., 2017); None if that has too few labels."""
    test = dataset.splits["test"]
    if len(test.told) < FEWEST:
        return None
    probs = torch.from_numpy(learner.evaluate().arrays["probabilities_test"]).float()
    true = test.targets[test.told].long().unsqueeze(-1)

    def loss(inverse: float) -> float:
        likelihood = tempered(probs, 1 / inverse).gather(-1, true)
        return float(-likelihood.clamp(min=1e-12).log().mean())

    return best_temperature(loss, *TEMPERATURES)
