"""Time what `al-run` does before it answers, and before it trains.

    python scripts/bench_startup.py
    python scripts/bench_startup.py --repeats 5 --run dataset=organmnist model=resnet18

`al-run --help`, `--cfg job` and shell completion are compared with `python -c "import hydra"`, a run up to
the end of its first optimizer step with `python -c "import torch"`. The run is ended there by the optimizer
that it is given, a part of the user's as far as it knows. Every command runs as a process of its own, in
turns; a ratio is the median over the repeats of a command's seconds divided by those of the import in the
same repeat.

Then a table by package: what the run imports and `import torch` does not, by `-X importtime`. It counts each
module's own code, and makes it slower: shares are more to be trusted than seconds.
"""

import argparse
import os
import re
import subprocess
import sys
import tempfile
import time
from collections import Counter
from pathlib import Path
from statistics import median
from typing import Any, NoReturn

AL_RUN = str(Path(sys.executable).with_name("al-run"))
ENDING = f"optimizer.algorithm._target_={Path(__file__).stem}.one_step"
HYDRA, TORCH = "import hydra", "import torch"
ANSWERS = {
    HYDRA: [sys.executable, "-c", HYDRA],
    "al-run --help": [AL_RUN, "--help"],
    "al-run --cfg job": [AL_RUN, "--cfg", "job"],
    "completion": [AL_RUN, "-sc", "query=bash"],
}
LINE = "al-run strategy="
IMPORTED = re.compile(r"import time: +(\d+) \| +\d+ \| +(\S+)")
SPLIT = {"torch", "scipy", "al_runner"}
"""Packages that the table shows in parts."""


def one_step(*given: Any, **options: Any) -> Any:
    """AdamW that ends the process after its first step."""
    import torch

    class OneStep(torch.optim.AdamW):
        def step(self, *_: Any) -> NoReturn:
            super().step()
            sys.stderr.flush()
            os._exit(0)

    return OneStep(*given, **options)


def started(command: list[str], **env: str) -> tuple[float, str]:
    """The wall time of one command, and its standard error."""
    paths = os.pathsep.join([str(Path(__file__).parent), *filter(None, [os.environ.get("PYTHONPATH")])])
    completing = {"COMP_LINE": LINE, "COMP_POINT": str(len(LINE))}
    with tempfile.TemporaryDirectory() as folder:
        start = time.perf_counter()
        done = subprocess.run(
            command,
            cwd=folder,
            env={**os.environ, **completing, "PYTHONPATH": paths, **env},
            stdout=subprocess.DEVNULL,
            stderr=subprocess.PIPE,
            text=True,
            check=False,
        )
        seconds = time.perf_counter() - start
    if done.returncode:
        raise SystemExit(f"{' '.join(command)} failed:\n{done.stderr}")
    return seconds, done.stderr


def compare(commands: dict[str, list[str]], repeats: int) -> None:
    """Print each command's seconds, and as multiples of the first one's."""
    turns = [{name: started(command)[0] for name, command in commands.items()} for _ in range(repeats)]
    base = next(iter(commands))
    for name in commands:
        ratios = [turn[name] / turn[base] for turn in turns]
        print(
            f"{name:<20} {median(turn[name] for turn in turns):6.3f} s   {median(ratios):5.2f} of the import "
            f"({min(ratios):.2f} to {max(ratios):.2f})"
        )


def imported(command: list[str]) -> dict[str, int]:
    """Module → microseconds of its own code, for every module that a command imports."""
    _, errors = started(command, PYTHONPROFILEIMPORTTIME="1")
    return {name: int(own) for own, name in IMPORTED.findall(errors)}


def offenders(run: list[str], shown: int) -> None:
    """Print what a run imports beyond torch, by package."""
    base = imported([sys.executable, "-c", TORCH])
    whole, own, modules = sum(base.values()), Counter[str](), Counter[str]()
    for name, micros in imported(run).items():
        if name not in base:
            parts = name.split(".")
            package = ".".join(parts[: 2 if parts[0] in SPLIT else 1])
            own[package] += micros
            modules[package] += 1
    print(f"\n{'imported by a run':<26} modules   share of import torch")
    for package, micros in [("all", own.total()), *own.most_common(shown)]:
        count = modules.total() if package == "all" else modules[package]
        print(f"{package:<26} {count:7d}   {micros / whole:.3f}")


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--repeats", type=int, default=11)
    parser.add_argument("--shown", type=int, default=15, help="packages in the table")
    parser.add_argument("--run", nargs="+", default=["dataset=breastmnist"], help="what the run is told")
    options = parser.parse_args()
    run = [AL_RUN, *options.run, "logger=none", ENDING]
    compare(ANSWERS, options.repeats)
    print()
    compare({TORCH: [sys.executable, "-c", TORCH], "to the first step": run}, options.repeats)
    offenders(run, options.shown)


if __name__ == "__main__":
    main()
