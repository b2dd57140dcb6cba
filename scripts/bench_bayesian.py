"""Time BatchBALD against the libraries that have it.

    python scripts/bench_bayesian.py                                # 500 samples, everyone, three repeats
    python scripts/bench_bayesian.py --samples 10000 --only al-run  # alone on a large pool: time, peak memory

The work: choose 10 of 500 samples by 20 stochastic passes over 11 classes, with 10,000 label configurations.
Predictions are the softmax of random logits that the passes share, plus noise of their own: on some samples
passes agree, on others not. Each repeat has another seed. Contestants:

al-run           as it is used.
al-run-full      every gain computed in full; `same_picks` compares the two, and is an error where it is no.
batchbald_redux  of the method's first author, where it is installed, as is scikit-activeml's.
scikit-activeml  `batch_bald`.
baal             the ranks of its `BatchBALD`. It draws configurations for every step but the first.

All have `--threads` threads. Every turn is a process of its own; imports and a first call on 20 samples are
not timed. Contestants take turns, so that a slow minute of the machine hits all of them. `cpu_s` is the
processors' time, which says more than the clock's where others compute, too, if threads is 1 (two wait for
each other by computing). `to_own` is the median over the repeats of a contestant's time divided by al-run's
in the same repeat. Picks beyond the exact ones need not agree between libraries: `information` is the joint
mutual information of the picks in bits, measured for all in the same way, with ten times the configurations.
"""

import argparse
import io
import multiprocessing
import os
import resource
import time
from collections.abc import Callable, Mapping, Sequence
from contextlib import redirect_stderr, redirect_stdout
from dataclasses import dataclass
from importlib.util import find_spec
from statistics import median

import torch
from torch import Tensor

from al_runner.acquisition.batchbald import batchbald
from al_runner.acquisition.joint import Joint

OWN, FULL = "al-run", "al-run-full"


@dataclass(frozen=True)
class Turn:
    """What a turn took, and what it chose."""

    seconds: float
    cpu_seconds: float
    peak_mib: float
    picks: list[int]


Contestant = Callable[[Tensor, int, int], Sequence[int]]
"""(probs [N, K, C], size, configurations) → picks."""


def predictions(options: argparse.Namespace, seed: int) -> Tensor:
    """Probabilities of passes, float32 [N, K, C]."""
    generator = torch.Generator().manual_seed(seed)
    shape = (options.samples, options.passes, options.classes)
    shared = 2 * torch.randn(shape[0], 1, shape[2], generator=generator)
    disagreement = 2 * torch.rand(shape[0], 1, 1, generator=generator)
    return (shared + disagreement * torch.randn(shape, generator=generator)).softmax(-1)


def own(probs: Tensor, size: int, configurations: int) -> Sequence[int]:
    """al-run."""
    return batchbald(probs, size, torch.Generator().manual_seed(0), configurations)[0].tolist()


def full(probs: Tensor, size: int, configurations: int) -> Sequence[int]:
    """al-run, all gains."""
    return batchbald(probs, size, torch.Generator().manual_seed(0), configurations, lazy=False)[0].tolist()


def redux(probs: Tensor, size: int, configurations: int) -> Sequence[int]:
    """batchbald_redux, in the float32 that it computes in by default."""
    from batchbald_redux.batchbald import get_batchbald_batch

    return get_batchbald_batch(probs.log(), size, configurations).indices


def skactiveml(probs: Tensor, size: int, configurations: int) -> Sequence[int]:
    """scikit-activeml, which clips its argument in place."""
    from skactiveml.pool import batch_bald

    gains = batch_bald(probs.transpose(0, 1).double().numpy().copy(), size, configurations, random_state=0)
    return torch.from_numpy(gains).nan_to_num(-torch.inf).argmax(1).tolist()


def baal(probs: Tensor, size: int, configurations: int) -> Sequence[int]:
    """baal, which counts draws for each pass."""
    from baal.active.heuristics import BatchBALD

    heuristic = BatchBALD(num_samples=size - 1, num_draw=max(1, configurations // probs.shape[1]))
    return heuristic.get_ranks(probs.transpose(1, 2).double().numpy())[0][:size].tolist()


def contestants() -> dict[str, Contestant]:
    """Everyone who can take part here."""
    peers = {"batchbald_redux": redux, "skactiveml": skactiveml, "baal": baal}
    named = {"skactiveml": "scikit-activeml"}
    here = {named.get(name, name): peer for name, peer in peers.items() if find_spec(name)}
    return {OWN: own, FULL: full, **here}


def turn(name: str, options: argparse.Namespace, seed: int) -> Turn:
    """One turn in this process, warmed up and silent."""
    torch.set_num_threads(options.threads)
    torch.manual_seed(seed)
    contestant, probs = contestants()[name], predictions(options, seed)
    with redirect_stderr(io.StringIO()), redirect_stdout(io.StringIO()):
        contestant(probs[:20], 5, 1000)
        cpu, start = time.process_time(), time.perf_counter()
        picks = contestant(probs, options.query, options.configurations)
        seconds, cpu_seconds = time.perf_counter() - start, time.process_time() - cpu
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    return Turn(seconds, cpu_seconds, peak, [int(pick) for pick in picks])


def information(probs: Tensor, picks: Sequence[int], configurations: int) -> float:
    """Joint mutual information of picks, in bits: what each adds to those before it."""
    joint = Joint(probs.shape[1], configurations, torch.Generator().manual_seed(1), probs.device)
    total = 0.0
    for pick in picks:
        own, given = probs[pick].double(), joint.configurations
        entropy = given.masses @ torch.special.entr(given.weights @ own).sum(1)
        total += float(entropy - torch.special.entr(own).sum(1) @ given.mean)
        joint.add(own)
    return total / torch.tensor(2.0).log().item()


def compare(names: Sequence[str], options: argparse.Namespace) -> dict[str, list[Turn]]:
    """The turns of each."""
    turns: dict[str, list[Turn]] = {name: [] for name in names}
    spawn = multiprocessing.get_context("spawn")
    for seed in range(options.repeats):
        for name in names:
            with spawn.Pool(1) as process:
                turns[name].append(process.apply(turn, (name, options, seed)))
    return turns


def table(turns: Mapping[str, Sequence[Turn]], options: argparse.Namespace) -> str:
    """What each took, as text in columns."""
    columns = ("median_s", "to_own", "cpu_s", "cpu_to_own", "peak_MiB", "information")
    lines = [
        f"{'contestant':<16}" + "".join(f" {column:>11}" for column in columns) + "  seconds_of_each_repeat"
    ]
    for name, those in turns.items():
        pairs = list(zip(those, turns[OWN], strict=True))
        told = [
            information(predictions(options, seed), one.picks, 10 * options.configurations)
            for seed, one in enumerate(those)
        ]
        values = (
            median(one.seconds for one in those),
            median(one.seconds / ours.seconds for one, ours in pairs),
            median(one.cpu_seconds for one in those),
            median(one.cpu_seconds / ours.cpu_seconds for one, ours in pairs),
            median(one.peak_mib for one in those),
            median(told),
        )
        each = " ".join(f"{one.seconds:.2f}" for one in those)
        lines.append(f"{name:<16}" + "".join(f" {value:>11.3f}" for value in values) + f"  {each}")
    return "\n".join(lines)


def parse(argv: Sequence[str] | None, names: Sequence[str]) -> argparse.Namespace:
    """The options; ends the program where they are wrong."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    counts = {
        "samples": (500, "in the pool"),
        "passes": (20, "of the network"),
        "classes": (11, "in all"),
        "query": (10, "samples to choose"),
        "configurations": (10_000, "of labels"),
        "repeats": (3, "turns of each"),
        "threads": (2, "of each library"),
    }
    for name, (default, what) in counts.items():
        parser.add_argument(f"--{name}", type=int, default=default, help=f"{what}; %(default)s")
    parser.add_argument("--only", nargs="+", choices=names, default=names, help=f"these, and always {OWN}")
    options = parser.parse_args(argv)
    if min(getattr(options, name) for name in counts) < 1 or options.query > options.samples:
        parser.error("counts must be at least 1, and --query at most --samples")
    return options


def main(argv: Sequence[str] | None = None) -> int:
    """Measure and print."""
    everyone = contestants()
    options = parse(argv, list(everyone))
    for name in ("OMP_NUM_THREADS", "MKL_NUM_THREADS", "OPENBLAS_NUM_THREADS"):
        os.environ[name] = str(options.threads)  # of NumPy, in the processes to come
    turns = compare([name for name in everyone if name in (OWN, *options.only)], options)
    print(
        f"{options.query} of {options.samples} samples, {options.passes} passes, {options.classes} classes,"
    )
    print(
        f"{options.configurations} configurations, {options.threads} threads, PyTorch {torch.__version__}\n"
    )
    print(table(turns, options))
    if FULL not in turns:
        return 0
    same = [a.picks == b.picks for a, b in zip(turns[OWN], turns[FULL], strict=True)]
    print(f"\nsame_picks {'yes' if all(same) else 'no'}")
    return 0 if all(same) else 1


if __name__ == "__main__":
    raise SystemExit(main())
