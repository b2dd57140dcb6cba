"""What al-run does under load: thousands of jobs, killed workers, many processes, many rounds, many runs.

    python scripts/load_check.py sweep --jobs 2000          # joblib; --launchers joblib ray
    python scripts/load_check.py killed --jobs 200          # workers are killed, nothing is lost
    python scripts/load_check.py crowd --processes 64       # all want one data set at once
    python scripts/load_check.py rounds --rounds 1000       # memory must not grow
    python scripts/load_check.py report --runs 2000         # a minute at most

sweep   jobs of two rounds on frozen features. A job's work is what lies between its logger's `start` and
        `finish`: its rounds, records included. Its overhead is the processor time of its worker outside of
        that, from the end of one job to the end of the next, in the median; the first jobs of each worker,
        which import, are left out. The main process works beside the workers: its time a job is told, too.
killed  the same sweep, whose workers get SIGKILL at random moments, `--kills` of them. Such a sweep ends, and
        says so; the same command is started until all runs are finished. Their records have to be those of a
        sweep that was never killed.
crowd   processes that open one folder of images at the same moment, with an empty cache: one decodes, all get
        the same data, none fails.
rounds  a run of many rounds, a query each; its anonymous memory after each round, of which a line is fitted
        over the second half. What a round adds is its row, its checksums, and its lines in the tables, which
        are written anew after each round. The predictions of the pool, kept, would be twice the limit.
report  run folders of four strategies, ten rounds each, as al-run would leave them, and `al-report` on them.

The exit code is 1 if something does not hold.
"""

import argparse
import json
import multiprocessing
import multiprocessing.synchronize
import os
import random
import signal
import subprocess
import tempfile
import time
from collections import defaultdict
from collections.abc import Callable, Sequence
from contextlib import redirect_stderr, suppress
from pathlib import Path
from statistics import median

import numpy as np
from bench_report import STRATEGIES, write_run
from kill_test import differences
from PIL import Image
from small_jobs import BIN, launcher, prepared, started

OVERHEAD_MS, REPORT_SECONDS, GROWTH_KB = 50, 60, 16.0
WARM = 3
"""First jobs of a worker, which are not counted."""


def notes(folder: Path) -> list[dict[str, float | list[float]]]:
    """What the clock has written."""
    return [json.loads(line) for line in (folder / "clock.jsonl").read_text().splitlines()]


def own_seconds(process: int) -> float:
    """The processor time of a process so far, that of its children aside."""
    fields = Path(f"/proc/{process}/stat").read_text().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


def overheads(folder: Path) -> tuple[list[float], list[float]]:
    """The processor seconds of each job outside of its work, and in it."""
    jobs = defaultdict(list)
    for note in notes(folder):
        if "ended" in note:
            jobs[note["pid"]].append((note["began"][0], note["ended"][0]))
    found, work = [], []
    for times in jobs.values():
        for (_, before), (began, ended) in zip(times[WARM:], times[WARM + 1 :], strict=False):
            found.append(began - before)
            work.append(ended - began)
    return found, work


def sweep(folder: Path, options: argparse.Namespace) -> bool:
    """Many small jobs on each launcher."""
    words, holds = prepared(folder), True
    for name in options.launchers:
        (folder / "clock.jsonl").unlink(missing_ok=True)
        start, main = time.monotonic(), 0.0
        process = started(
            ["-m", *words, f"seed=range({options.jobs})", *launcher(name, options.workers)], folder, name
        )
        while process.poll() is None:
            with suppress(OSError, IndexError):
                main = own_seconds(process.pid)
            time.sleep(0.1)
        found, work = overheads(folder)
        finished = len(list((folder / name).glob("*/*/*/manifest.json")))
        overhead = 1000 * median(found) if found else float("nan")
        print(
            f"{name}: {finished:,} of {options.jobs:,} runs in {time.monotonic() - start:,.0f} s, exit code "
            f"{process.returncode}; a job's work {1000 * median(work):.0f} ms, its overhead {overhead:.0f} "
            f"ms of its worker, {1000 * main / options.jobs:.0f} ms of the main process",
            flush=True,
        )
        holds &= process.returncode == 0 and finished == options.jobs and overhead < OVERHEAD_MS
    return holds


def workers_of(process: int) -> list[int]:
    """The processes that a process has started and that compute."""
    found = []
    for path in Path(f"/proc/{process}/task").glob("*/children"):
        for child in path.read_text().split():
            with suppress(OSError):
                if b"loky.backend.popen" in Path(f"/proc/{child}/cmdline").read_bytes():
                    found.append(int(child))
    return found


def killed(folder: Path, options: argparse.Namespace) -> bool:
    """A sweep whose workers are killed, and one that is not."""
    words = ["-m", *prepared(folder), f"seed=range({options.jobs})", *launcher("joblib", options.workers)]
    started(words, folder, "whole").wait()
    kills, starts, code, draw = 0, 0, 1, random.Random(0)
    while code and starts < options.jobs:
        process, starts = started(words, folder, "killed"), starts + 1
        while process.poll() is None:
            time.sleep(draw.uniform(8, 16) if kills < options.kills else 1)
            if (found := workers_of(process.pid)) and kills < options.kills and process.poll() is None:
                os.kill(draw.choice(found), signal.SIGKILL)
                kills += 1
        code = process.returncode
    whole = {run.relative_to(folder / "whole"): run for run in runs(folder / "whole")}
    again = {run.relative_to(folder / "killed"): run for run in runs(folder / "killed")}
    unlike = sum(run not in again or bool(differences(again[run], whole[run])) for run in whole)
    print(
        f"{kills} workers killed, {starts} starts of the same command: {len(again):,} of {options.jobs:,} "
        f"runs, {unlike} lost or different, exit code {code}"
    )
    return code == 0 and unlike == 0 and len(whole) == options.jobs and kills > 0


def runs(output: Path) -> list[Path]:
    """Run folders."""
    return [path.parent for path in output.glob("*/*/*/manifest.json")]


def ask(folder: str, number: int, together: "multiprocessing.synchronize.Barrier") -> None:
    """One of many processes: what it got, or why not, goes to a file."""
    from al_runner.data.sets import image_folder

    with Path(folder, f"{number}.log").open("w") as log, redirect_stderr(log):
        together.wait()
        try:
            found = image_folder.load(f"{folder}/scans", f"{folder}/cache", image_size=32).fingerprint
        except Exception as error:
            found = f"failed: {error}"
    Path(folder, f"{number}.txt").write_text(found)


def crowd(folder: Path, options: argparse.Namespace) -> bool:
    """Many processes that want the same decoded images."""
    from al_runner.data.sets import image_folder  # noqa: F401  once, before they fork

    rng = np.random.default_rng(0)
    for k in range(600):
        path = folder / "scans" / f"class{k % 2}" / f"{k:04}.png"
        path.parent.mkdir(parents=True, exist_ok=True)
        Image.fromarray(rng.integers(0, 255, (64, 64), dtype=np.uint8)).save(path)
    context = multiprocessing.get_context("fork")
    together = context.Barrier(options.processes)
    asking = [context.Process(target=ask, args=(str(folder), k, together)) for k in range(options.processes)]
    for process in asking:
        process.start()
    for process in asking:
        process.join()
    found = [path.read_text() for path in folder.glob("[0-9]*.txt")]
    decoded = sum("decoding" in path.read_text() for path in folder.glob("[0-9]*.log"))
    failed = options.processes - sum(not each.startswith("failed") for each in found)
    print(
        f"{options.processes} processes: {decoded} decoded, {failed} failed, {len(set(found))} different data"
    )
    return failed == 0 and decoded == 1 and len(set(found)) == 1


def rounds(folder: Path, options: argparse.Namespace) -> bool:
    """A run of many rounds."""
    words = [*prepared(folder), "schedule.query_size=1", "schedule.initial_size=10", "head.strengths=[1]"]
    process = started([*words, f"schedule.budget={options.rounds + 9}"], folder, "rounds")
    code = process.wait()
    memory = [float(note["kb"]) for note in notes(folder) if "kb" in note]
    half = memory[len(memory) // 2 :]
    growth = float(np.polyfit(np.arange(len(half)), half, 1)[0])
    print(
        f"{len(memory):,} rounds, exit code {code}: {memory[0] / 1024:.0f} MB of anonymous memory after the "
        f"first, {memory[-1] / 1024:.0f} MB after the last, {growth:+.2f} KB a round in the second half"
    )
    return code == 0 and len(memory) == options.rounds and growth < GROWTH_KB


def report(folder: Path, options: argparse.Namespace) -> bool:
    """Many runs in one report."""
    for strategy in STRATEGIES:
        for seed in range(options.runs // len(STRATEGIES)):
            write_run(folder / strategy / str(seed), strategy, seed, rounds=10)
    start = os.times()
    code = subprocess.run([str(BIN / "al-report"), str(folder), "--target", "0.7"], check=False).returncode
    end = os.times()
    spent = end.children_user + end.children_system - start.children_user - start.children_system
    print(f"{options.runs:,} runs: {end.elapsed - start.elapsed:.0f} s, {spent:.0f} s of processor time")
    return code == 0 and spent < REPORT_SECONDS


SECTIONS: dict[str, Callable[[Path, argparse.Namespace], bool]] = {
    "sweep": sweep,
    "killed": killed,
    "crowd": crowd,
    "rounds": rounds,
    "report": report,
}


def main(argv: Sequence[str] | None = None) -> int:
    """Check what is asked for; 0 = it holds."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("sections", nargs="+", choices=SECTIONS)
    parser.add_argument("--jobs", type=int, default=2000)
    parser.add_argument("--workers", type=int, default=2)
    parser.add_argument("--launchers", nargs="+", choices=["joblib", "ray"], default=["joblib"])
    parser.add_argument("--kills", type=int, default=10)
    parser.add_argument("--processes", type=int, default=64)
    parser.add_argument("--rounds", type=int, default=1000)
    parser.add_argument("--runs", type=int, default=2000)
    options = parser.parse_args(argv)
    holds = True
    for name in options.sections:
        with tempfile.TemporaryDirectory() as folder:
            holds &= SECTIONS[name](Path(folder), options)
    return 0 if holds else 1


if __name__ == "__main__":
    raise SystemExit(main())
