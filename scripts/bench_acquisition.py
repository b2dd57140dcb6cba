"""Time k-center, BADGE and entropy against peers, and how time and memory grow with the pool.

    python scripts/bench_acquisition.py                    # both parts: some minutes
    python scripts/bench_acquisition.py --part ratios --repeats 9
    python scripts/bench_acquisition.py --part growth --sizes 10000 40000

Ratios. k-center: 10,000 samples of 512 dimensions, 200 labeled, query of 100. BADGE: the same pool, 11
classes. Entropy: the 100 highest of 1,000,000 predictions of 11 classes. Contestants take turns, so that a
slow minute of the machine hits all of them, with the same number of threads; a ratio is the median over the
repeats of a contestant's seconds divided by al-runner's in the same repeat. Contestants:

al-runner        the strategy as a run calls it; the model's answers are known already, and predictions are
                 reduced in chunks, as the learner does.
scikit-activeml  its own strategy or, for entropy, its functions for scores and selection; where installed.
scores, argpartition  scikit-activeml's scores, and the fastest selection that NumPy has, without random ties.
factorized       BADGE as most people would write it who do not write the gradients out: one pass over the
                 pool for each sample that is drawn.

Growth. Each size in a process of its own: seconds, and the peak of the memory that the strategy and what it
is given take together, as a multiple of what it is given: the embeddings; for entropy, the predictions and
the pool. The slope is that of log seconds on log N; below 1.1 is linear. Below some 10 MB the memory says
little, as the process uses again what it has freed.
"""

import argparse
import json
import subprocess
import sys
import time
from collections.abc import Callable, Mapping
from pathlib import Path
from statistics import median
from typing import Any

import numpy as np
import torch
from threadpoolctl import threadpool_limits
from torch import Tensor

from al_runner.acquisition.uncertainty import entropy
from al_runner.loop.pool import Pool, Query
from al_runner.loop.protocols import Strategy
from al_runner.strategies.diversity import k_center
from al_runner.strategies.hybrid import Badge
from al_runner.strategies.uncertainty import Uncertainty

try:
    import skactiveml.pool as peer
    from skactiveml.utils import simple_batch

    from al_runner.strategies.known_classifier import KnownClassifier
except ImportError:
    peer = None

N, DIMENSIONS, CLASSES, LABELED, QUERY = 10_000, 512, 11, 200, 100
MANY = 1_000_000
CHUNK = 8192
STRATEGIES: dict[str, Strategy] = {"k-center": k_center, "BADGE": Badge(), "entropy": Uncertainty(entropy)}


class Known:
    """A learner whose answers are known: those for the unlabeled samples, then those for the labeled."""

    def __init__(self, n: int, dimensions: int = DIMENSIONS, labeled: int = LABELED) -> None:
        generator = torch.Generator().manual_seed(0)
        self.n = n
        centers = 3 * torch.randn(CLASSES, max(dimensions, 1), generator=generator)
        self.embeddings = torch.empty(n + labeled, dimensions)
        self.probs = torch.empty(n + labeled, CLASSES)
        for rows in torch.arange(n + labeled).split(256):
            part = slice(int(rows[0]), int(rows[-1]) + 1)
            cloud = centers[torch.randint(CLASSES, (len(rows),), generator=generator), :dimensions]
            self.embeddings[part] = (cloud + torch.randn(cloud.shape, generator=generator)).relu_()
            self.probs[part] = (2 * torch.randn(len(rows), CLASSES, generator=generator)).softmax(1)
        self.pool = Pool(n + labeled)
        self.pool.add(Query(torch.arange(n, n + labeled)), torch.zeros(labeled), 0)

    def _rows(self, known: Tensor, indices: Tensor) -> Tensor:
        return known[: self.n] if len(indices) == self.n else known[indices]

    def predict(self, indices: Tensor, reduce: Callable[[Tensor], Tensor] | None = None) -> Tensor:
        """Predictions, reduced chunk by chunk."""
        probs = self._rows(self.probs, indices)
        return probs if reduce is None else torch.cat([reduce(chunk) for chunk in probs.split(CHUNK)])

    def embed(self, indices: Tensor) -> Tensor:
        """Embeddings."""
        return self._rows(self.embeddings, indices)


def query(name: str, known: Any) -> None:
    """One query of al-runner."""
    STRATEGIES[name](known, known.pool, QUERY, torch.Generator().manual_seed(0))


def factorized_badge(known: Known) -> None:
    """BADGE with factorized gradients, one pass over the pool for each draw."""
    probs, h = known.probs[: known.n], known.embeddings[: known.n]
    a = probs - torch.nn.functional.one_hot(probs.argmax(1), CLASSES)
    norms = a.square().sum(1) * h.square().sum(1)
    taken = [int(norms.argmax())]
    squared = torch.full_like(norms, torch.inf)
    for _ in range(QUERY - 1):
        last = taken[-1]
        squared = squared.minimum(norms + norms[last] - 2 * (a @ a[last]) * (h @ h[last])).clamp_(min=0)
        squared[taken] = 0
        sums = squared.double().cumsum(0)
        taken.append(int(torch.searchsorted(sums, torch.rand(1, dtype=torch.float64) * sums[-1], right=True)))


def contestants(name: str, known: Known) -> Mapping[str, Callable[[], Any]]:
    """Who takes part; al-runner first."""
    found: dict[str, Callable[[], Any]] = {"al-runner": lambda: query(name, known)}
    if name == "BADGE":
        found["factorized"] = lambda: factorized_badge(known)
    if peer is None:
        print("scikit-activeml is not installed: left out")
        return found
    y = np.r_[np.full(known.n, np.nan), np.zeros(len(known.pool) - known.n)]
    if name == "k-center":
        points = known.embeddings.numpy()
        found["scikit-activeml"] = lambda: peer.CoreSet(random_state=0).query(points, y, batch_size=QUERY)
    elif name == "BADGE":
        classifier = KnownClassifier(known.probs.double().numpy(), known.embeddings.numpy())
        rows = np.arange(len(y), dtype=float)[:, None]
        badge = peer.Badge(random_state=0, clf_embedding_flag_name="return_embeddings")
        found["scikit-activeml"] = lambda: badge.query(rows, y, classifier, fit_clf=False, batch_size=QUERY)
    else:
        probs = known.probs[: known.n].numpy()

        def scores() -> Any:
            return peer.uncertainty_scores(probs, method="entropy")

        found["scikit-activeml"] = lambda: simple_batch(scores(), batch_size=QUERY, random_state=0)
        found["scores, argpartition"] = lambda: np.argpartition(-scores(), QUERY)[:QUERY]
    return found


def ratios(repeats: int) -> None:
    """Every operation, everyone in turns."""
    for name in STRATEGIES:
        known = Known(MANY, 0, 0) if name == "entropy" else Known(N)
        everyone = contestants(name, known)
        turns: list[dict[str, float]] = []
        for _ in range(repeats + 1):
            turns.append({})
            for who, work in everyone.items():
                start = time.perf_counter()
                work()
                turns[-1][who] = time.perf_counter() - start
        del turns[0]  # the first calls
        for who in everyone:
            ratio = median(turn[who] / turn["al-runner"] for turn in turns)
            seconds = median(turn[who] for turn in turns)
            least = min(turn[who] for turn in turns)
            print(
                f"{name:<10} {who:<22} {seconds:8.3f} s (least {least:.3f})   {ratio:6.1f} × al-runner",
                flush=True,
            )


def memory(key: str) -> int:
    """Bytes that this process holds (VmRSS), or has held at most since the peak was reset (VmHWM)."""
    status = Path("/proc/self/status").read_text()
    return 1024 * int(status.split(f"{key}:")[1].split()[0])


def measure(name: str, n: int) -> None:
    """Print seconds and memory of one query, as JSON."""
    query(name, Known(1000))  # the first calls
    before = memory("VmRSS")
    known = Known(n, 0, 0) if name == "entropy" else Known(n)
    given = [known.probs, known.pool.acquired] if name == "entropy" else [known.embeddings]
    Path("/proc/self/clear_refs").write_text("5")  # the peak is what is held now
    start = time.perf_counter()
    query(name, known)
    seconds = time.perf_counter() - start
    share = (memory("VmHWM") - before) / sum(part.nbytes for part in given)
    print(json.dumps({"seconds": seconds, "memory": share}))


def growth(sizes: list[int], threads: int) -> None:
    """Time and memory at several sizes."""
    for name in STRATEGIES:
        seconds: list[float] = []
        for n in sizes:
            command = [sys.executable, __file__, "--measure", name, str(n), "--threads", str(threads)]
            done = subprocess.run(command, check=True, capture_output=True, text=True)
            result = json.loads(done.stdout.splitlines()[-1])
            seconds.append(result["seconds"])
            used = f"memory {result['memory']:.2f} × what it is given"
            print(f"{name:<10} N {n:>7,}   {seconds[-1]:8.3f} s   {used}", flush=True)
        if len(sizes) > 1:
            slope = np.polyfit(np.log(sizes), np.log(seconds), 1)[0]
            print(f"{name:<10} slope of log time on log N: {slope:.2f}", flush=True)


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--part", choices=["all", "ratios", "growth"], default="all")
    parser.add_argument("--repeats", type=int, default=5)
    parser.add_argument("--threads", type=int, default=2)
    parser.add_argument("--sizes", type=int, nargs="+", default=[10_000, 40_000, 160_000, 640_000])
    parser.add_argument("--measure", nargs=2, metavar=("NAME", "N"), help=argparse.SUPPRESS)
    options = parser.parse_args()
    torch.set_num_threads(options.threads)
    with threadpool_limits(options.threads):
        if options.measure:
            measure(options.measure[0], int(options.measure[1]))
            return
        if options.part in ("all", "ratios"):
            ratios(options.repeats)
    if options.part in ("all", "growth"):
        growth(options.sizes, options.threads)


if __name__ == "__main__":
    main()
