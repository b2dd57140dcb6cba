"""`al-run`: compose the config, run the jobs, say how they ended.

The only module that starts Hydra. Heavy imports wait until a job runs, so that `--help`, `--cfg job` and
shell completion answer at once.
"""

import os
import re
import signal
import sys
import traceback
from pathlib import Path
from typing import NoReturn

import hydra
from hydra._internal.utils import get_args_parser
from hydra.conf import HydraConf
from hydra.core.hydra_config import HydraConfig
from hydra.errors import HydraException
from hydra.types import RunMode
from omegaconf import DictConfig
from omegaconf.errors import OmegaConfBaseException

from al_runner import __version__
from al_runner.config import copying, defaults, globs, parsing  # noqa: F401  before Hydra starts
from al_runner.config.commands import SIGNAL, careful_output, one_line
from al_runner.config.help import help_text
from al_runner.errors import InputError
from al_runner.runs.sweeps.endless import MOST, endless
from al_runner.runs.sweeps.job import Done, run_job
from al_runner.runs.sweeps.stopping import Interrupted, end_workers, signals_raise, wait_for_children
from al_runner.runs.sweeps.sweep import Sweep

FULL_ERROR, TRACEBACK = "HYDRA_FULL_ERROR", "AL_RUN_TRACEBACK"
NO_FOLDER = re.compile(r"\+{0,2}hydra\.sweep\.dir=(|null|''|\"\")")
COMPOSING = ("hydra._internal.config_", "hydra.core.override_parser.")
"""Modules of Hydra that understand words and files."""


class JobError(Exception):
    """A job of a search has failed, and has said why."""


def main() -> None:
    """Entry point of `al-run`: exit code 0, 2 for bad input, 128 + n for signal n, 1 for anything else."""
    with careful_output("al-run"):
        raise SystemExit(_main(sys.argv[1:]))


def _main(words: list[str]) -> int:
    if words in (["--help"], ["-h"]):  # with more words, Hydra's help composes what they say
        print(help_text())
        return 0
    if "--version" in words:  # Hydra would say its own
        print(f"al-run {__version__}")
        return 0
    one_line(get_args_parser(), "al-run").parse_args(words)  # Hydra would print its usage
    if (wrong := _refused(words)) is not None:
        _fail(wrong, 2)
    os.environ.setdefault(TRACEBACK, os.environ.get(FULL_ERROR, "0"))  # inherited by a sweep's processes
    os.environ[FULL_ERROR] = "1"  # Hydra then raises instead of printing: the wording is ours
    try:
        with signals_raise():
            code = _run_hydra()
    except (Interrupted, KeyboardInterrupt) as stop:
        end_workers()
        number = stop.number if isinstance(stop, Interrupted) else signal.SIGINT
        _fail(
            f"stopped by {signal.Signals(number).name}; the same command goes on from there", SIGNAL + number
        )
    return code


def _refused(words: list[str]) -> str | None:
    """What is wrong with words that Hydra must not see."""
    if any(NO_FOLDER.fullmatch(word) for word in words):  # it would write its file into the current folder
        return "hydra.sweep.dir must be given: . is the current folder"
    if (ranges := endless(words)) is not None:  # it would count their values
        return f"{ranges}: more than {MOST:,} jobs; a range needs an end"
    return None


def _run_hydra() -> int:
    """The exit code of a run, or of a sweep.

    Raises:
        Exception: one that is not the user's to mend, or any where the traceback is asked for.
    """
    error = None
    try:
        _job()
    except Exception as raised:
        error = raised
    sweep = Sweep.current
    if sweep is not None and sweep.jobs():
        return _close(sweep, error)
    if sweep is not None:
        sweep.discard()
    if sweep is not None and error is None:
        error = InputError(f"nothing to do: {sweep.asked()} is an empty sweep")
    if error is None:
        return 0
    line = _line(error)
    if _wants_traceback() or (line is None and sweep is None):
        raise error
    if line is None and isinstance(error, ValueError | TypeError) and _of_launcher(error):  # of its options
        line = f"hydra.launcher: {' '.join(str(error).split())}"
    launching = f"no job was begun: {type(error).__name__}: {' '.join(str(error).split())}"
    print(f"al-run: {line or launching}", file=sys.stderr)
    return 2 if line else 1


def _close(sweep: Sweep, error: Exception | None) -> int:
    """Say how a sweep ended."""
    from al_runner.runs.sweeps.table import close

    if error is not None and "submitit" in sys.modules:
        wait_for_children()  # it gives up at the first job whose process died; the others go on
    if isinstance(error, JobError):
        error = None
    if error is not None and _wants_traceback():
        traceback.print_exception(error)
    return close(sweep, error)


@hydra.main(version_base="1.3", config_path="pkg://al_runner.conf", config_name="config")
def _job(composed: DictConfig) -> float | None:
    """One job. Its folder is the last line of standard output."""
    hydra_config = HydraConfig.get()
    if hydra_config.mode == RunMode.MULTIRUN and Sweep.current is not None:
        return _job_of_sweep(composed, hydra_config, Sweep.current)
    try:
        done = run_job(composed, hydra_config)
    except InputError as error:
        if _wants_traceback():
            raise
        _fail(str(error), 2)
    if done.status == "finished already":
        print(f"al-run: this experiment is finished already, see {done.folder}", file=sys.stderr)
    if done.status == "waiting":
        print(f"al-run: {_waits(done.folder)}; then the same command goes on", file=sys.stderr)
    _say_lacking(done)
    print(done.folder, flush=True)
    return None


def _waits(folder: Path) -> str:
    """What a run waits for, and what to do."""
    from al_runner.people.waiting import waits

    return waits(folder) or f"waiting for the labels of the samples in {folder}/waiting.csv"


def _job_of_sweep(composed: DictConfig, hydra_config: HydraConf, sweep: Sweep) -> float | None:
    """One job of a sweep: it writes what became of it, and does not keep the others from running.

    Raises:
        JobError: it failed, and a search has to know.
    """
    job = sweep.begin(hydra_config.job.num, hydra_config.overrides.task)
    try:
        with signals_raise():
            done = run_job(composed, hydra_config)
    except Exception as error:
        line = _line(error)
        if line is None or _wants_traceback():
            traceback.print_exc()
        sweep.fail(job, error, line)
        if composed.objective is None:
            return None  # one that raises would have Hydra print a line of its own
        raise JobError(str(error)) from None
    sweep.end(job, done.status, done.folder)
    _say_lacking(done)
    print(done.folder, flush=True)
    return done.objective


def _say_lacking(done: Done) -> None:
    """What a run that is finished already is not."""
    if done.lacks:
        print(
            f"al-run: {done.folder} was run without {' '.join(done.lacks)}, and nothing of it is kept: the "
            "same command with another output_dir runs it again",
            file=sys.stderr,
        )
    if done.changed:
        print(
            f"al-run: {', '.join(done.changed)} changed since {done.folder} was run, which is known by its "
            "config alone: the same command with another output_dir runs it again",
            file=sys.stderr,
        )


def _wants_traceback() -> bool:
    return os.environ.get(TRACEBACK) == "1"


def _line(error: Exception) -> str | None:
    """What to say of bad input; None for an error that is not the user's."""
    if isinstance(error, InputError):
        return str(error)
    if isinstance(error, HydraException | OmegaConfBaseException) or _while_composing(error):
        from al_runner.config.suggestions import explained, plain

        try:
            return explained(error, sys.argv[1:])
        except Exception:  # a worker's own words are others than those of the command
            return plain(error)
    if isinstance(error, OSError) and error.filename is not None:
        return f"{error.strerror}: {error.filename}"
    return None


def _while_composing(error: Exception) -> bool:
    """Whether Hydra, or what it reads YAML with, does not understand a word or a file."""
    if isinstance(error, OSError):
        return False
    modules = _modules(error)
    ours = max((k for k, name in enumerate(modules) if _is_ours(name)), default=0)
    composes = any(name.startswith(COMPOSING) for name in modules[ours:])
    return composes or modules[-1].startswith("hydra._internal.")


def _of_launcher(error: Exception) -> bool:
    """Whether it came from a launcher, or from what that starts jobs with."""
    starters = ("joblib.", "submitit.", "ray.")
    return any("launcher" in name or name.startswith(starters) for name in _modules(error))


def _modules(error: Exception) -> list[str]:
    """The modules that an error came through, outermost first."""
    return [str(frame.f_globals.get("__name__")) for frame, _ in traceback.walk_tb(error.__traceback__)]


def _is_ours(module: str) -> bool:
    """Whether it is a module of ours, and none that stands in for one of Hydra's."""
    return module.startswith("al_runner") and module not in (defaults.__name__, parsing.__name__)


def _fail(message: str, code: int) -> NoReturn:
    print(f"al-run: {message}", file=sys.stderr)
    raise SystemExit(code)


if __name__ == "__main__":
    main()
