"""The installed commands, in forks of a process that has imported everything once: a start costs nothing."""

import atexit
import gc
import importlib
import os
import signal
import sys
import time
import traceback
from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

PRELOADED = (
    "al_runner.cli", "al_runner.runs.run", "al_runner.runs.build", "al_runner.runs.predict",
    "al_runner.report.cli", "al_runner.report.writing.page", "al_runner.people.cli",
    "al_runner.models.saliency", "captum.attr", "kornia.augmentation", "matplotlib.pyplot",
    "monai.inferers", "monai.losses", "monai.networks.nets", "nibabel", "openpyxl", "pyarrow.parquet",
    "pydicom", "pytorch_lightning", "rich", "scipy.signal", "scipy.stats", "sklearn.cluster",
    "sklearn.ensemble", "sklearn.manifold", "tensorboard", "torch.utils.tensorboard", "torchmetrics",
    "torchvision", "wandb", "wandb.sdk.launch",
)  # fmt: skip
COMMANDS = {
    "al-run": "al_runner.cli",
    "al-report": "al_runner.report.cli",
    "al-predict": "al_runner.runs.predict",
    "al-label": "al_runner.people.cli",
}
POLL = 0.002
"""Seconds between looks at a command that runs."""
_asked: list[Callable[..., object]] = []
"""How Hydra knows whether a command is a sweep."""


@dataclass(frozen=True)
class Ended:
    """How a command ended: its exit code (less than 0: the signal), what it printed, and the seconds."""

    code: int
    out: str
    err: str
    seconds: float


def preload() -> None:
    """Import what commands import, on one thread: nothing may have begun when this process forks."""
    os.environ["OMP_NUM_THREADS"] = "1"
    for name in PRELOADED:
        importlib.import_module(name)
    import torch
    from hydra._internal.hydra import Hydra
    from hydra.types import RunMode

    torch.set_num_threads(1)
    _asked.append(Hydra.get_mode)
    Hydra.get_mode = lambda *_, **__: RunMode.RUN  # it would compose the config once more
    gc.collect()
    gc.freeze()  # what is imported is never garbage


def may_sweep() -> None:
    """In the process of a command: it is a sweep if it says so."""
    from hydra._internal.hydra import Hydra

    Hydra.get_mode = _asked[0]


def command(
    words: Sequence[str],
    place: Path,
    before: Callable[[], None] | None = None,
    limit: float = 600,
    kill_after: float | None = None,
    tag: str = "",
) -> Ended:
    """Run one of the commands to its end.

    Args:
        words: it and its arguments.
        place: the folder in which it is started; its caches lie there.
        before: is called in the process of the command, before the command.
        limit: seconds after which it is stopped for good, and that is an error.
        kill_after: seconds after which it is killed.
        tag: tells it from another that is started there at the same time.
    """
    said = place.with_name(f"{place.name}{tag}.said")
    for suffix in (".out", ".err"):
        said.with_suffix(suffix).write_text("")
    start = time.monotonic()
    if not (child := os.fork()):
        _become(words, place, before, said)
    while not (ended := os.waitpid(child, os.WNOHANG))[0]:
        time.sleep(POLL)
        if (seconds := time.monotonic() - start) > (kill_after or limit):
            os.kill(child, signal.SIGKILL)
            ended = os.waitpid(child, 0)
            break
    seconds = time.monotonic() - start
    with suppress(ProcessLookupError):  # what it has started
        os.killpg(child, signal.SIGKILL)
    if kill_after is None and seconds > limit:
        raise TimeoutError(f"{' '.join(words)}: more than {limit} s")
    out, err = (said.with_suffix(suffix).read_text(errors="replace") for suffix in (".out", ".err"))
    return Ended(os.waitstatus_to_exitcode(ended[1]), out, err, seconds)


def done(place: Path, *words: str) -> Ended:
    """A command that has to work.

    Raises:
        RuntimeError: it does not.
    """
    ended = command(words, place)
    if ended.code:
        raise RuntimeError(f"{words[0]} ended with {ended.code}: {last(ended.err)}")
    return ended


def last(text: str) -> str:
    """The end of what a command said, in one line."""
    return " ".join(text.split())[-400:]


def _become(words: Sequence[str], place: Path, before: Callable[[], None] | None, said: Path) -> None:
    """Be the command: never returns."""
    code: object = 1
    try:
        os.setsid()
        os.chdir(place)
        os.environ["AL_RUNNER_CACHE"] = str(place / "cache")
        for suffix, stream in ((".out", 1), (".err", 2)):
            os.dup2(
                os.open(said.with_suffix(suffix), os.O_WRONLY | os.O_CREAT | os.O_TRUNC | os.O_APPEND), stream
            )
        sys.stdout = open(1, "w", closefd=False)  # noqa: SIM115
        sys.stderr = open(2, "w", buffering=1, closefd=False)  # noqa: SIM115
        sys.argv = list(words)
        atexit._clear()  # what this process does at its end, the one that forked it would miss
        _own_media(said.with_suffix(".media"))
        if before:
            before()
        importlib.import_module(COMMANDS[words[0]]).main()
        code = 0
    except SystemExit as end:
        code = end.code
    except BaseException:
        traceback.print_exc()
    with suppress(BaseException):
        _finish()
    os._exit(code if isinstance(code, int) else int(code is not None))


def _own_media(folder: Path) -> None:
    """W&B's folder of images: one for each process, made when W&B is imported, and removed at the end."""
    from wandb.sdk.data_types._private import MEDIA_TMP

    folder.mkdir(exist_ok=True)
    MEDIA_TMP.name = str(folder)


def _finish() -> None:
    """What Python does at the end of a process, as far as commands see it."""
    sys.stdout.flush()
    atexit._run_exitfuncs()
