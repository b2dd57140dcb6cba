"""Time MC-dropout scoring against baal.

    python scripts/bench_dropout.py                            # 3,000 images, 20 passes, five repeats
    PYTHONPATH=peers python scripts/bench_dropout.py           # with a baal that was installed on the side:
    pip install --target peers --no-deps baal 'structlog<23'   # its other requirements are older than ours

The work: the BALD scores of images of 28×28 by K passes of `alda_cnn` with dropout before the classifier,
trained on 500 others. All score with the same weights, from images in memory to scores. Contestants:

al-run         `learner.sample` as a strategy calls it: what comes before the dropout is computed once.
al-run-again   the same with other draws.
baal           `MCDropoutModule`, `ModelWrapper` and `BALD` with what they do by default, but without worker
               processes, which cost more than they bring: a batch holds all passes of `--batch` images.
baal-caching   its `MCCachingModule`, which computes convolutions and linear layers once where they see the
               same input again, and one pass after the other, as it recommends; in batches of 8 × `--batch`.

All have `--threads` threads. Every turn is a process of its own; imports, training and a first call on 100
images are not timed. Contestants take turns, so that a slow minute of the machine hits all of them. `cpu_s`
is the processors' time, which says more than the clock's where others compute, too. `to_own` is the median
over the repeats of a contestant's time divided by al-run's in the same repeat. Draws differ, so scores do:
`correlation` is Spearman's with al-run's scores; that of al-run-again is what can be expected.
"""

import argparse
import copy
import io
import multiprocessing
import os
import time
from collections.abc import Callable, Sequence
from contextlib import redirect_stderr, redirect_stdout
from dataclasses import dataclass
from functools import partial
from importlib.util import find_spec
from statistics import median
from typing import Any

import numpy as np
import torch
from scipy.stats import spearmanr
from torch.utils.data import TensorDataset

from al_runner.acquisition.bayesian import bald
from al_runner.data.dataset import Dataset, normalize
from al_runner.data.sets import phantom
from al_runner.learning.learner import NetworkLearner
from al_runner.learning.machine import Machine
from al_runner.learning.optimizer import Optimizer
from al_runner.learning.posterior import McDropout
from al_runner.loop.schedule import Round
from al_runner.loop.seeding import Streams
from al_runner.models.alda import alda_cnn

OWN = "al-run"
TRAINED = 500
Score = Callable[[int], Any]
"""How many images → their scores [n]."""


@dataclass(frozen=True)
class Turn:
    """What a turn took, and its scores."""

    seconds: float
    cpu_seconds: float
    scores: Any


def trained(options: argparse.Namespace, seed: int) -> NetworkLearner:
    """A learner that knows something; what it was trained on lies behind what is scored."""
    n = options.samples
    dataset: Dataset = phantom.load(seed=seed, n_train=n + TRAINED, n_val=1, n_test=1)
    learner = NetworkLearner(
        dataset,
        partial(alda_cnn, width=options.width),
        Optimizer(torch.optim.AdamW, lr=1e-3, batch_size=16),
        Machine.detect("cpu", "32", options.threads),
        Streams(seed),
        posterior=McDropout(options.passes),
    )
    labeled = torch.arange(n, n + TRAINED)
    learner.fit(labeled, dataset.train.targets[labeled], Round(0, TRAINED, 3, reset=True, evaluate=False))
    return learner


def own(learner: NetworkLearner, options: argparse.Namespace, draws: int = 0) -> Score:  # noqa: ARG001
    """al-run."""
    return lambda n: learner.sample(torch.arange(n), torch.Generator().manual_seed(draws), bald).numpy()


def baal(learner: NetworkLearner, options: argparse.Namespace, caching: bool = False) -> Score:
    """baal, on float images that are made ready for it."""
    from baal.active.heuristics import BALD
    from baal.bayesian.caching_utils import MCCachingModule
    from baal.bayesian.dropout import MCDropoutModule
    from baal.modelwrapper import ModelWrapper, TrainingArgs

    network = copy.deepcopy(learner.network).to(memory_format=torch.contiguous_format)
    batch = 8 * options.batch if caching else options.batch
    arguments = TrainingArgs(batch_size=batch, use_cuda=False, workers=0, replicate_in_memory=not caching)
    module = MCDropoutModule(network)
    wrapper = ModelWrapper(MCCachingModule(module) if caching else module, arguments)
    images, heuristic = normalize(learner.dataset.train.images), BALD()

    def score(n: int) -> Any:
        predictions = wrapper.predict_on_dataset(TensorDataset(images[:n]), options.passes, verbose=False)
        return heuristic.get_uncertainties(predictions)

    return score


def contestants() -> dict[str, Callable[[NetworkLearner, argparse.Namespace], Score]]:
    """Everyone who can take part here."""
    peers = {"baal": baal, "baal-caching": partial(baal, caching=True)} if find_spec("baal") else {}
    return {OWN: own, "al-run-again": partial(own, draws=1), **peers}


def turn(name: str, options: argparse.Namespace, seed: int) -> Turn:
    """One turn in this process, warmed up and silent."""
    with redirect_stderr(io.StringIO()), redirect_stdout(io.StringIO()):
        score = contestants()[name](trained(options, seed), options)
        torch.manual_seed(seed)
        score(100)
        cpu, start = time.process_time(), time.perf_counter()
        scores = score(options.samples)
        seconds, cpu_seconds = time.perf_counter() - start, time.process_time() - cpu
    return Turn(seconds, cpu_seconds, np.asarray(scores))


def compare(options: argparse.Namespace) -> dict[str, list[Turn]]:
    """The turns of each."""
    turns: dict[str, list[Turn]] = {name: [] for name in contestants()}
    spawn = multiprocessing.get_context("spawn")
    for seed in range(options.repeats):
        for name, those in turns.items():
            with spawn.Pool(1) as process:
                those.append(process.apply(turn, (name, options, seed)))
    return turns


def table(turns: dict[str, list[Turn]]) -> str:
    """What each took, as text in columns."""
    columns = ("median_s", "to_own", "cpu_s", "cpu_to_own", "correlation")
    lines = [
        f"{'contestant':<13}" + "".join(f" {column:>11}" for column in columns) + "  seconds_of_each_repeat"
    ]
    for name, those in turns.items():
        pairs = list(zip(those, turns[OWN], strict=True))
        values = (
            median(one.seconds for one in those),
            median(one.seconds / ours.seconds for one, ours in pairs),
            median(one.cpu_seconds for one in those),
            median(one.cpu_seconds / ours.cpu_seconds for one, ours in pairs),
            median(float(spearmanr(one.scores, ours.scores).statistic) for one, ours in pairs),
        )
        each = " ".join(f"{one.seconds:.2f}" for one in those)
        lines.append(f"{name:<13}" + "".join(f" {value:>11.3f}" for value in values) + f"  {each}")
    return "\n".join(lines)


def parse(argv: Sequence[str] | None) -> argparse.Namespace:
    """The options; ends the program where they are wrong."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    counts = {
        "samples": (3000, "images to score"),
        "passes": (20, "of the network"),
        "width": (16, "of the network"),
        "batch": (32, "images that baal takes at once"),
        "repeats": (5, "turns of each"),
        "threads": (2, "of each library"),
    }
    for name, (default, what) in counts.items():
        parser.add_argument(f"--{name}", type=int, default=default, help=f"{what}; %(default)s")
    options = parser.parse_args(argv)
    if min(getattr(options, name) for name in counts) < 1 or options.samples < 100:
        parser.error("counts must be at least 1, and --samples at least 100")
    return options


def main(argv: Sequence[str] | None = None) -> int:
    """Measure and print."""
    options = parse(argv)
    for name in ("OMP_NUM_THREADS", "MKL_NUM_THREADS", "OPENBLAS_NUM_THREADS"):
        os.environ[name] = str(options.threads)  # of NumPy, in the processes to come
    turns = compare(options)
    print(f"{options.samples} images of 28×28, {options.passes} passes, alda_cnn of width {options.width},")
    print(f"{options.threads} threads, PyTorch {torch.__version__}\n\n{table(turns)}")
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
