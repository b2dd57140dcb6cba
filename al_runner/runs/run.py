"""One run, from its parts to its closed record."""

import sys
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, replace

import torch
from torch import Tensor

from al_runner.config.identity import data_source
from al_runner.data.addresses import hidden
from al_runner.data.dataset import Dataset
from al_runner.errors import InputError
from al_runner.learning import states
from al_runner.loop.experiment import Experiment
from al_runner.loop.oracle import Oracle
from al_runner.loop.pool import Query
from al_runner.people.answers import now
from al_runner.runs.begun import Request, begin, check_data
from al_runner.runs.build import Parts, Setting, build, encoder_is_awaited, prepare
from al_runner.runs.display import Display
from al_runner.runs.journal import RunJournal
from al_runner.runs.loggers.base import Guarded, RunInfo
from al_runner.runs.people import Asking
from al_runner.runs.record import Record, Status, read_manifest
from al_runner.runs.settling import settled


@dataclass(frozen=True)
class Assembled:
    """A run that has only to be carried out.

    Attributes:
        setting: what it is about.
        experiment: its parts.
        display: what the user sees.
        logger: told of its rounds.
    """

    setting: Setting
    experiment: Experiment
    display: Display
    logger: Guarded

    @classmethod
    def of(cls, request: Request, setting: Setting, parts: Parts) -> "Assembled":
        """The run that is asked for.

        Raises:
            InputError: a part of it cannot be built.
        """
        config, plan, headline = request.config, setting.plan, setting.dataset.task.headline
        title = f"{config.name} {request.strategy} seed {config.seed}"
        display = Display(title, plan.longest, headline, waits=setting.readers is not None)
        experiment = build(setting, config, parts, display.epoch)
        return cls(setting, experiment, display, Guarded(parts("logger")))


def execute(request: Request, parts: Parts) -> None:
    """Start a run, or resume it, and go on until it is finished or waits for labels.

    Nothing is written before every part of the run could be built, but for questions that people can answer
    while an encoder learns.

    Raises:
        InputError: something asked for cannot be done; the record keeps what was complete.
    """
    config, folder = request.config, request.folder
    setting = prepare(config, parts, folder, request.command)
    record = Record(folder, config.keep_checkpoints)
    if encoder_is_awaited(setting, config, parts):
        with record.locked():
            if _begins(record, request, setting):
                setting = _sampled(record, request, setting)
                _carry_out(record, request, Assembled.of(request, setting, parts))
        return
    run = Assembled.of(request, settled(setting, config, parts, read_manifest(folder)), parts)
    with record.locked():
        if _begins(record, request, run.setting):
            restore(record, run.experiment)
            begin(record, request, run.setting)
            _carry_out(record, request, run)


def _begins(record: Record, request: Request, setting: Setting) -> bool:
    """Whether there is something to do; what people answered is kept."""
    check_data(record, setting)
    if record.manifest().get("status") == "finished":  # by another process since we looked
        record.update_manifest(data_source=data_source(request.plain))
        return False
    if setting.readers:
        setting.readers.keep()
    return True


def _sampled(record: Record, request: Request, setting: Setting) -> Setting:
    """Let people label what models are measured on while the encoder learns; then their answers count."""
    readers, encoding = setting.readers, setting.encoding
    if readers is None or encoding is None:
        raise TypeError("people are asked while an encoder learns")
    begin(record, request, setting)
    count = Asking(readers, setting.dataset).sample()
    record.close("waiting", end=now())
    print(
        f"al-run: {count:,} images can be labeled already, in another terminal: al-label {record.folder}; "
        "more are asked for when the encoder has learned",
        file=sys.stderr,
    )
    _ = encoding.features
    readers = readers.again()
    readers.keep()
    return replace(setting, readers=readers)


def _carry_out(record: Record, request: Request, run: Assembled) -> None:
    """Go on from where the record ends."""
    setting, experiment, display, logger = run.setting, run.experiment, run.display, run.logger
    rows = _rows(record)
    readers, dataset = setting.readers, setting.dataset
    ending = readers.ending if readers else None
    if ending:
        experiment = replace(experiment, plan=setting.plan.until(len(_of_loop(rows))))
    status: Status = "running"
    try:
        with display.showing(len(rows)):
            logger.start(_info(request, record, dataset))
            costs, memory = _costs(experiment.oracle), experiment.memory
            people = Asking(readers, dataset, experiment.learner) if readers else None
            journal = RunJournal(record, logger, display, dataset, costs, memory, people)
            complete = experiment.run(journal, rows)
            if complete:
                journal.ask_no_more()
        status = "finished" if complete else "waiting"
        reason = ending.reason if ending else setting.plan.early_end(_of_loop(_rows(record)))
        if reason:
            display.say(f"ended early: {reason}")
        record.close(status, end=now(), ended_early=reason)
    except Exception as error:
        status = "failed"
        _close_failed(record, error)
        raise
    finally:
        logger.finish(status)


def _rows(record: Record) -> list[Mapping[str, float]]:
    return [closed.row for closed in record.rounds]


def _of_loop(rows: Sequence[Mapping[str, float]]) -> list[Mapping[str, float]]:
    """The rows of the loop's rounds, without that of a final model."""
    return [row for row in rows if row["n_queried"]]


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
        config=hidden(dict(request.plain)),
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
        record.close("failed", end=now(), error=str(error) or type(error).__name__)
