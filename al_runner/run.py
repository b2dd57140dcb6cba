"""One run, from its parts to its closed record."""

import platform
import shlex
import subprocess
import sys
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass
from datetime import UTC, datetime
from importlib.metadata import version
from pathlib import Path
from typing import Any, Protocol

import torch

import al_runner
from al_runner.data.dataset import Dataset
from al_runner.errors import InputError
from al_runner.journal import RunJournal
from al_runner.learning.learner import NetworkLearner
from al_runner.learning.machine import Machine
from al_runner.loggers.base import Guarded, RunInfo
from al_runner.loop import Experiment
from al_runner.pool import Pool, Query
from al_runner.progress import Display
from al_runner.record import Record, Status
from al_runner.schedule import Schedule
from al_runner.schema import Config
from al_runner.seeding import Streams
from al_runner.strategies.random import random
from al_runner.tasks import Task

LIBRARIES = ("torch", "torchvision", "pytorch-lightning", "torchmetrics", "monai", "medmnist", "numpy")


@dataclass(frozen=True)
class Request:
    """What the user asked for.

    Attributes:
        config: the typed config.
        plain: the whole composed config as plain values.
        identity: the hash of its science.
        group: the same without the seed: what repetitions share.
        strategy: the name of the strategy's file.
        folder: the run folder.
        asked: file name → content for `.hydra/`.
    """

    config: Config
    plain: Mapping[str, Any]
    identity: str
    group: str
    strategy: str
    folder: Path
    asked: Mapping[str, str]


class Parts(Protocol):
    """Builds a config node by its name."""

    def __call__(self, name: str, **arguments: Any) -> Any:
        """What the node `name` describes."""


def execute(request: Request, parts: Parts) -> None:
    """Start a run, or resume it, and go on until it is finished or waits for labels.

    Nothing is written before every part of the run could be built.

    Raises:
        InputError: something asked for cannot be done; the record keeps what was complete.
    """
    config = request.config
    schedule = config.schedule.build()
    machine = Machine.detect(**config.trainer.model_dump())
    dataset: Dataset = parts("dataset")
    rounds = schedule.rounds(len(dataset.train))
    _check_metrics(config, dataset.task)
    title = f"{config.name} {request.strategy} seed {config.seed}"
    display = Display(title, rounds, dataset.task.headline)
    experiment = _build(config, schedule, machine, dataset, parts, display)
    logger = Guarded(parts("logger"))
    with Record(request.folder, config.keep_checkpoints).locked() as record:
        _begin(record, request, machine, dataset)
        _restore(record, experiment)
        done = len(record.rounds)
        status: Status = "failed"
        try:
            with display.showing(done):
                logger.start(_info(request, record, dataset))
                journal = RunJournal(record, logger, display, dataset.task.describe)
                reached = bool(done) and schedule.target.reached(record.rounds[-1].row)
                complete = reached or experiment.run(rounds[done:], journal)
            status = "finished" if complete else "waiting"
            record.close(status, end=_now())
        except Exception as error:
            _close_failed(record, error)
            raise
        finally:
            logger.finish(status)


def _build(
    config: Config, schedule: Schedule, machine: Machine, dataset: Dataset, parts: Parts, display: Display
) -> Experiment:
    streams = Streams(config.seed)
    learner = NetworkLearner(
        dataset,
        build_network=parts("model"),
        recipe=parts("optimizer"),
        machine=machine,
        streams=streams,
        best_epoch_by=config.schedule.best_epoch_by,
        warm=schedule.reset_every != 1,
        keep_predictions=config.keep_predictions,
        on_epoch=display.epoch,
    )
    oracle = parts("oracle")(
        targets=dataset.train.targets,
        n_classes=dataset.task.n_classes,
        generator=streams.generator("oracle"),
    )
    return Experiment(
        pool=Pool(len(dataset.train)),
        learner=learner,
        oracle=oracle,
        initial=random,
        strategy=parts("strategy"),
        streams=streams,
        target=schedule.target,
    )


def _check_metrics(config: Config, task: Task) -> None:
    """Refuse a metric that the task does not have, before anything is trained."""
    known = [f"val/{name}" for name in task.metrics().keys() if name != "confusion"]  # noqa: SIM118
    for key, metric in (
        ("target.metric", config.schedule.target.metric),
        ("best_epoch_by", config.schedule.best_epoch_by),
    ):
        if metric is not None and metric not in known:
            raise InputError(f"schedule.{key}={metric} is not measured here; there are {', '.join(known)}")


def _begin(record: Record, request: Request, machine: Machine, dataset: Dataset) -> None:
    """Write what was asked, and on what it runs; refuse to go on with other data."""
    before = record.manifest()
    data = before.get("dataset", {})
    if data and data["fingerprint"] != dataset.fingerprint:
        raise InputError(
            f"{record.folder} was begun with other data of the name {dataset.name} "
            f"({data['fingerprint']}, now {dataset.fingerprint}); give the new data another dataset.name"
        )
    for name, content in request.asked.items():
        record.write(f".hydra/{name}", content)
    record.update_manifest(
        status="running",
        identity=request.identity,
        group=request.group,
        name=request.config.name,
        strategy=request.strategy,
        seed=request.config.seed,
        command=shlex.join(["al-run", *sys.argv[1:]]),
        start=before.get("start", _now()),
        resumed=[*before.get("resumed", []), *([_now()] if before else [])],
        end=None,
        error=None,
        device=machine.name,
        host=platform.node(),
        code=_code_version(),
        versions={"python": platform.python_version(), **{name: version(name) for name in LIBRARIES}},
        dataset={
            "name": dataset.name,
            "fingerprint": dataset.fingerprint,
            "sizes": {name: len(split) for name, split in dataset.splits.items()},
            "class_names": list(dataset.class_names),
        },
    )


def _restore(record: Record, experiment: Experiment) -> None:
    """Bring the pool and the learner to where the record ends."""
    for number, closed in enumerate(record.rounds):
        query = Query(torch.tensor(closed.indices(), dtype=torch.int64))
        experiment.pool.add(query, torch.from_numpy(closed.labels()), number)
    if record.rounds:
        experiment.learner.load(record.checkpoint())


def _info(request: Request, record: Record, dataset: Dataset) -> RunInfo:
    config = request.config
    return RunInfo(
        identity=request.identity,
        name=f"{config.name}/{request.strategy}/seed-{config.seed}",
        group=f"{config.name}/{request.strategy}/{request.group}",
        config=request.plain,
        folder=record.folder,
        train=dataset.train,
        history=[closed.row for closed in record.rounds],
    )


def _close_failed(record: Record, error: Exception) -> None:
    # On a full disk this fails too; the first error says so, and a stale status says only `unfinished`.
    with suppress(InputError):
        record.close("failed", end=_now(), error=str(error) or type(error).__name__)


def _now() -> str:
    return datetime.now(UTC).isoformat(timespec="seconds")


def _code_version() -> str:
    """The package's version, with the commit where it runs from a git checkout."""
    source = Path(al_runner.__file__).parent
    command = ["git", "-C", str(source), "describe", "--always", "--dirty", "--abbrev=12"]
    if not (source.parent / ".git").exists():
        return al_runner.__version__
    try:
        commit = subprocess.run(command, capture_output=True, text=True, check=True).stdout.strip()
    except (OSError, subprocess.CalledProcessError):
        return al_runner.__version__
    return f"{al_runner.__version__}+{commit}"
