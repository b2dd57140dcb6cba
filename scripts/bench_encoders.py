"""Time encoders on a MedMNIST set of two classes, and say what their features are worth.

    python scripts/bench_encoders.py /data simclr                                   # on PneumoniaMNIST
    python scripts/bench_encoders.py /data simclr barlow_twins dino mae --flag breastmnist --draws 40

Each encoder of `conf/encoder` with its defaults is learned in a cache of its own, so nothing is reused. Then
logistic regression (scikit-learn's, C = 0.1, on standardized features) is fitted on few labels: of random
samples, and of typical ones (the densest of each cluster of k-means, as in TypiClust). The AUROC of the test
split is given as mean ± standard deviation over the draws. OMP_NUM_THREADS says how many cores are used.
"""

import argparse
import tempfile
import time
from collections.abc import Callable

import numpy as np
import torch
from hydra import compose, initialize_config_module
from hydra.utils import instantiate
from numpy.typing import NDArray
from sklearn.cluster import KMeans
from sklearn.linear_model import LogisticRegression
from sklearn.metrics import roc_auc_score

from al_runner.data.dataset import Dataset
from al_runner.data.sets.medmnist import load
from al_runner.learning.encoders.base import Encoded, Encoder
from al_runner.learning.machine import Machine

LABELS = 10, 20, 50, 100, 200
NEIGHBORS = 20
STRENGTH = 0.1


def main() -> None:
    """Print a table for each encoder."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("data_dir", help="folder of data sets, with medmnist/ in it")
    parser.add_argument("encoders", nargs="+", help="options of conf/encoder")
    parser.add_argument("--flag", default="pneumoniamnist", help="of MedMNIST, with two classes")
    parser.add_argument("--draws", type=int, default=10, help="of samples")
    arguments = parser.parse_args()
    dataset, machine = load(arguments.flag, arguments.data_dir), Machine.detect("cpu")
    for name in arguments.encoders:
        with tempfile.TemporaryDirectory() as cache:
            start = time.perf_counter()
            encoded = encoder_of(name, cache).encode(dataset, machine)
            print(f"{name}: {time.perf_counter() - start:.0f} s, {torch.get_num_threads()} threads")
            table(dataset, encoded, arguments.draws)


def encoder_of(name: str, cache: str) -> Encoder:
    """The encoder with its defaults."""
    with initialize_config_module("al_runner.conf", version_base="1.3"):
        return instantiate(compose(f"encoder/{name}").encoder, cache_dir=cache, _convert_="all")


def table(dataset: Dataset, encoded: Encoded, draws: int) -> None:
    """What a linear head learns from few labels."""
    mean, deviation = encoded.splits["train"].mean(0), encoded.splits["train"].std(0) + 1e-6
    train, test = (((encoded.splits[name] - mean) / deviation).numpy() for name in ("train", "test"))
    targets, truth = dataset.train.targets.numpy(), dataset.splits["test"].targets.numpy()
    ways: dict[str, Callable[[NDArray[np.float32], int, int], NDArray[np.int64]]] = {
        "random": lambda features, n, seed: np.random.default_rng(seed).permutation(len(features))[:n],
        "typical": typical,
    }
    for n in LABELS:
        for way, choose in ways.items():
            reached = []
            for seed in range(draws):
                bought = choose(train, n, seed)
                if len(set(targets[bought])) == 2:
                    head = LogisticRegression(C=STRENGTH, max_iter=500).fit(train[bought], targets[bought])
                    reached.append(roc_auc_score(truth, head.predict_proba(test)[:, 1]))
            print(f"  {n:4d} {way:8s} {np.mean(reached):.3f} ± {np.std(reached):.3f} ({len(reached)})")


def typical(features: NDArray[np.float32], n: int, seed: int) -> NDArray[np.int64]:
    """The sample of each of n clusters whose nearest neighbors in it are nearest."""
    clusters = KMeans(n, n_init=1, random_state=seed).fit(features).labels_
    found = []
    for cluster in range(n):
        members = np.flatnonzero(clusters == cluster)
        own = torch.from_numpy(features[members])
        near = torch.cdist(own, own).topk(min(NEIGHBORS, len(members)), largest=False).values.mean(1)
        found.append(members[int(near.argmin())])
    return np.array(found)


if __name__ == "__main__":
    main()
