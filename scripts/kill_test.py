"""Kill a run at random moments and check that the same command ends as if nothing had happened.

    python scripts/kill_test.py                        # 20 kills of a small run on `dataset=phantom`
    python scripts/kill_test.py --trials 5 --jobs 2 dataset=breastmnist logger=none schedule.epochs=10

The installed `al-run` is run undisturbed once. Each trial then starts it in an empty folder, kills it with
SIGKILL at a moment drawn uniformly between its start and the duration of the undisturbed run, and gives the
same command again. What must hold then: `queries.csv` is the same to the byte; `rounds.csv` is, but for the
columns that count seconds; no temporary file is left; the manifest says `finished`. The exit code is 1 if a
trial differs, 2 if the run does not even end undisturbed.
"""

import argparse
import csv
import json
import os
import random
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from functools import partial
from pathlib import Path

SMALL_RUN = (
    "dataset=phantom",
    "model.width=8",
    "strategy=entropy",
    "schedule.initial_size=20",
    "schedule.query_size=10",
    "schedule.budget=130",
    "schedule.epochs=15",
    "schedule.reset={every: 3}",
    "augmentation=post_query",
    "+model@schedule.final_model.model=alda_cnn",
    "+schedule.final_model.epochs=15",
    "logger=none",
)
"""A warm schedule: most rounds go on from the weights and the optimizer's state of the one before.
Batches are augmented, and another network comes last."""

MAX_DRAWS = 20


@dataclass(frozen=True)
class Reference:
    """The undisturbed run: its folder, and the seconds that it took."""

    folder: Path
    seconds: float

    @property
    def rounds(self) -> int:
        """Complete rounds."""
        return complete_rounds(self.folder)


@dataclass(frozen=True)
class Trial:
    """One kill: when, after how many complete rounds, and what differs in the end."""

    number: int
    moment: float
    rounds: int
    differences: tuple[str, ...]


def command(overrides: Sequence[str], output: Path) -> list[str]:
    """The command that runs into `output`: the `al-run` of this Python, else the one on the PATH."""
    beside = Path(sys.executable).with_name("al-run")
    program = str(beside) if beside.exists() else shutil.which("al-run")
    if program is None:
        raise SystemExit("kill_test: no al-run beside this Python or on the PATH; install the package")
    return [program, *overrides, f"output_dir={output}"]


@contextmanager
def started(overrides: Sequence[str], output: Path) -> Iterator[subprocess.Popen[str]]:
    """The command, on one thread and in a process group of its own; what still runs in the end is killed."""
    with subprocess.Popen(
        command(overrides, output),
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        env={**os.environ, "OMP_NUM_THREADS": "1"},
        start_new_session=True,
    ) as process:
        try:
            yield process
        finally:
            if process.poll() is None:
                os.killpg(process.pid, signal.SIGKILL)


def finish(overrides: Sequence[str], output: Path) -> Path:
    """Run the command to its end; returns the run folder, the last line that it prints.

    Raises:
        RuntimeError: it failed; the end of its standard error in one line.
    """
    with started(overrides, output) as process:
        stdout, stderr = process.communicate()
    if process.returncode:
        raise RuntimeError(f"exit code {process.returncode}: {' '.join(stderr.split())[-500:]}")
    return Path(stdout.splitlines()[-1])


def killed(overrides: Sequence[str], output: Path, moment: float) -> bool:
    """Start the command and kill it after `moment` seconds; False = it had ended before."""
    with started(overrides, output) as process, suppress(subprocess.TimeoutExpired):
        process.communicate(timeout=moment)
    return process.returncode == -signal.SIGKILL


def undisturbed(overrides: Sequence[str], output: Path) -> Reference:
    """The run that every trial is compared with."""
    began = time.monotonic()
    folder = finish(overrides, output)
    return Reference(folder, time.monotonic() - began)


def complete_rounds(folder: Path) -> int:
    """How many rounds are complete anywhere below a folder."""
    return sum(path.is_dir() for path in folder.rglob("round_*"))


def differences(folder: Path, reference: Path) -> list[str]:
    """What the record of a run has that the reference's has not, in words; empty = nothing."""
    found = []
    if (folder / "queries.csv").read_bytes() != (reference / "queries.csv").read_bytes():
        found.append("queries.csv differs")
    if columns := differing_columns(folder / "rounds.csv", reference / "rounds.csv"):
        found.append(f"rounds.csv differs in {', '.join(columns)}")
    if left := [path.name for path in folder.rglob("*") if is_temporary(path)]:
        found.append(f"left behind: {', '.join(left)}")
    if (status := json.loads((folder / "manifest.json").read_text())["status"]) != "finished":
        found.append(f"status is {status}")
    return found


def differing_columns(path: Path, reference: Path) -> list[str]:
    """The columns of `rounds.csv` that differ, as text, but for those that count seconds."""
    own, other = columns_of(path), columns_of(reference)
    if list(own) != list(other):
        return ["the header"]
    return [name for name in own if own[name] != other[name] and not name.endswith("_seconds")]


def columns_of(path: Path) -> dict[str, tuple[str, ...]]:
    """A CSV file by its columns."""
    with path.open(newline="") as file:
        header, *rows = csv.reader(file)
    cells = zip(*rows, strict=True) if rows else [()] * len(header)
    return dict(zip(header, cells, strict=True))


def is_temporary(path: Path) -> bool:
    """Whether a name is one that the record gives to what is not complete."""
    return path.name.startswith(".round_") or path.name.endswith(".partial")


def attempt(number: int, overrides: Sequence[str], reference: Reference, scratch: Path, seed: int) -> Trial:
    """Kill a run at a random moment, run it to its end, compare; again if it ended before the moment came."""
    rng = random.Random(f"{seed}/{number}")
    for draw in range(MAX_DRAWS):
        output, moment = scratch / f"trial_{number}_{draw}", rng.uniform(0, reference.seconds)
        if not killed(overrides, output, moment):
            continue
        rounds = complete_rounds(output)
        try:
            found = differences(finish(overrides, output), reference.folder)
        except (RuntimeError, OSError) as error:
            found = [str(error)]
        return Trial(number, moment, rounds, tuple(found))
    return Trial(number, moment, reference.rounds, (f"never killed: it ended before {MAX_DRAWS} moments",))


def line(trial: Trial, rounds: int) -> str:
    """A trial in one line."""
    when = f"killed at {trial.moment:.2f} s with {trial.rounds} of {rounds} rounds complete"
    return f"trial {trial.number}: {when}: {'; '.join(trial.differences) or 'ok'}"


def parse(argv: Sequence[str] | None) -> argparse.Namespace:
    """The options."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument(
        "overrides", nargs="*", default=SMALL_RUN, help="of al-run, in place of the small run's"
    )
    parser.add_argument("--trials", type=int, default=20, help="kills; %(default)s")
    parser.add_argument("--seed", type=int, default=0, help="of the moments; %(default)s")
    parser.add_argument("--jobs", type=int, default=1, help="trials at a time; %(default)s")
    options = parser.parse_args(argv)
    if min(options.trials, options.jobs) < 1:
        parser.error("--trials and --jobs must be at least 1")
    return options


def main(argv: Sequence[str] | None = None) -> int:
    """Run the trials, print one line for each; 0 = none differs."""
    options = parse(argv)
    with tempfile.TemporaryDirectory() as scratch, ThreadPoolExecutor(options.jobs) as workers:
        try:
            reference = undisturbed(options.overrides, Path(scratch) / "reference")
        except RuntimeError as error:
            print(f"kill_test: undisturbed, {error}", file=sys.stderr)
            return 2
        rounds = reference.rounds
        print(f"undisturbed: {reference.seconds:.1f} s, {rounds} rounds", flush=True)
        one = partial(
            attempt,
            overrides=options.overrides,
            reference=reference,
            scratch=Path(scratch),
            seed=options.seed,
        )
        trials = []
        for trial in workers.map(one, range(1, options.trials + 1)):
            trials.append(trial)
            print(line(trial, rounds), flush=True)
    failed = sum(bool(trial.differences) for trial in trials)
    late = sum(trial.rounds > 0 for trial in trials)
    print(f"{len(trials)} kills, {late} of them after the first complete round: {failed} runs differ")
    return 1 if failed else 0


if __name__ == "__main__":
    raise SystemExit(main())
