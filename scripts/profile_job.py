"""Where the time of a sweep's job goes, its rounds aside.

    python scripts/profile_job.py --jobs 60

Runs the sweep of `load_check.py sweep` in one process, which is what joblib does with one worker. From the
fourth job on, what lies between the `finish` of a job's logger and the `start` of the next job's is profiled
by cProfile, which makes Python some two times slower: shares count, not milliseconds.

Times are cumulative: what a function calls is in its own, so that one line can be a part of another.
"""

import argparse
import pstats
import re
import tempfile
from collections.abc import Sequence
from pathlib import Path

from small_jobs import launcher, prepared, started

WARM = 4
PROFILE = """
import cProfile

class Profiled(Clock):
    profile, finished = cProfile.Profile(), 0

    def start(self, run):
        self.profile.disable()
        super().start(run)

    def finish(self, status):
        super().finish(status)
        type(self).finished += 1
        if self.finished == {jobs}:
            self.profile.dump_stats(self.file + ".prof")
        elif self.finished >= {warm}:
            self.profile.enable()
"""
PLACES = {
    "all": ("_core.py", "execute_job"),
    "the run itself (run_job)": ("sweeps/job.py", "run_job"),
    "its config is composed": ("composing.py", "load_sweep_config"),
    "Hydra's config is set (set_config)": ("hydra_config.py", "set_config"),
    "configs are copied (deepcopy)": ("copy.py", "deepcopy"),
    "configs become plain values, texts": ("omegaconf.py", "to_container"),
    "YAML is written": ("yaml/__init__.py", "dump_all"),
    "values are checked (Parts.check)": ("config/parts.py", "check"),
    "parts are made (instantiate)": ("_instantiate2.py", "instantiate"),
    "the identity (science)": ("config/identity.py", "science"),
    "the learner is made, its metrics": ("runs/build.py", "learner_of"),
    "the start is recorded": ("runs/begun.py", "begin"),
    "waiting for the disk (fsync)": ("~", "fsync"),
}
"""What is told → the function's file, as its path ends, and name."""


def profiled(folder: Path, jobs: int) -> pstats.Stats:
    """The profile of all jobs but the first."""
    words = prepared(folder)
    module, node = folder / "mine" / "clock.py", folder / "mine" / "logger" / "clock.yaml"
    module.write_text(module.read_text() + PROFILE.format(jobs=jobs, warm=WARM))
    node.write_text(node.read_text().replace("clock.Clock", "clock.Profiled"))
    words = ["-m", *words, f"seed=range({jobs})", *launcher("joblib", 1)]
    code = started(words, folder, "profiled").wait()
    if code:
        raise SystemExit((folder / "profiled.log").read_text())
    return pstats.Stats(str(folder / "clock.jsonl.prof"))


def seconds(found: pstats.Stats, file: str, name: str) -> float:
    """The cumulative time of the functions of a name in a file."""
    values = found.stats.items()  # type: ignore[attr-defined]
    return sum(
        each[3]
        for (path, _, called), each in values
        if path.endswith(file) and re.search(rf"\b{name}\b", called)
    )


def main(argv: Sequence[str] | None = None) -> int:
    """Print the shares."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--jobs", type=int, default=60)
    jobs = parser.parse_args(argv).jobs
    with tempfile.TemporaryDirectory() as folder:
        found = profiled(Path(folder), jobs)
    whole = seconds(found, *PLACES["all"])
    for told, place in PLACES.items():
        spent = seconds(found, *place)
        print(f"{told:<36} {1000 * spent / (jobs - WARM):6.1f} ms {spent / whole:6.1%}")
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
