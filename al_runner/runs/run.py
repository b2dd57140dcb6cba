"""One run, from its parts to its closed record."""

import platform
import subprocess
import sys
from collections.abc import Callable, Mapping
from contextlib import suppress
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from functools import cache
from importlib.metadata import version
from pathlib import Path
from typing import Any

import torch
from torch import Tensor

import al_runner
from al_runner.config.identity import data_source, science
from al_runner.config.own_code import own_code
from al_runner.config.schema import Config
from al_runner.data.dataset import Dataset
from al_runner.errors import InputError
from al_runner.learning import states
from al_runner.loop.experiment import Experiment
from al_runner.loop.oracle import Oracle
from al_runner.loop.pool import Query
from al_runner.runs.build import Parts, Setting, build, prepare
from al_runner.runs.display import Display
from al_runner.runs.journal import RunJournal
from al_runner.runs.loggers.base import Guarded, RunInfo
from al_runner.runs.people import Asking
from al_runner.runs.record import Record, Status, read_manifest
from al_runner.runs.settling import settled

LIBRARIES = (
    "torch",
    "torchvision",
    "pytorch-lightning",
    "torchmetrics",
    "captum",
    "monai",
    "nibabel",
    "medmnist",
    "numpy",
    "kornia",
    "scikit-learn",
)


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
        command: what repeats exactly this run.
        asked: file name → content for `.hydra/`.
    """

    config: Config
    plain: Mapping[str, Any]
    identity: str
    group: str
    strategy: str
    folder: Path
    command: str
    asked: Mapping[str, str]


def execute(request: Request, parts: Parts) -> None:
    """Start a run, or resume it, and go on until it is finished or waits for labels.

    Nothing is written before every part of the run could be built.

    Raises:
        InputError: something asked for cannot be done; the record keeps what was complete.
    """
    config = request.config
    prepared = prepare(config, parts, request.folder, request.command)
    setting = settled(prepared, config, parts, read_manifest(request.folder))
    dataset = setting.dataset
    title = f"{config.name} {request.strategy} seed {config.seed}"
    display = Display(title, setting.plan.longest, dataset.task.headline, waits=setting.readers is not None)
    experiment = build(setting, config, parts, display.epoch)
    logger = Guarded(parts("logger"))
    with Record(request.folder, config.keep_checkpoints).locked() as record:
        _check_data(record, setting)
        if record.manifest().get("status") == "finished":  # by another process since we looked
            record.update_manifest(data_source=data_source(request.plain))
            return
        if setting.readers:
            setting.readers.keep()
        restore(record, experiment)
        _begin(record, request, setting)
        rows = [closed.row for closed in record.rounds]
        status: Status = "running"
        try:
            with display.showing(len(rows)):
                logger.start(_info(request, record, dataset))
                costs, memory = _costs(experiment.oracle), experiment.memory
                readers = setting.readers
                people = Asking(readers, dataset, experiment.learner) if readers else None
                journal = RunJournal(record, logger, display, dataset, costs, memory, people)
                complete = experiment.run(journal, rows)
            status = "finished" if complete else "waiting"
            loop = [closed.row for closed in record.rounds if closed.row["n_queried"]]
            if reason := setting.plan.early_end(loop):
                display.say(f"ended early: {reason}")
            record.close(status, end=_now(), ended_early=reason)
        except Exception as error:
            status = "failed"
            _close_failed(record, error)
            raise
        finally:
            logger.finish(status)


def _check_data(record: Record, setting: Setting) -> None:
    """Refuse to go on with other data than the run was begun with."""
    before = record.manifest()
    for key, dataset in _data(setting).items():
        known = (before.get(key) or {}).get("fingerprint")
        if known is None and record.rounds:
            raise InputError(
                f"{record.folder}/manifest.json lacks the data's fingerprint: it was edited or removed"
            )
        if known not in (None, dataset.fingerprint):
            raise InputError(
                f"{record.folder} was begun with other data of the name {dataset.name} "
                f"({known}, now {dataset.fingerprint}); give the new data another dataset.name"
            )


def _data(setting: Setting) -> dict[str, Dataset]:
    """What a run learns from, by what the manifest calls it."""
    return {"dataset": setting.dataset, **({"proxy": setting.proxy.dataset} if setting.proxy else {})}


def _described(dataset: Dataset) -> dict[str, Any]:
    """A data set for the manifest."""
    return {
        "name": dataset.name,
        "fingerprint": dataset.fingerprint,
        "sizes": {name: len(split) for name, split in dataset.splits.items()},
        "class_names": list(dataset.class_names),
        "headline": dataset.task.headline,
        "class_counts": {
            name: dataset.task.count(split.targets[split.told]).tolist()
            for name, split in dataset.splits.items()
        },
    }


def _begin(record: Record, request: Request, setting: Setting) -> None:
    """Write what was asked, and on what it runs from here."""
    machine = setting.machine
    before = record.manifest()
    sessions = before.get("sessions", [])
    session = {
        "start": _now(),
        "host": platform.node(),
        "device": machine.name,
        "precision": machine.precision,
        "code": _code_version(),
        "own_code": own_code(request.plain),
        "versions": dict(_versions()),
    }
    for key in ("device", "code", "own_code", "versions"):
        if sessions and record.rounds and sessions[-1].get(key, session[key]) != session[key]:
            print(
                f"al-run: the {key} changed since the last start: this run will differ from one that was not "
                f"stopped ({sessions[-1].get(key)}, now {session[key]})",
                file=sys.stderr,
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
        command=request.command,
        start=before.get("start", session["start"]),
        end=None,
        error=None,
        sessions=[*sessions, session],
        data_source=data_source(request.plain),
        **{key: _described(dataset) for key, dataset in _data(setting).items()},
        switch=setting.switch and asdict(setting.switch),
        science=science(request.plain),
        report=request.config.report.model_dump(),
    )


def restore(record: Record, experiment: Experiment) -> None:
    """Bring the pool, the learner and what the strategy remembers to where the record ends."""
    for number, closed in enumerate(record.rounds):
        query = Query(torch.tensor(closed.indices(), dtype=torch.int64))
        experiment.pool.add(query, torch.from_numpy(closed.labels()), number)
    if record.rounds and record.rounds[-1].row["n_queried"]:  # the final model's row is the end
        experiment.learner.load(record.checkpoint())
        if experiment.memory is not None:
            experiment.memory.restore(states.read(record.memory()))


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


def _costs(oracle: Oracle) -> Callable[[Tensor], Tensor | None]:
    """How an oracle counts; one of the user's own need not."""
    return getattr(oracle, "costs", lambda _labels: None)


def _close_failed(record: Record, error: Exception) -> None:
    # On a full disk this fails too; the first error says so, and a stale status says only `unfinished`.
    with suppress(InputError):
        record.close("failed", end=_now(), error=str(error) or type(error).__name__)


def _now() -> str:
    return datetime.now(UTC).isoformat(timespec="seconds")


@cache
def _versions() -> Mapping[str, str]:
    """Of Python and the libraries: those that this process has imported, so for all its jobs."""
    return {"python": platform.python_version(), **{name: version(name) for name in LIBRARIES}}


@cache
def _code_version() -> str:
    """The package's version, with the commit where it runs from a git checkout: as it was imported."""
    source = Path(al_runner.__file__).parent
    command = ["git", "-C", str(source), "describe", "--always", "--dirty", "--abbrev=12"]
    if not (source.parent / ".git").exists():
        return al_runner.__version__
    try:
        commit = subprocess.run(command, capture_output=True, text=True, check=True).stdout.strip()
    except (OSError, subprocess.CalledProcessError):
        return al_runner.__version__
    return f"{al_runner.__version__}+{commit}"
