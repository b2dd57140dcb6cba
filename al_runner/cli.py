"""`al-run`: compose the config, build the parts, run, say how it ended.

The only module that runs Hydra. Heavy imports wait until a run starts, so that `--help`, `--cfg job` and
shell completion answer at once.
"""

import inspect
import os
import signal
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from functools import partial
from pathlib import Path
from typing import Any, NoReturn

import hydra
from hydra.conf import HydraConf
from hydra.core.hydra_config import HydraConfig
from hydra.errors import HydraException, InstantiationException
from hydra.types import RunMode
from omegaconf import DictConfig, OmegaConf
from omegaconf.errors import OmegaConfBaseException

from al_runner.errors import InputError
from al_runner.help import help_text

FULL_ERROR, TRACEBACK = "HYDRA_FULL_ERROR", "AL_RUN_TRACEBACK"


class JobError(Exception):
    """A job of a sweep failed, and has said why."""


class Interrupted(BaseException):
    """A signal asks the run to stop; carries its number."""

    def __init__(self, number: int) -> None:
        super().__init__(signal.Signals(number).name)
        self.number = number


def main() -> None:
    """Entry point of `al-run`: exit code 0, 2 for bad input, 128 + n for signal n, 1 for anything else."""
    if sys.argv[1:] in (["--help"], ["-h"]):  # with more words, Hydra's help composes what they say
        print(help_text())
        return
    os.environ.setdefault(TRACEBACK, os.environ.get(FULL_ERROR, "0"))  # inherited by a sweep's processes
    os.environ[FULL_ERROR] = "1"  # Hydra then raises instead of printing: the wording is ours
    try:
        _job()
    except JobError:
        _fail("a job of the sweep failed, see above; the others are done", 2)
    except (InputError, HydraException, OmegaConfBaseException) as error:
        if _wants_traceback():
            raise
        _fail(_words(error), 2)
    except OSError as error:
        if _wants_traceback() or error.filename is None:
            raise
        _fail(f"{error.strerror}: {error.filename}", 2)
    except (Interrupted, KeyboardInterrupt) as stop:
        number = stop.number if isinstance(stop, Interrupted) else signal.SIGINT
        _fail(f"stopped by {signal.Signals(number).name}; the same command goes on from there", 128 + number)


def _wants_traceback() -> bool:
    return os.environ.get(TRACEBACK) == "1"


def _words(error: Exception) -> str:
    """One line; Hydra's own list of options where a group has no such option."""
    lines = [line.strip() for line in str(error).splitlines()]
    if isinstance(error, InputError) or "Could not find" in lines[0]:
        return str(error).strip()
    cause = str(error.__cause__).splitlines()[:1] if error.__cause__ else []
    return " ".join([*lines[:1], *cause, "(al-run --help lists the keys)"])


def _fail(message: str, code: int) -> NoReturn:
    print(f"al-run: {message}", file=sys.stderr)
    raise SystemExit(code)


@hydra.main(version_base="1.3", config_path="pkg://al_runner.conf", config_name="config")
def _job(composed: DictConfig) -> None:
    """One run. Its folder is the last line of standard output."""
    hydra_config = HydraConfig.get()
    _find_user_code(hydra_config)
    try:
        folder = _run(composed, hydra_config)
    except InputError as error:
        if _wants_traceback():
            raise
        if hydra_config.mode == RunMode.RUN:
            _fail(str(error), 2)
        # In a sweep the other jobs go on; Hydra raises this again when they are done.
        print(f"al-run: {' '.join(hydra_config.overrides.task)}: {error}", file=sys.stderr)
        raise JobError(str(error)) from error
    print(folder, flush=True)


def _find_user_code(hydra_config: HydraConf) -> None:
    """Let a YAML's `_target_` name a module beside it: in `--config-dir`, or in the current folder."""
    folders = [source.path for source in hydra_config.runtime.config_sources if source.schema == "file"]
    for folder in (*folders, str(Path.cwd())):
        if folder and folder not in sys.path:
            sys.path.append(folder)


def _run(composed: DictConfig, hydra_config: HydraConf) -> Path:
    from al_runner.record import Record, read_manifest
    from al_runner.schema import data_source, identity, to_dict, validate

    config = validate(composed)
    plain = to_dict(composed)
    strategy = str(hydra_config.runtime.choices["strategy"])
    run_id = identity(plain)
    folder = config.output_dir / config.name / strategy / f"seed-{config.seed}-{run_id}"
    manifest = read_manifest(folder)
    if manifest.get("status") == "finished" and manifest.get("data_source") == data_source(plain):
        with Record(folder, config.keep_checkpoints).locked():  # says so if the record was changed
            print(f"al-run: this experiment is finished already, see {folder}", file=sys.stderr)
        return folder

    from al_runner.run import Request, execute

    request = Request(
        config=config,
        plain=plain,
        identity=run_id,
        group=identity(plain, "seed"),
        setting=identity(plain, "seed", "strategy"),
        strategy=strategy,
        folder=folder,
        asked={
            "config.yaml": OmegaConf.to_yaml(composed),
            "overrides.yaml": OmegaConf.to_yaml(hydra_config.overrides.task),
            "hydra.yaml": OmegaConf.to_yaml(OmegaConf.create({"hydra": hydra_config})),
        },
    )
    with _signals_raise():
        execute(request, _Parts(composed))
    return folder


class _Parts:
    """Builds the config's nodes that have a `_target_`."""

    def __init__(self, composed: DictConfig) -> None:
        self.composed = composed

    def __call__(self, name: str, **arguments: Any) -> Any:
        """What `conf/<name>` describes, made with further arguments.

        Raises:
            InputError: it cannot be made; says why.
        """
        try:
            part = hydra.utils.instantiate(self.composed[name], _convert_="all", **arguments)
            if isinstance(part, partial):  # to be called later, so its keys are checked now
                inspect.signature(part.func).bind_partial(*part.args, **part.keywords)
            return part
        except TypeError as error:
            raise InputError(f"{name}: {error} in {self.composed[name]._target_}") from error
        except InstantiationException as error:
            cause = error.__cause__
            if isinstance(cause, InputError):
                raise cause from error
            raise InputError(f"{name}: {' '.join(str(cause or error).split())}") from error


@contextmanager
def _signals_raise() -> Iterator[None]:
    """SIGINT and SIGTERM raise `Interrupted`, wherever the run is: what is on disk is whole at any moment."""
    if threading.current_thread() is not threading.main_thread():
        yield
        return

    def stop(number: int, _: object) -> None:
        raise Interrupted(number)

    previous = {number: signal.signal(number, stop) for number in (signal.SIGINT, signal.SIGTERM)}
    try:
        yield
    finally:
        for number, handler in previous.items():
            signal.signal(number, handler)


if __name__ == "__main__":
    main()
