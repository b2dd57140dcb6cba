"""Time al-run's loop against the loop that most people would write.

    python scripts/bench_loop.py                                         # the full work, three repeats
    python scripts/bench_loop.py --queries 3 --repeats 1 --only al-run   # a quick look

The work is the loop of regime 4 of "Active Learning with Data Augmentation for Organ Classification", on
the CPU: 7 random labels, then 33 queries of the 4 samples with the highest entropy; batches of 16; the model
starts from scratch every third query, with 6 epochs a query at first and one more after every restart. No
count of labels leaves a batch of a single sample, so everyone takes the same optimizer steps. Contestants:

plain            PyTorch as most people would write it: float32, contiguous, default AdamW, the whole pool
                 predicted in chunks of 512. Nothing is evaluated, nothing is kept.
al-run           the whole of al-run but for composing the config and loading the data: the run folder is
                 written round by round, to the disk that TMPDIR names. The first and the last round are
                 evaluated, and a last model is trained on all labels, which nobody else does: 34 fits
                 against 33. Both are to its disadvantage.
al-run-measured  the same with an evaluation on the validation and the test split after every round.
lightning        the plain loop with `Trainer.fit` and `Trainer.predict` on a `DataLoader`, a new trainer
                 for each.
baal             baal's own dataset, wrapper and loop, where it is installed; it predicts in chunks of 512
                 too, not in its batches for training.

Every turn is a process of its own, as the programs would be: in one process, the memory that one contestant
has returned to the allocator changes the speed of the next. Imports, data loading and the first calls (a
warm-up with one query) are not timed for anyone. Contestants take turns, so that a slow minute of the machine
hits all of them. A ratio is the median over the repeats of a contestant's seconds divided by those of `plain`
in the same repeat: below 1 is faster than plain.
"""

import argparse
import csv
import io
import logging
import multiprocessing
import os
import tempfile
import time
import warnings
from collections.abc import Callable, Mapping, Sequence
from contextlib import redirect_stderr, redirect_stdout
from dataclasses import dataclass, field, replace
from functools import partial
from pathlib import Path
from statistics import median
from typing import Any
from unittest.mock import patch

import hydra
import pytorch_lightning as pl
import torch
import torch.nn.functional as F
from torch import Tensor, nn
from torch.utils.data import DataLoader, TensorDataset

from al_runner.config.identity import identity
from al_runner.config.schema import to_dict, validate
from al_runner.data.dataset import Dataset
from al_runner.data.sets import npz
from al_runner.errors import InputError
from al_runner.runs.begun import Request
from al_runner.runs.run import execute

try:
    import baal.active as baal_active
    import baal.active.heuristics as baal_heuristics
    import baal.modelwrapper as baal_wrapper
    import structlog  # what baal logs with
except ImportError:
    baal_active = None

INITIAL, QUERY, QUERIES = 7, 4, 33
FIRST_EPOCHS, RESTART_EVERY = 6, 3
WIDTH, BATCH, CHUNK, LEARNING_RATE = 8, 16, 512, 1e-3
STAGES = ("fit", "score", "evaluate")
CUDA_CHECK = "PYTORCH_NVML_BASED_CUDA_CHECK"
"""Lightning sets this variable when it is imported. On a machine without a GPU it makes PyTorch look for one
at every optimizer step, for about 0.1 ms. Who has nothing to do with Lightning runs without it."""


@dataclass(frozen=True)
class Work:
    """What every contestant has to do.

    Attributes:
        path: the npz file.
        dataset: its content, as al-run takes it.
        images: float32 [N, channels, 28, 28], the pool as the other loops take it.
        labels: int64 [N].
        queries: how many.
    """

    path: Path
    dataset: Dataset
    images: Tensor
    labels: Tensor
    queries: int


@dataclass(frozen=True)
class Timing:
    """Seconds of one turn, and of its stages where they are known."""

    seconds: float
    stages: Mapping[str, float] = field(default_factory=dict)


Contestant = Callable[[Work], Timing]
Train = Callable[[nn.Module, torch.optim.Optimizer, Tensor, Tensor, int], None]
"""(model, optimizer, images, labels, epochs): train in place."""
Predict = Callable[[nn.Module, Tensor], Tensor]
"""(model, images) → probabilities."""


def load(path: Path, queries: int) -> Work:
    """The work on a file.

    Raises:
        InputError: the file cannot be read, or is not one of small single-label images.
    """
    dataset = npz.load(path)
    if dataset.image_size != (28, 28) or dataset.train.targets.ndim != 1:
        raise InputError(f"{path}: the benchmark needs images of 28×28 with one label each")
    if len(dataset.train) < INITIAL + QUERY * queries:
        raise InputError(f"{path}: {len(dataset.train)} samples are too few for {queries} queries")
    images = dataset.train.images.float().div(255).sub(0.5).contiguous()
    return Work(path, dataset, images, dataset.train.targets, queries)


def network(work: Work) -> nn.Sequential:
    """The paper's network with f = 8, written down plainly."""

    def block(inputs: int, outputs: int) -> list[nn.Module]:
        first, second = nn.Conv2d(inputs, outputs, 3, padding=1), nn.Conv2d(outputs, outputs, 3, padding=1)
        return [first, nn.ReLU(), nn.BatchNorm2d(outputs), second, nn.ReLU(), nn.BatchNorm2d(outputs)]

    f, classes = WIDTH, int(work.labels.max()) + 1
    return nn.Sequential(
        *block(work.dataset.channels, f), nn.MaxPool2d(2, 3), *block(f, 2 * f), nn.MaxPool2d(2, 3),
        *block(2 * f, 4 * f), nn.Flatten(), nn.Linear(36 * f, 8 * f), nn.ReLU(), nn.Linear(8 * f, 2 * f),
        nn.ReLU(), nn.Linear(2 * f, classes),
    )  # fmt: skip


def epochs_of(query: int) -> int:
    """Epochs before a query: 6, 6, 6, 7, 7, 7, …"""
    return FIRST_EPOCHS + query // RESTART_EVERY


def written_by_hand(work: Work, train: Train, predict: Predict) -> Timing:
    """The loop without a library for it."""
    start = time.perf_counter()
    labeled = torch.randperm(len(work.images))[:INITIAL]
    for query in range(work.queries):
        if query % RESTART_EVERY == 0:
            model = network(work)
            optimizer = torch.optim.AdamW(model.parameters(), LEARNING_RATE)
        train(model, optimizer, work.images[labeled], work.labels[labeled], epochs_of(query))
        probs = predict(model, work.images)
        entropy = -(probs * probs.clamp_min(1e-12).log()).sum(1)
        entropy[labeled] = -1
        labeled = torch.cat([labeled, entropy.topk(QUERY).indices])
    return Timing(time.perf_counter() - start)


def plain_train(
    model: nn.Module, optimizer: torch.optim.Optimizer, images: Tensor, labels: Tensor, epochs: int
) -> None:
    """Train in plain PyTorch; a batch of a single sample, which batch norm could refuse, is skipped."""
    model.train()
    for _ in range(epochs):
        for batch in torch.randperm(len(images)).split(BATCH):
            if len(batch) > 1:
                optimizer.zero_grad()
                F.cross_entropy(model(images[batch]), labels[batch]).backward()
                optimizer.step()


def plain_predict(model: nn.Module, images: Tensor) -> Tensor:
    """Predict in plain PyTorch."""
    model.eval()
    with torch.inference_mode():
        return torch.cat([model(chunk).softmax(1) for chunk in images.split(CHUNK)])


class PlainModule(pl.LightningModule):
    """The Lightning module that most people would write."""

    def __init__(self, model: nn.Module, optimizer: torch.optim.Optimizer | None = None) -> None:
        super().__init__()
        self.model, self.optimizer = model, optimizer

    def configure_optimizers(self) -> Any:
        """The optimizer, which goes on from its state between restarts."""
        return self.optimizer

    def training_step(self, batch: Sequence[Tensor]) -> Tensor:
        """The loss of a batch."""
        images, labels = batch
        return F.cross_entropy(self.model(images), labels)

    def predict_step(self, batch: Sequence[Tensor]) -> Tensor:
        """The probabilities of a batch."""
        return self.model(batch[0]).softmax(1)


def trainer(epochs: int) -> pl.Trainer:
    """A new trainer with nothing on that the loop does not need."""
    return pl.Trainer(
        accelerator="cpu",
        max_epochs=epochs,
        logger=False,
        enable_checkpointing=False,
        enable_progress_bar=False,
        enable_model_summary=False,
    )


def lightning_train(
    model: nn.Module, optimizer: torch.optim.Optimizer, images: Tensor, labels: Tensor, epochs: int
) -> None:
    """Train with Lightning."""
    loader = DataLoader(TensorDataset(images, labels), BATCH, shuffle=True)
    trainer(epochs).fit(PlainModule(model, optimizer), loader)


def lightning_predict(model: nn.Module, images: Tensor) -> Tensor:
    """Predict with Lightning."""
    return torch.cat(trainer(1).predict(PlainModule(model), DataLoader(TensorDataset(images), CHUNK)))


def baal_loop(work: Work) -> Timing:
    """The loop with baal's parts."""
    start = time.perf_counter()
    dataset = baal_active.ActiveLearningDataset(TensorDataset(work.images, work.labels))
    dataset.label_randomly(INITIAL)
    for query in range(work.queries):
        if query % RESTART_EVERY == 0:
            model = network(work)
            args = baal_wrapper.TrainingArgs(
                optimizer=torch.optim.AdamW(model.parameters(), LEARNING_RATE),
                criterion=nn.CrossEntropyLoss(),
                use_cuda=False,
                workers=0,
            )
            wrapper = baal_wrapper.ModelWrapper(model, args)
            entropy = baal_heuristics.Entropy()
            loop = baal_active.ActiveLearningLoop(
                dataset, wrapper.predict_on_dataset, entropy, QUERY, iterations=1, verbose=False
            )
        args.batch_size, args.epoch = BATCH, epochs_of(query)
        wrapper.train_on_dataset(dataset)
        args.batch_size = CHUNK
        loop.step()
    return Timing(time.perf_counter() - start)


def al_run(work: Work, evaluate_every: int) -> Timing:
    """The loop with al-run, its record included."""
    with tempfile.TemporaryDirectory() as folder:
        composed = compose(work, folder, evaluate_every)
        request = request_of(composed, Path(folder, "run"))

        def parts(name: str, **arguments: Any) -> Any:
            if name == "dataset":
                return work.dataset
            return hydra.utils.instantiate(composed[name], _convert_="all", **arguments)

        start = time.perf_counter()
        execute(request, parts)
        seconds = time.perf_counter() - start
        with (request.folder / "rounds.csv").open(newline="") as file:
            rows = list(csv.DictReader(file))
    stages = {stage: sum(float(row[f"{stage}_seconds"]) for row in rows) for stage in STAGES}
    return Timing(seconds, {**stages, "rest": seconds - sum(stages.values())})


def request_of(composed: Any, folder: Path) -> Request:
    """What `al-run` would ask for with this config."""
    plain = to_dict(composed)
    return Request(
        config=validate(composed),
        plain=plain,
        identity=identity(plain),
        group=identity(plain, "seed"),
        strategy="entropy",
        folder=folder,
        command="",
        asked={},
    )


def compose(work: Work, folder: str, evaluate_every: int) -> Any:
    """The config of al-run's part."""
    overrides = [
        "dataset=npz",
        f'dataset.path="{work.path}"',
        "model=alda_cnn",
        f"model.width={WIDTH}",
        "strategy=entropy",
        f"schedule.initial_size={INITIAL}",
        f"schedule.query_size={QUERY}",
        f"schedule.budget={INITIAL + QUERY * work.queries}",
        f"schedule.epochs={{start: {FIRST_EPOCHS}, grow: 1}}",
        f"schedule.reset={{every: {RESTART_EVERY}}}",
        f"schedule.evaluate_every={evaluate_every}",
        "optimizer=adamw",
        f"optimizer.lr={LEARNING_RATE}",
        f"optimizer.batch_size={BATCH}",
        "trainer=cpu",
        "logger=none",
        f'output_dir="{folder}"',
    ]
    with hydra.initialize_config_module("al_runner.conf", version_base="1.3"):
        return hydra.compose("config", overrides)


def without_lightning(work: Work, contestant: Contestant) -> Timing:
    """A turn as it would be had this program not imported Lightning."""
    with patch.dict(os.environ):
        os.environ.pop(CUDA_CHECK, None)
        return contestant(work)


def contestants() -> dict[str, Contestant]:
    """Everyone who can take part here, in their order; `plain` comes first."""
    plain = partial(written_by_hand, train=plain_train, predict=plain_predict)
    everyone: dict[str, Contestant] = {
        "plain": partial(without_lightning, contestant=plain),
        "al-run": partial(al_run, evaluate_every=1000),
        "al-run-measured": partial(al_run, evaluate_every=1),
        "lightning": partial(written_by_hand, train=lightning_train, predict=lightning_predict),
    }
    if baal_active is not None:
        everyone["baal"] = partial(without_lightning, contestant=baal_loop)
    return everyone


def turn(name: str, path: Path, queries: int, threads: int) -> Timing:
    """One turn in this process, warmed up, from the same seed and without its output."""
    silence()
    torch.set_num_threads(threads)
    work, contestant = load(path, queries), contestants()[name]
    with redirect_stdout(io.StringIO()), redirect_stderr(io.StringIO()):
        contestant(replace(work, queries=1))
        torch.manual_seed(0)
        return contestant(work)


def silence() -> None:
    """Keep the libraries' advice and logs out of the table, and the cost of writing them out of the times."""
    warnings.filterwarnings("ignore")
    logging.getLogger("pytorch_lightning").setLevel(logging.ERROR)
    if baal_active is not None:
        structlog.configure(wrapper_class=structlog.make_filtering_bound_logger(logging.WARNING))


def compare(names: Sequence[str], options: argparse.Namespace) -> dict[str, list[Timing]]:
    """The timings of each, in turns."""
    timings: dict[str, list[Timing]] = {name: [] for name in names}
    spawn = multiprocessing.get_context("spawn")
    for _ in range(options.repeats):
        for name in names:
            with spawn.Pool(1) as process:
                arguments = (name, options.npz, options.queries, options.threads)
                timings[name].append(process.apply(turn, arguments))
    return timings


def ratio(timings: Sequence[Timing], plain: Sequence[Timing]) -> float:
    """The median over the repeats of a contestant's seconds divided by plain's."""
    return median(own.seconds / other.seconds for own, other in zip(timings, plain, strict=True))


def table(timings: Mapping[str, Sequence[Timing]]) -> str:
    """Total seconds, and where they go in al-run, as text in columns."""
    lines = [f"{'contestant':<16} {'median_s':>9} {'to_plain':>9}  seconds_of_each_repeat"]
    for name, turns in timings.items():
        each = " ".join(f"{turn.seconds:.2f}" for turn in turns)
        middle = median(turn.seconds for turn in turns)
        lines.append(f"{name:<16} {middle:>9.2f} {ratio(turns, timings['plain']):>9.3f}  {each}")
    lines += ["", f"{'median_s_of':<16}" + "".join(f" {stage:>9}" for stage in (*STAGES, "rest"))]
    for name, turns in timings.items():
        if stages := turns[0].stages:
            middles = [median(turn.stages[stage] for turn in turns) for stage in stages]
            lines.append(f"{name:<16}" + "".join(f" {middle:>9.2f}" for middle in middles))
    return "\n".join(lines)


def parse(argv: Sequence[str] | None, names: Sequence[str]) -> tuple[argparse.Namespace, Work]:
    """The options and the work they describe; ends the program where they are wrong."""
    data = Path(os.environ.get("AL_RUNNER_DATA", "~/.cache/al-runner")).expanduser()
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--npz", type=Path, default=data / "medmnist" / "mednist.npz", help="%(default)s")
    parser.add_argument("--repeats", type=int, default=3, help="turns of each; %(default)s")
    parser.add_argument("--queries", type=int, default=QUERIES, help="%(default)s; fewer for a quick look")
    parser.add_argument("--threads", type=int, default=os.cpu_count() or 1, help="of PyTorch; %(default)s")
    parser.add_argument("--only", nargs="+", choices=names, default=names, help="these, and always plain")
    options = parser.parse_args(argv)
    if min(options.repeats, options.queries, options.threads) < 1:
        parser.error("--repeats, --queries and --threads must be at least 1")
    try:
        return options, load(options.npz, options.queries)
    except InputError as error:
        parser.error(str(error))


def main(argv: Sequence[str] | None = None) -> int:
    """Measure and print."""
    everyone = contestants()
    options, work = parse(argv, list(everyone))
    chosen = [name for name in everyone if name in ("plain", *options.only)]
    print(f"{work.path.name}: pool of {len(work.images)}, {work.queries} queries, {options.repeats} repeats,")
    print(f"{options.threads} threads, PyTorch {torch.__version__}\n", flush=True)
    print(table(compare(chosen, options)))
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
