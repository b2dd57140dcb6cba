"""The installed commands, without paying for their imports each time.

A process that has imported everything and run nothing (`multiprocessing`'s fork server, one for each worker
of pytest) forks for each command: in a session of its own, in its folder, with its environment, its output
in files. A refused command then takes less than a second instead of seven. What a fork cannot stand for is
started truly: other launchers, limits, another `PYTHONPATH`, and one of each kind of signal.
"""

import ctypes
import multiprocessing
import os
import runpy
import signal
import subprocess
import sys
import tempfile
import traceback
from collections.abc import Iterable
from contextlib import suppress
from pathlib import Path

COMMAND = str(Path(sys.executable).with_name("al-run"))
REPORT = str(Path(sys.executable).with_name("al-report"))
PR_SET_PDEATHSIG = 1
SECONDS = 300
"""After which a command is killed."""

PRELOADED = [
    "tests", "al_runner.cli", "al_runner.runs.run", "al_runner.runs.build", "al_runner.report.cli",
    "al_runner.report.writing.page", "al_runner.models.saliency", "captum.attr", "jinja2",
    "kornia.augmentation", "matplotlib.pyplot", "medmnist", "monai.inferers", "monai.losses",
    "monai.networks.nets", "nibabel", "pydicom", "pytorch_lightning", "rich", "scipy.signal", "scipy.stats",
    "skactiveml", "sklearn.cluster", "sklearn.ensemble", "sklearn.manifold", "tensorboard",
    "torch.utils.tensorboard", "torchmetrics", "torchvision", "wandb",
    "tests.imported",
]  # fmt: skip

_server = multiprocessing.get_context("forkserver")
_server.set_forkserver_preload(PRELOADED)


class Started:
    """A command of ours, or a script, in a fork of the server: what `Popen` is of a true start."""

    def __init__(self, *argv: str, folder: Path, env: dict[str, str] | None = None) -> None:
        self.argv = list(argv)
        self._outputs = tempfile.TemporaryDirectory()
        self._files = [Path(self._outputs.name, name) for name in ("out", "err")]
        files = [str(file) for file in self._files]
        arguments = (self.argv, str(folder), dict(env or os.environ), *files)
        self._process = _server.Process(target=_run, args=arguments)
        self._process.start()
        assert self._process.pid is not None
        self.pid = self._process.pid

    @property
    def returncode(self) -> int | None:
        """As of `subprocess`: a signal's number with a minus; None as long as it runs."""
        return self._process.exitcode

    def poll(self) -> int | None:
        """The exit code, if it has ended."""
        return self.returncode

    def wait(self, timeout: float = SECONDS) -> int:
        """Until it ends; then its exit code."""
        self._process.join(timeout)
        if self.returncode is None:
            raise subprocess.TimeoutExpired(self.argv, timeout, *self._said())
        return self.returncode

    def communicate(self, timeout: float = SECONDS) -> tuple[str, str]:
        """Until it ends; then what it wrote."""
        self.wait(timeout)
        return self._said()

    def send_signal(self, number: int) -> None:
        """To the command alone, if it runs."""
        if self.poll() is None:
            with suppress(ProcessLookupError):
                os.kill(self.pid, number)

    def kill(self) -> None:
        """The command alone."""
        self.send_signal(signal.SIGKILL)

    def end(self) -> None:
        """Kill it, and what it has started; remove its files."""
        if self.poll() is None:
            with suppress(ProcessLookupError):
                os.killpg(self.pid, signal.SIGKILL)
            self._process.join()
        self._outputs.cleanup()

    def _said(self) -> tuple[str, str]:
        out, err = (file.read_text() if file.exists() else "" for file in self._files)
        return out, err


def forked(
    *argv: str, folder: Path, env: dict[str, str] | None = None, timeout: float = SECONDS
) -> subprocess.CompletedProcess[str]:
    """Run a command of ours, or a script, to its end in a fork of the server, as `subprocess.run` would."""
    started = Started(*argv, folder=folder, env=env)
    try:
        out, err = started.communicate(timeout)
        return subprocess.CompletedProcess(started.argv, started.wait(), out, err)
    finally:
        started.end()


def _run(argv: list[str], folder: str, env: dict[str, str], out: str, err: str) -> None:
    """Become the command: never returns."""
    os.setsid()
    end_with_parent()
    hear_signals()
    os.chdir(folder)
    os.environ.clear()
    os.environ.update(env)
    for path, stream in ((out, 1), (err, 2)):
        os.dup2(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_APPEND), stream)
    sys.stdout = open(1, "w", closefd=False)  # noqa: SIM115  a file: buffered as in a pipe
    sys.stderr = open(2, "w", buffering=1, closefd=False)  # noqa: SIM115
    sys.argv = argv
    code = _exit_code(argv[0])
    sys.stdout.flush()
    sys.exit(code)


def _exit_code(command: str) -> int | str | None:
    """What the command ends with; a traceback is printed as Python would."""
    import torch

    from al_runner.cli import main as al_run
    from al_runner.report.cli import main as al_report

    if "OMP_NUM_THREADS" in os.environ:  # read when torch was imported, in the server
        torch.set_num_threads(int(os.environ["OMP_NUM_THREADS"]))
    try:
        if command.endswith(".py"):
            sys.path.insert(0, str(Path(command).parent))
            runpy.run_path(command, run_name="__main__")
        else:
            {COMMAND: al_run, REPORT: al_report}[command]()
    except SystemExit as end:
        return end.code
    except BaseException:
        traceback.print_exc()
        return 1
    return 0


def end_with_parent() -> None:
    """Be killed when the server ends, on Linux: a run of tests that is stopped leaves nothing behind."""
    if sys.platform == "linux":
        ctypes.CDLL(None).prctl(PR_SET_PDEATHSIG, signal.SIGKILL)


def hear_signals() -> None:
    """Undo what a background job (SIGINT) and `nohup` (SIGHUP) hand down: ignored signals."""
    signal.signal(signal.SIGINT, signal.default_int_handler)
    signal.signal(signal.SIGHUP, signal.SIG_DFL)


def has_launcher(arguments: Iterable[str]) -> bool:
    """Whether workers are started by another library."""
    return any(word.startswith("hydra/launcher=") for word in arguments)


class Command:
    """`al-run` as a user has it, in a folder of its own."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.env = {**os.environ, "OMP_NUM_THREADS": "1", "WANDB_SILENT": "true"}
        self.env.pop("HYDRA_FULL_ERROR", None)
        self.started: list[Started] = []

    def __call__(self, *arguments: str, **env: str) -> subprocess.CompletedProcess[str]:
        """Run to the end, in a fork where that can stand for a start."""
        if "PYTHONPATH" in env or has_launcher(arguments):
            return self.truly(*arguments, **env)
        return forked(COMMAND, *arguments, folder=self.folder, env={**self.env, **env})

    def truly(self, *arguments: str, **env: str) -> subprocess.CompletedProcess[str]:
        """Start it as a shell does, and wait for the end."""
        return subprocess.run(
            [COMMAND, *arguments],
            cwd=self.folder,
            env={**self.env, **env},
            capture_output=True,
            text=True,
            timeout=SECONDS,
            check=False,
        )

    def start(self, *arguments: str) -> Started | subprocess.Popen[str]:
        """Start it as an interactive shell does, in a fork where that will do, and return at once."""
        if has_launcher(arguments):
            return self.truly_start(*arguments)
        self.started.append(Started(COMMAND, *arguments, folder=self.folder, env=self.env))
        return self.started[-1]

    def truly_start(self, *arguments: str, before: tuple[str, ...] = ()) -> subprocess.Popen[str]:
        """Start it as an interactive shell does, in a process of its own, and return at once.

        Args:
            before: words in front of the command, such as `nohup`.
        """
        return subprocess.Popen(
            [*before, COMMAND, *arguments],
            cwd=self.folder,
            env=self.env,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
            preexec_fn=hear_signals,
        )

    def run_folder(self, *arguments: str, **env: str) -> Path:
        """Run to the end, successfully; the folder that it printed."""
        done = self(*arguments, **env)
        assert done.returncode == 0, done.stderr
        return self.folder / done.stdout.splitlines()[-1]

    def report(self, *arguments: str) -> subprocess.CompletedProcess[str]:
        """Run `al-report` to the end, in a fork."""
        return forked(REPORT, *arguments, folder=self.folder, env=self.env)
