"""What `trainer.precision=auto` is for a run: measured at its start, and the same at every later one."""

import gc
from collections.abc import Mapping
from dataclasses import replace
from functools import partial
from typing import Any

import torch

from al_runner.config.schema import Config
from al_runner.learning.learner import NetworkLearner
from al_runner.learning.precision import PRECISIONS, Precision, available, chosen
from al_runner.learning.trial import seconds_of
from al_runner.runs.build import Parts, Setting, learner_of


def settled(setting: Setting, config: Config, parts: Parts, before: Mapping[str, Any]) -> Setting:
    """The setting with the precision that the run computes in.

    On a CPU, and where a precision is asked for, that is what it was.

    Args:
        setting: what the run is about.
        config: the typed config.
        parts: builds its nodes.
        before: the manifest as the last start left it, {} where there was none.
    """
    machine = setting.machine
    if config.trainer.precision != "auto" or machine.device.type == "cpu":
        return setting
    if setting.encoding:
        _ = setting.encoding.features  # made in its own precision, before another one is set
    among = available(torch.cuda.get_device_capability(machine.device))
    precision = known(before)
    if precision not in among:
        precision = measured(setting, config, parts, among)
    return replace(setting, machine=machine.at(precision))


def known(manifest: Mapping[str, Any]) -> Precision | None:
    """The precision of a run's last start; None = it was not started yet."""
    last = (manifest.get("sessions") or [{}])[-1]
    # Runs from before 0.3 have it only in the words for their device.
    named = last.get("precision") or str(last.get("device", "")).split(", ")[-1]
    return next((each for each in PRECISIONS if each == named), None)


def measured(setting: Setting, config: Config, parts: Parts, among: tuple[Precision, ...]) -> Precision:
    """The fastest of some precisions for the run's network and batches; float32 for what is no network."""
    posterior = None if setting.proxy else parts("posterior")
    learner = learner_of(setting, config, parts, posterior, lambda _done, _all: None)
    if not isinstance(learner, NetworkLearner):
        return among[0]
    found = chosen(partial(seconds_of, learner), among)
    del learner
    gc.collect()
    if setting.machine.device.type == "cuda":
        torch.cuda.empty_cache()  # the run's own images take this memory
    return found
