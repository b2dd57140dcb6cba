"""A sweep's folder: what became of each job, written by the job itself.

Jobs may be processes on other machines that share nothing with the main process but the file system, and may
die without a word. So each one writes `jobs/<number>.json` when it begins and again when it ends; what the
main process says at the end, it reads there.
"""

import json
import os
import platform
import shutil
import sys
import time
import traceback
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any, ClassVar, Literal

from hydra.core.config_loader import ConfigLoader
from hydra.core.global_hydra import GlobalHydra
from hydra.core.utils import JobReturn
from hydra.experimental.callback import Callback
from hydra.types import RunMode
from omegaconf import DictConfig, OmegaConf

from al_runner.files import replace as replace_file
from al_runner.runs.sweeps.composing import JobLoader
from al_runner.runs.sweeps.planned import check

ROOM = 2**20
"""Bytes that a disk has to have free."""
LATE_SECONDS = 30.0
"""How late the files of another machine may appear."""

JOBS = "jobs/[0-9]*.json"
"""Where a sweep's folder has a file for each job."""

Status = Literal["started", "finished", "finished already", "waiting", "failed"]


@dataclass(frozen=True)
class Job:
    """One job of a sweep, as its file says.

    Attributes:
        number: its place in the sweep, from 0.
        overrides: what was asked of it.
        status: `started` as long as it runs, and for good where its process died.
        host: the machine on which it began.
        process: its process there.
        folder: the run folder.
        error: why it failed, in one line.
        bad_input: whether what it was given is to blame.
        traceback: of an unexpected error.
    """

    number: int
    overrides: tuple[str, ...]
    status: Status
    host: str
    process: int
    folder: str | None = None
    error: str | None = None
    bad_input: bool = False
    traceback: str | None = None


class Sweep(Callback):
    """The folder of the sweep that this process runs, or runs a job of.

    Hydra makes one from the config in the main process, calls it when a sweep begins, and sends it to every
    job: so all of them write to one place, also where they disagree on `hydra.sweep.dir`.
    """

    current: ClassVar["Sweep | None"] = None

    def __init__(self) -> None:
        self.folder = Path()
        self.config: DictConfig | None = None
        self.loader: ConfigLoader | None = None
        self.made: list[Path] = []
        self.unwritten: dict[int, Job] = {}
        self.is_open = False

    def on_multirun_start(self, config: DictConfig, **_: Any) -> None:
        """Remember the folder; nothing is written yet."""
        self.folder = Path(config.hydra.sweep.dir).absolute()
        self.config, self.loader = config, GlobalHydra.instance().config_loader()
        hydra = GlobalHydra.instance().hydra
        if hydra is not None:
            hydra.config_loader = JobLoader(self.loader.get_search_path(), self._check)
        self.made = [path for path in (self.folder, *self.folder.parents) if not path.exists()]
        Sweep.current = self
        if not self._is_planned():
            self._open()

    def _check(self, loader: JobLoader, master: DictConfig) -> None:
        """Refuse the sweep before any job begins, because of one of them.

        Raises:
            InputError: says why.
        """
        jobs = self.planned()
        at_once = not str(master.hydra.launcher["_target_"]).endswith(".BasicLauncher")
        check(jobs, (loader.load_sweep_config(master, [*words]) for words in jobs), at_once)
        self._open()

    def _open(self) -> None:
        """Forget what an earlier sweep left in the folder: from here on, its files are those of this one."""
        if not self.is_open:
            for path in self.folder.glob(JOBS):  # no other file is ours
                path.unlink()
        self.is_open = True

    def on_job_start(self, config: DictConfig, **_: Any) -> None:
        """The same in the process of a job; a single run is not a sweep."""
        if config.hydra.mode == RunMode.MULTIRUN:
            Sweep.current = self

    def on_job_end(self, config: DictConfig, job_return: JobReturn, **_: Any) -> None:
        """Send no configs back: the main process would keep those of all jobs, and reads none."""
        if config.hydra.mode == RunMode.MULTIRUN:
            job_return.cfg = job_return.hydra_cfg = None

    def __getstate__(self) -> dict[str, Any]:
        return {"folder": self.folder, "unwritten": {}, "is_open": True}  # what a job needs

    def begin(self, number: int, overrides: Sequence[str]) -> Job:
        """Write that a job has begun."""
        job = Job(number, tuple(overrides), "started", platform.node(), os.getpid())
        self._write(job)
        return job

    def end(self, job: Job, status: Status, folder: Path) -> None:
        """Write how a job has ended."""
        self._write(replace(job, status=status, folder=str(folder)))

    def fail(self, job: Job, error: Exception, bad_input: str | None) -> None:
        """Write why a job has failed.

        Args:
            job: as it began.
            error: what was raised.
            bad_input: the line for a user who can mend it; None = unexpected, and the traceback is kept.
        """
        kept = None if bad_input else "".join(traceback.format_exception(error))
        line = bad_input or f"{type(error).__name__}: {error}"
        self._write(
            replace(
                job,
                status="failed",
                error=" ".join(line.split()),
                bad_input=bad_input is not None,
                traceback=kept,
            )
        )

    def _write(self, job: Job) -> None:
        """On a full disk a job is told of on standard error, and in the table if its process makes that."""
        path = self.folder / "jobs" / f"{job.number}.json"
        self.unwritten.pop(job.number, None)
        try:
            path.parent.mkdir(parents=True, exist_ok=True)
            replace_file(path, (json.dumps(asdict(job), indent=1) + "\n").encode())
        except OSError as error:
            self.unwritten[job.number] = job
            words = f"{' '.join(job.overrides)}: {job.error or job.status}"
            print(f"al-run: {words} (cannot write {path}: {error.strerror})", file=sys.stderr)

    def jobs(self) -> list[Job]:
        """The jobs that have begun, in order."""
        paths = self.folder.glob(JOBS) if self.is_open else ()  # before, they are an earlier sweep's
        found = (json.loads(path.read_text(encoding="utf-8")) for path in paths)
        jobs = (Job(**{**values, "overrides": tuple(values["overrides"])}) for values in found)
        known = {**{job.number: job for job in jobs}, **self.unwritten}
        return sorted(known.values(), key=lambda job: job.number)

    @property
    def disk_is_full(self) -> bool:
        """Whether the disk of its folder has no room."""
        place = next(path for path in (self.folder, *self.folder.parents) if path.exists())
        return shutil.disk_usage(place).free < ROOM

    def ended_jobs(self) -> list[Job]:
        """The jobs, when the launcher says that all have ended.

        A network file system may show some seconds late what another machine has written.
        """
        deadline = time.monotonic() + LATE_SECONDS
        planned = len(self.planned())
        while True:
            jobs = self.jobs()
            complete = len(jobs) >= planned and all(job.status != "started" for job in jobs)
            if complete or time.monotonic() > deadline:
                return jobs
            time.sleep(0.5)

    def planned(self) -> list[tuple[str, ...]]:
        """The overrides of each job that the command asks for; none where a sweeper decides as it goes."""
        if self.config is None or not self._is_planned():
            return []
        from hydra._internal.core_plugins.basic_sweeper import BasicSweeper
        from hydra.core.override_parser.overrides_parser import OverridesParser

        given: Any = self.config.hydra.sweeper.params
        params = [f"{key}={value}" for key, value in given.items_ex(resolve=False)] if given else []
        parser = OverridesParser.create(self.loader)
        overrides = parser.parse_overrides([*params, *self._words()])
        return [tuple(job) for batch in BasicSweeper.split_arguments(overrides, None) for job in batch]

    def _is_planned(self) -> bool:
        """Whether all jobs are known before one begins."""
        sweeper: Any = None if self.config is None else self.config.hydra.sweeper
        return OmegaConf.is_dict(sweeper) and str(sweeper.get("_target_")).endswith(".BasicSweeper")

    def _words(self) -> list[str]:
        """The command's overrides, as they were given."""
        words: Any = self.config and OmegaConf.to_container(self.config.hydra.overrides.task, resolve=False)
        return words or []

    def asked(self) -> str:
        """What the command sweeps over, in its words."""
        return " ".join(word for word in self._words() if "(" in word or "," in word)

    def discard(self) -> None:
        """Remove the folder of a sweep that was refused, with the folders made for it."""
        with suppress(OSError):  # where a folder is to be, there is a file
            (self.folder / "multirun.yaml").unlink(missing_ok=True)
        with suppress(OSError):  # a folder that is not empty stays, and those above it
            for path in self.made:
                path.rmdir()
