"""One job, from the composed config to the run folder: a run is one job, a sweep has many.

Nothing heavy is imported before it is known that there is something to compute.
"""

import csv
import os
import shlex
import sys
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from hydra.conf import HydraConf
from hydra.types import RunMode
from omegaconf import DictConfig, OmegaConf
from yaml import YAMLError

from al_runner.config import resolvers  # noqa: F401  before Hydra starts
from al_runner.errors import InputError
from al_runner.runs.sweeps.cards import VISIBLE, job_card
from al_runner.runs.sweeps.sweep import Status
from al_runner.runs.sweeps.texts import yaml_of
from al_runner.runs.sweeps.threads import job_threads

if TYPE_CHECKING:
    from al_runner.config.schema import Config


PEOPLE = "al_runner.people.oracle.People"


@dataclass(frozen=True)
class Done:
    """How a job ended.

    Attributes:
        folder: the run folder.
        status: what became of it.
        objective: the last value of the metric `objective`, where a search asks for one.
        lacks: what is asked for now and was not when the run was made, as overrides.
        changed: modules of the user's own that are others than when the run was made.
    """

    folder: Path
    status: Status
    objective: float | None
    lacks: tuple[str, ...] = ()
    changed: tuple[str, ...] = ()


def run_job(composed: DictConfig, hydra_config: HydraConf) -> Done:
    """Check the config, then run what it says, or resume it, or see that it is finished.

    Raises:
        InputError: something asked for cannot be done.
    """
    from al_runner.config.identity import data_source, identity
    from al_runner.config.own_code import changed, own_code
    from al_runner.config.schema import checked, to_dict
    from al_runner.runs.record import Record, read_manifest

    _find_user_code(hydra_config)
    plain = to_dict(composed)
    config = checked(plain)
    strategy = _strategy(hydra_config)
    known = identity(plain)
    folder = config.output_dir / config.name / strategy / f"seed-{config.seed}-{known}"
    manifest = read_manifest(folder)
    status: Status = "finished already"
    if manifest.get("status") == "finished" and manifest.get("data_source") == data_source(plain):
        with Record(folder, config.keep_checkpoints).locked() as record:  # says so if it was changed
            if config.report.arm is not None:  # what a report calls a run may be said later
                record.update_manifest(report=config.report.model_dump())
    else:
        _execute(config, composed, plain, hydra_config, strategy, folder, known)
        status = read_manifest(folder)["status"]
    value = _last_value(folder, config.objective)
    if status != "finished already":
        return Done(folder, status, value)
    made_with = (manifest.get("sessions") or [{}])[-1].get("own_code")
    return Done(folder, status, value, _not_kept(folder, config), tuple(changed(made_with, own_code(plain))))


def _not_kept(folder: Path, config: "Config") -> tuple[str, ...]:
    """What is asked to be kept, and was not asked for when the run was made: it would have to run again."""
    path = folder / ".hydra" / "config.yaml"
    try:
        made = OmegaConf.load(path)
    except (OSError, YAMLError):  # then it is not known
        return ()
    asked = {
        "keep_predictions=true": config.keep_predictions and not OmegaConf.select(made, "keep_predictions"),
        "keep_pool=true": config.keep_pool and not OmegaConf.select(made, "keep_pool"),
        "audit=maps": config.audit.samples and not OmegaConf.select(made, "audit.samples"),
    }
    return tuple(words for words, is_lacking in asked.items() if is_lacking)


def _strategy(hydra_config: HydraConf) -> str:
    """The name of the strategy's file, which is a folder's name, too."""
    from al_runner.config.nodes import below_output_dir

    choice = str(hydra_config.runtime.choices["strategy"])
    try:
        return below_output_dir(choice.removesuffix(".yaml"))
    except ValueError as error:
        raise InputError(f"strategy: {error}") from error


def _execute(
    config: "Config",
    composed: DictConfig,
    plain: Mapping[str, Any],
    hydra_config: HydraConf,
    strategy: str,
    folder: Path,
    known: str,
) -> None:
    from al_runner.config.identity import identity
    from al_runner.config.parts import Parts
    from al_runner.data.addresses import hidden
    from al_runner.runs.deferred import defer
    from al_runner.runs.garbage import imports_stay

    defer()
    with imports_stay("al_runner.runs.run"):
        from al_runner.runs.begun import Request
        from al_runner.runs.run import execute

    if config.trainer.accelerator != "cpu":
        _take_card(hydra_config)
    parts = Parts(composed, plain)
    parts.check()
    _mention_page(plain)
    request = Request(
        config=_with_threads(config, hydra_config),
        plain=plain,
        identity=known,
        group=identity(plain, "seed"),
        strategy=strategy,
        folder=folder,
        command=hidden(command(hydra_config)),
        asked={
            "config.yaml": hidden(yaml_of(composed)),
            "overrides.yaml": hidden(OmegaConf.to_yaml(hydra_config.overrides.task)),
            "hydra.yaml": hidden(yaml_of(hydra_config, "hydra")),
        },
    )
    execute(request, parts)


def _mention_page(plain: Mapping[str, Any]) -> None:
    """Say before anything is computed that people could not be asked on a page."""
    if plain["oracle"].get("_target_") != PEOPLE or "missing" in plain["dataset"]:
        return
    from al_runner.people.waiting import page_lacks  # nothing for runs that ask nobody

    if lacks := page_lacks():
        print(f"al-run: al-label asks people on a page: {lacks}", file=sys.stderr)


def _take_card(hydra_config: HydraConf) -> None:
    """In a sweep, the job's GPU: before anything asks for one, which settles what this process sees."""
    if hydra_config.mode != RunMode.MULTIRUN:
        return
    import torch

    number = int(hydra_config.job.num)
    card = job_card(hydra_config.launcher, number, os.environ, torch.cuda.device_count)
    if card is not None:
        os.environ[VISIBLE] = card


def command(hydra_config: HydraConf) -> str:
    """The command that repeats this one job, also where it was one of a sweep."""
    folders = [
        source.path for source in hydra_config.runtime.config_sources if source.provider == "command-line"
    ]
    given = [word for folder in folders for word in ("--config-dir", folder)]
    paths = [word for word in hydra_config.overrides.hydra if word.startswith("hydra.searchpath=")]
    return shlex.join(["al-run", *given, *hydra_config.overrides.task, *paths])


def _with_threads(config: "Config", hydra_config: HydraConf) -> "Config":
    """In a sweep, the threads that a job may use: its share of the machine."""
    if config.trainer.threads is not None:
        return config
    in_sweep = hydra_config.mode == RunMode.MULTIRUN
    threads = job_threads(hydra_config.launcher if in_sweep else {}, os.environ)
    return config.model_copy(update={"trainer": config.trainer.model_copy(update={"threads": threads})})


def _find_user_code(hydra_config: HydraConf) -> None:
    """Let a YAML's `_target_` name a module beside it: in `--config-dir`, or in the current folder."""
    folders = [source.path for source in hydra_config.runtime.config_sources if source.schema == "file"]
    for folder in (*folders, str(Path.cwd())):
        if folder and folder not in sys.path:
            sys.path.append(folder)


def _last_value(folder: Path, metric: str | None) -> float | None:
    """A metric's value in the last round; None where none is asked for."""
    if metric is None:
        return None
    with (folder / "rounds.csv").open(newline="", encoding="utf-8") as file:
        *_, row = csv.DictReader(file)
    if not row.get(metric):  # in a run that was finished already: a new one refuses it before it begins
        raise InputError(f"objective={metric} is not in the last row of {folder}/rounds.csv")
    return float(row[metric])
