"""Time ten rounds of active learning on frozen features against scikit-activeml's own loop.

    python scripts/bench_frozen.py
    python scripts/bench_frozen.py --repeats 1 --strategies margin --classes 2   # a quick look

The pool has the shape of PneumoniaMNIST with features of 512 dimensions: 4,708 samples, 524 for validation
and 624 for testing, of 2 and of 11 classes; the features are drawn. Ten rounds: 20 random labels, then nine
queries of 20. In each round everyone fits, scores the pool and measures the model on both other splits.
Contestants:

al-runner    `LinearLearner` in the loop that a run has, with a journal that keeps nothing: the strength by
             cross-validation on the labeled samples, all metrics of a run's record.
chosen       scikit-activeml's loop with scikit-learn's LogisticRegressionCV, which chooses among the same
             strengths in the same folds by the same log loss; accuracy and AUROC.
plain        the same with a LogisticRegression, whose strength is not chosen.

The others get standardized features, and their model is not fitted twice in a round (`fit_clf=False`).
Everyone has one thread. Contestants take turns with al-runner, so that a slow minute of the machine hits
both; a ratio is the median over the repeats of a contestant's seconds divided by al-runner's in the same
repeat.
"""

import argparse
import time
import warnings
from collections import defaultdict
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from functools import partial
from typing import Any

import numpy as np
import torch
from sklearn.linear_model import LogisticRegression, LogisticRegressionCV
from sklearn.metrics import accuracy_score, roc_auc_score
from turns import Contestant, compare

from al_runner.acquisition.uncertainty import entropy, margin
from al_runner.data.dataset import Dataset, Split
from al_runner.data.tasks import Binary, MultiClass
from al_runner.learning.linear import LinearHead, LinearLearner
from al_runner.learning.linear.head import SPREADS
from al_runner.learning.linear.held_out import folds
from al_runner.learning.machine import Machine
from al_runner.loop.experiment import Experiment
from al_runner.loop.oracle import Simulated
from al_runner.loop.pool import Pool
from al_runner.loop.protocols import Stage, Strategy
from al_runner.loop.schedule import Round, Schedule
from al_runner.loop.seeding import Streams
from al_runner.strategies.random import random
from al_runner.strategies.uncertainty import Uncertainty

try:
    import skactiveml.pool as peer
    from skactiveml.classifier import SklearnClassifier
except ImportError:
    peer = None

SIZES = {"train": 4708, "val": 524, "test": 624}
WIDTH, QUERY, ROUNDS, FOLDS = 512, 20, 10, 5
STRATEGIES: dict[str, Strategy] = {
    "random": random,
    "entropy": Uncertainty(entropy),
    "margin": Uncertainty(margin),
}
GOAL_SECONDS, GOAL_RATIO = 0.1, 5


@dataclass(frozen=True)
class Work:
    """A data set of some classes, and its features by split."""

    dataset: Dataset
    features: dict[str, torch.Tensor]


def draw(classes: int) -> Work:
    """Clusters that overlap, in features that are correlated and never below 0, like those of a network."""
    rng = np.random.default_rng(0)
    centers, mixed = rng.normal(size=(classes, WIDTH)) * 0.35, rng.normal(size=(40, WIDTH)) / 3
    splits, features = {}, {}
    for name, size in SIZES.items():
        labels = rng.integers(0, classes, size)
        values = centers[labels] + rng.normal(size=(size, 40)) @ mixed + 0.7 * rng.normal(size=(size, WIDTH))
        features[name] = torch.from_numpy(np.maximum(values, 0).astype(np.float32))
        splits[name] = Split(torch.zeros(size, 1, 1, 1, dtype=torch.uint8), torch.from_numpy(labels))
    return Work(Dataset("drawn", splits, Binary() if classes == 2 else MultiClass(classes), "none"), features)


class Stopwatch:
    """A journal that keeps the seconds of each stage and round, and nothing else."""

    def __init__(self) -> None:
        self.seconds: dict[str, list[float]] = defaultdict(list)
        self.busy: dict[str, list[float]] = defaultdict(list)
        """Of them, those in which the processor worked for this program."""

    @contextmanager
    def timed(self, stage: Stage, _step: Round) -> Iterator[None]:
        """Count a stage."""
        start, busy = time.perf_counter(), time.process_time()
        yield
        self.seconds[stage].append(time.perf_counter() - start)
        self.busy[stage].append(time.process_time() - busy)

    def wait(self, *_: object) -> None:
        """Nothing is waited for."""

    def close_round(self, *_: object) -> None:
        """Nothing is kept."""


def al_runner(work: Work, strategy: str) -> Stopwatch:
    """The loop of a run."""
    dataset, streams, journal = work.dataset, Streams(0), Stopwatch()
    learner = LinearLearner(dataset, work.features, LinearHead(), Machine.detect("cpu"), streams)
    Experiment(
        pool=Pool(len(dataset.train)),
        learner=learner,
        oracle=Simulated(dataset.train.targets),
        initial=random,
        strategy=STRATEGIES[strategy],
        streams=streams,
        plan=Schedule(QUERY, [QUERY], QUERY * ROUNDS, epochs=1).plan(len(dataset.train)),
    ).run(journal)
    return journal


class SameFolds:
    """al-runner's folds, as scikit-learn asks for them."""

    def split(self, _x: Any, y: Any, _groups: Any = None) -> Iterator[tuple[Any, Any]]:
        """Positions that are trained on, and that are held out."""
        held_out = folds(torch.as_tensor(y).long()[None], FOLDS)[0].numpy()
        for fold in range(held_out.max() + 1):
            yield np.flatnonzero(held_out != fold), np.flatnonzero(held_out == fold)

    def get_n_splits(self, *_: object) -> int:
        """So many at most."""
        return FOLDS


def chosen() -> Any:
    """Logistic regression whose strength is chosen as al-runner does."""
    strengths = [spread / WIDTH for spread in SPREADS]
    return LogisticRegressionCV(Cs=strengths, cv=SameFolds(), scoring="neg_log_loss", max_iter=1000)


def plain() -> Any:
    """Logistic regression with the strength in the middle."""
    return LogisticRegression(C=1 / WIDTH, max_iter=1000)


def scikit_activeml(work: Work, strategy: str, model: Any) -> None:
    """The loop of its tutorials."""
    mean, deviation = work.features["train"].mean(0), work.features["train"].std(0).clamp(min=1e-6)
    x = {name: ((each - mean) / deviation).double().numpy() for name, each in work.features.items()}
    truth = {name: split.targets.numpy() for name, split in work.dataset.splits.items()}
    classes = work.dataset.task.n_classes
    y = np.full(len(x["train"]), np.nan)
    first = np.random.default_rng(0).choice(len(y), QUERY, replace=False)
    y[first] = truth["train"][first]
    classifier = SklearnClassifier(model(), classes=range(classes), random_state=0)
    ask = _query(strategy, classifier)
    for step in range(ROUNDS):
        if step:
            indices = ask(x["train"], y)
            y[indices] = truth["train"][indices]
        classifier.fit(x["train"], y)
        for name in ("val", "test"):
            probs = classifier.predict_proba(x[name])
            accuracy_score(truth[name], probs.argmax(1))
            roc_auc_score(truth[name], probs[:, 1] if classes == 2 else probs, multi_class="ovr")


def _query(strategy: str, classifier: Any) -> Any:
    """(X, y) → indices."""
    if strategy == "random":
        return partial(peer.RandomSampling(random_state=0).query, batch_size=QUERY)
    method = {"entropy": "entropy", "margin": "margin_sampling"}[strategy]
    query = peer.UncertaintySampling(method=method, random_state=0).query
    return partial(query, clf=classifier, fit_clf=False, batch_size=QUERY)


def show(journal: Stopwatch) -> None:
    """The stages of al-runner's last repeat."""
    slowest, busiest = (
        max(sum(stages) for stages in zip(*each.values(), strict=True))
        for each in (journal.seconds, journal.busy)
    )
    means = ", ".join(f"{stage} {np.mean(seconds):.4f}" for stage, seconds in journal.seconds.items())
    print(f"  of a round: {means} s")
    print(
        f"  the slowest round {slowest:.3f} s, {busiest:.3f} s of it busy; goal: {GOAL_SECONDS}\n", flush=True
    )


def main(argv: Sequence[str] | None = None) -> int:
    """Measure and print."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--repeats", type=int, default=5, help="turns of each that count; %(default)s")
    parser.add_argument("--classes", type=int, nargs="+", default=[2, 11], help="%(default)s")
    parser.add_argument("--strategies", nargs="+", choices=STRATEGIES, default=list(STRATEGIES))
    options = parser.parse_args(argv)
    if peer is None:
        parser.error("scikit-activeml is not installed")
    warnings.filterwarnings("ignore")
    torch.set_num_threads(1)
    print(f"seconds of a round, {options.repeats} repeats; goal: {GOAL_RATIO} × against `chosen`\n")
    for classes in options.classes:
        work = draw(classes)
        for strategy in options.strategies:
            ours = Contestant("al-runner", partial(al_runner, work, strategy), ROUNDS)
            for model in (chosen, plain):
                print(f"{classes} classes, {strategy}")
                other = partial(scikit_activeml, work, strategy, model)
                theirs = Contestant(model.__name__, other, ROUNDS)
                journal, _ = compare(ours, theirs, options.repeats, 1, "{seconds:9.4f} s")
            show(journal)
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
