"""Time `al-run --help`, `--cfg job` and shell completion against `python -c "import hydra"`.

    python scripts/bench_startup.py

Every command runs as a process of its own, in turns; a ratio is the median over the repeats of a command's
seconds divided by those of the import in the same repeat.
"""

import argparse
import os
import subprocess
import sys
import time
from pathlib import Path
from statistics import median

AL_RUN = str(Path(sys.executable).with_name("al-run"))
COMMANDS = {
    "import hydra": [sys.executable, "-c", "import hydra"],
    "al-run --help": [AL_RUN, "--help"],
    "al-run --cfg job": [AL_RUN, "--cfg", "job"],
    "completion": [AL_RUN, "-sc", "query=bash"],
}
LINE = "al-run strategy="


def seconds(command: list[str]) -> float:
    """The wall time of one command."""
    env = {**os.environ, "COMP_LINE": LINE, "COMP_POINT": str(len(LINE))}
    start = time.perf_counter()
    subprocess.run(command, env=env, check=True, stdout=subprocess.DEVNULL)
    return time.perf_counter() - start


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--repeats", type=int, default=11)
    options = parser.parse_args()
    turns = [{name: seconds(command) for name, command in COMMANDS.items()} for _ in range(options.repeats)]
    for name in COMMANDS:
        ratio = median(turn[name] / turn["import hydra"] for turn in turns)
        print(f"{name:<18} {median(turn[name] for turn in turns):.3f} s   {ratio:.2f} of the import")


if __name__ == "__main__":
    main()
