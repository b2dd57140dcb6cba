"""Run one sweep on several launchers, and check that every record is that of the basic launcher.

    python scripts/sweep_check.py --launchers joblib submitit_local ray --kill
    python scripts/sweep_check.py dataset=pneumoniamnist strategy=random,margin 'seed=range(6)' --kill

The arguments are those of `al-run -m`, in place of a small sweep's. The sweep is run undisturbed on Hydra's
basic launcher, then on each launcher named, each time into an empty folder. With `--kill` it is also run with
joblib, killed with SIGKILL, workers included, when half of all rounds are complete, and started again. What
must hold: the same runs, and of each the same record (see kill_test.py). All runs compute on one thread. The
exit code is 1 if a record differs, 2 if the sweep does not even end undisturbed.
"""

import argparse
import os
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

from kill_test import SMALL_RUN, complete_rounds, differences, started

SMALL_SWEEP = (*SMALL_RUN, "strategy=random,entropy", "seed=range(3)", "schedule.budget=60")


@dataclass(frozen=True)
class Swept:
    """One sweep that has ended: into which folder, how, after how long, and what it said."""

    name: str
    output: Path
    code: int
    seconds: float
    said: str

    @property
    def runs(self) -> dict[Path, Path]:
        """The run folders, by their place below the output folder."""
        found = (path.parent for path in self.output.rglob("manifest.json"))
        return {run.relative_to(self.output): run for run in found}


def sweep(name: str, overrides: Sequence[str], output: Path) -> Swept:
    """Run the sweep to its end."""
    began = time.monotonic()
    with started(["-m", *overrides], output) as process:
        _, errors = process.communicate()
    lines = [line for line in errors.splitlines() if line.startswith("al-run: ")]
    return Swept(name, output, process.returncode, time.monotonic() - began, " / ".join(lines[-2:]))


def kill(overrides: Sequence[str], output: Path, rounds: int) -> int:
    """Start the sweep, kill it with its workers when so many rounds are complete; how many were."""
    with started(["-m", *overrides], output) as process:
        while process.poll() is None and complete_rounds(output) < rounds:
            with suppress(subprocess.TimeoutExpired):
                process.communicate(timeout=0.05)  # reads what it says, or it would wait for a reader
        with suppress(ProcessLookupError):  # it has ended
            os.killpg(process.pid, signal.SIGKILL)
    return complete_rounds(output)


def differing(swept: Swept, reference: Swept) -> list[str]:
    """What differs from the reference, in words; empty = nothing."""
    found = [f"exit code {swept.code}: {swept.said}"] if swept.code else []
    own, other = swept.runs, reference.runs
    found += [f"{path} is missing" for path in other if path not in own]
    for path in own.keys() & other.keys():
        try:
            found += [f"{path}: {words}" for words in differences(own[path], other[path])]
        except OSError as error:
            found.append(f"{path}: {error}")
    return found


def report(swept: Swept, differences: Sequence[str]) -> None:
    """A sweep in one line, and a line for each difference."""
    verdict = f"{len(differences)} differences" if differences else "ok"
    print(f"{swept.name:<24} {len(swept.runs):>4} runs {swept.seconds:>8.1f} s  {verdict}", flush=True)
    for words in differences:
        print(f"    {words}")


def parse(argv: Sequence[str] | None) -> argparse.Namespace:
    """The options."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("overrides", nargs="*", default=SMALL_SWEEP, help="of al-run -m")
    parser.add_argument("--launchers", nargs="*", default=["joblib"], help="names; %(default)s")
    parser.add_argument("--jobs", type=int, default=2, help="joblib's workers; %(default)s")
    parser.add_argument("--kill", action="store_true", help="also kill a sweep and start it again")
    parser.add_argument("--scratch", type=Path, help="where to put the runs; a temporary folder")
    return parser.parse_args(argv)


def main(argv: Sequence[str] | None = None) -> int:
    """Run the sweeps, print a line for each; 0 = none differs."""
    options = parse(argv)
    words = {name: [f"hydra/launcher={name}"] for name in [*options.launchers, "joblib"]}
    words["joblib"].append(f"hydra.launcher.n_jobs={options.jobs}")
    with tempfile.TemporaryDirectory(dir=options.scratch) as folder:
        scratch = Path(folder)
        reference = sweep("basic", options.overrides, scratch / "basic")
        if reference.code:
            print(f"sweep_check: undisturbed, {reference.said}", file=sys.stderr)
            return 2
        report(reference, [])
        failed = False
        for name in options.launchers:
            swept = sweep(name, [*options.overrides, *words[name]], scratch / name)
            report(swept, found := differing(swept, reference))
            failed |= bool(found)
        if options.kill:
            overrides, output = [*options.overrides, *words["joblib"]], scratch / "killed"
            total = complete_rounds(reference.output)
            done = kill(overrides, output, total // 2)
            swept = sweep(f"killed at {done} of {total}", overrides, output)
            report(swept, found := differing(swept, reference))
            failed |= bool(found)
    return 1 if failed else 0


if __name__ == "__main__":
    raise SystemExit(main())
