"""Check al-run on a GPU, and time it against plain PyTorch: a table of what was measured comes last.

    python scripts/check_gpu.py                       # everything, under nine minutes on one card
    python scripts/check_gpu.py --only bits loop      # some sections
    python scripts/check_gpu.py --dry                 # every section on the CPU, tiny: does the script work?

Sections, in the order in which they run:

tests      the tests marked `gpu`.
bits       a training twice, and once by CUDA graphs: the same weights to the bit?
loop       the loop of `bench_loop.py`, records included, without and with graphs, against a plain loop.
networks   an epoch of ResNet-18 and DenseNet-121 against a plain epoch in the same precision.
precision  seconds of ten training steps in each precision, and what `trainer.precision=auto` takes.
chunks     a prediction in chunks of 512, and in those that the card's memory allows; images in main memory.
query      1,000 of a million images by entropy, k-center and BADGE, predictions included.
kill       `kill_test.py`: 20 kills of two networks.

Contestants take turns, and a ratio is the median over the turns: below 1 is faster than plain. Plain loops
run with PyTorch's own settings: any kernels, TF32 in convolutions. Images and labels are made here, so it
needs no data and no network. The exit code is 1 if a check failed; a ratio above its goal is marked and
fails nothing. Python packages: those of the tests.
"""

import argparse
import csv
import subprocess
import sys
import tempfile
import time
import warnings
from collections.abc import Callable, Iterator
from contextlib import contextmanager, redirect_stderr
from dataclasses import dataclass, replace
from functools import cached_property, partial
from io import StringIO
from pathlib import Path
from statistics import median
from typing import Any

import bench_loop
import hydra
import torch
import torch.nn.functional as F
from torch import Tensor, nn

from al_runner.data.dataset import Dataset, Split
from al_runner.data.tasks import MultiClass, TrainingLoss
from al_runner.learning.learner import NetworkLearner
from al_runner.learning.machine import Machine
from al_runner.learning.posterior import McDropout
from al_runner.learning.precision import PRECISIONS, available, chosen, finish
from al_runner.learning.steps import Captured
from al_runner.learning.trial import seconds_of
from al_runner.loop.pool import Pool, Query
from al_runner.loop.schedule import Round
from al_runner.loop.seeding import Streams
from al_runner.runs.run import execute

ROOT = Path(__file__).parents[1]
CLASSES = 8


@dataclass(frozen=True)
class Line:
    """A row of the table.

    Attributes:
        what: was looked at.
        found: in words.
        goal: what was hoped for; empty = nothing.
        verdict: `ok`, `above` the goal, `FAILED`, or empty.
    """

    what: str
    found: str
    goal: str = ""
    verdict: str = ""


@dataclass(frozen=True)
class Setup:
    """What sections run on.

    Attributes:
        dry: on the CPU, with as little as possible.
        scratch: an empty folder.
    """

    dry: bool
    scratch: Path

    @cached_property
    def machine(self) -> Machine:
        """The card, in float32."""
        return Machine.detect("cpu" if self.dry else "gpu", "32")

    @property
    def trainer(self) -> str:
        """For al-run."""
        return "trainer=cpu" if self.dry else "trainer=gpu"

    @property
    def graphs(self) -> str:
        """What is said of trainings by graphs, which a CPU does not have."""
        return "without graphs" if self.dry else "by graphs"

    def size(self, full: int, dry: int) -> int:
        """A number of things."""
        return dry if self.dry else full

    def timed(self, work: Callable[[], object]) -> float:
        """Seconds."""
        finish(self.machine.device)
        start = time.perf_counter()
        work()
        finish(self.machine.device)
        return time.perf_counter() - start

    def plainly(self, work: Callable[[], object]) -> float:
        """Seconds with the kernels that PyTorch takes by itself."""
        with as_installed():
            return self.timed(work)


@contextmanager
def as_installed() -> Iterator[None]:
    """PyTorch's own kernels of convolutions and sums, in place of those of a run that repeats itself."""
    before = torch.are_deterministic_algorithms_enabled(), torch.backends.cudnn.allow_tf32
    torch.use_deterministic_algorithms(False)
    torch.backends.cudnn.allow_tf32 = True
    try:
        yield
    finally:
        torch.use_deterministic_algorithms(before[0], warn_only=True)
        torch.backends.cudnn.allow_tf32 = before[1]


Section = Callable[[Setup], Iterator[Line]]


def images_of(n: int, edge: int) -> tuple[Tensor, Tensor]:
    """uint8 [n, 1, edge, edge] and labels: a class is a brightness, under noise."""
    generator = torch.Generator().manual_seed(0)
    labels = torch.arange(n) % CLASSES
    noise = torch.randint(64, (n, 1, edge, edge), generator=generator, dtype=torch.uint8)
    return noise + (20 * labels).to(torch.uint8)[:, None, None, None], labels


def dataset_of(n: int, edge: int) -> Dataset:
    """`n` training images, few others."""
    train, few = Split(*images_of(n, edge)), Split(*images_of(4 * CLASSES, edge))
    return Dataset("made", {"train": train, "val": few, "test": few}, MultiClass(CLASSES), fingerprint="none")


def config_of(*overrides: str) -> Any:
    """A composed config."""
    with hydra.initialize_config_module("al_runner.conf", version_base="1.3"):
        return hydra.compose("config", list(overrides))


def part(config: Any, name: str) -> Any:
    """What a node of a config describes."""
    return hydra.utils.instantiate(config[name], _convert_="all")


def learner_of(
    dataset: Dataset, machine: Machine, model: str, *overrides: str, **more: Any
) -> NetworkLearner:
    """As a run would build it."""
    config = config_of("dataset=phantom", f"model={model}", *overrides)
    parts = part(config, "model"), part(config, "optimizer")
    return NetworkLearner(dataset, *parts, machine, Streams(0), **more)


def fit(learner: NetworkLearner, count: int, epochs: int, number: int = 0) -> None:
    """A round's training on the first images."""
    indices = torch.arange(count)
    step = Round(number, 0, epochs, reset=True, evaluate=False)
    learner.fit(indices, learner.dataset.train.targets[indices].cpu(), step)


def weights_of(learner: NetworkLearner) -> Tensor:
    """All of them, and what batch norms have seen."""
    return torch.cat([each.flatten().double().cpu() for each in learner.network.state_dict().values()])


def verdict(holds: bool) -> str:
    """Of a check."""
    return "ok" if holds else "FAILED"


def compared(what: str, goal: float, own: list[float], plain: list[float]) -> Line:
    """The ratio of turns that alternated."""
    ratio = median(mine / other for mine, other in zip(own, plain, strict=True))
    words = f"{ratio:.2f} of plain ({median(own):.2f} s, {median(plain):.2f} s)"
    return Line(what, words, f"≤ {goal}", "ok" if ratio <= goal else "above")


def tests(setup: Setup) -> Iterator[Line]:
    """The tests marked `gpu`; dry: that there are some of the learner."""
    more = (
        ["--collect-only", "tests/learning/test_learner.py"]
        if setup.dry
        else ["-p", "no:cacheprovider", "tests"]
    )
    command = [sys.executable, "-m", "pytest", "-m", "gpu", *more]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)
    lines = done.stdout.strip().splitlines() or ["nothing was said"]
    for each in lines:
        if each.startswith(("FAILED", "ERROR", "E  ")):
            print(each)
    yield Line("tests marked gpu", lines[-1], "all pass", verdict(not done.returncode))


TRAININGS: dict[str, tuple[str, dict[str, Any]]] = {
    # What graphs could get wrong: random numbers, rates that change, a loss that is another in each round.
    "alda_cnn with dropout and weights": (
        "alda_cnn", {"posterior": McDropout(), "training_loss": TrainingLoss(class_weights="balanced")},
    ),
    "alda_cnn": ("alda_cnn", {}),
    "resnet18": ("resnet18", {}),
}  # fmt: skip
"""Name → a model, and what its learner has besides."""


def bits(setup: Setup) -> Iterator[Line]:
    """Trainings of two rounds: again, and by graphs."""
    for name, (model, more) in list(TRAININGS.items())[: setup.size(3, 1)]:
        dataset = dataset_of(setup.size(120, 20), 28)
        for precision in PRECISIONS if not setup.dry else ("32", "bf16"):
            eager = setup.machine.at(precision)
            graphs = replace(eager, graphs=not setup.dry)
            found = []
            for machine in (eager, eager, graphs):
                learner = learner_of(dataset, machine, model, "optimizer.milestones=[0.5]", **more)
                for number in range(2):
                    fit(learner, len(dataset.train) - 3 * number, setup.size(6, 1), number)
                found.append(weights_of(learner))
            for how, other in zip(("again", setup.graphs), found[1:], strict=True):
                same = torch.equal(found[0], other)
                apart = float((found[0] - other).abs().max())
                words = "the same bits" if same else f"weights differ by up to {apart:.2g}"
                yield Line(f"{name} {precision} {how}", words, "same", verdict(same))
            if isinstance(learner.step, Captured):
                count, why_not = len(learner.step.graphs), learner.step.why_not
                yield Line(f"{name} {precision} graphs", why_not or str(count), "some", verdict(count > 0))
    setup.machine.at("32")


def plain_loop(images: Tensor, labels: Tensor, queries: int, network: Callable[[], nn.Module]) -> None:
    """The loop that most people would write, its images on the device."""
    device = images.device
    labeled = torch.randperm(len(images), device=device)[: bench_loop.INITIAL]
    for query in range(queries):
        if query % bench_loop.RESTART_EVERY == 0:
            model = network().to(device)
            optimizer = torch.optim.AdamW(model.parameters(), bench_loop.LEARNING_RATE)
        model.train()
        for _ in range(bench_loop.epochs_of(query)):
            order = labeled[torch.randperm(len(labeled), device=device)]
            for batch in order.split(bench_loop.BATCH):
                if len(batch) > 1:
                    optimizer.zero_grad()
                    F.cross_entropy(model(images[batch]), labels[batch]).backward()
                    optimizer.step()
        probs = bench_loop.plain_predict(model, images)
        entropy = -(probs * probs.clamp_min(1e-12).log()).sum(1)
        entropy[labeled] = -1
        labeled = torch.cat([labeled, entropy.topk(bench_loop.QUERY).indices])


def own_loop(setup: Setup, work: bench_loop.Work, graphs: str) -> float:
    """Seconds of fitting and scoring, as `rounds.csv` has them, with the whole of al-run around it."""
    with tempfile.TemporaryDirectory(dir=setup.scratch) as folder:
        config = bench_loop.compose(work, folder, 1000)
        config.trainer.update(accelerator="cpu" if setup.dry else "gpu", precision="32", graphs=graphs)
        request = bench_loop.request_of(config, Path(folder, "run"))

        def parts(name: str, **arguments: Any) -> Any:
            if name == "dataset":
                return work.dataset
            return hydra.utils.instantiate(config[name], _convert_="all", **arguments)

        with redirect_stderr(StringIO()):
            execute(request, parts)
        with (request.folder / "rounds.csv").open(newline="") as file:
            rows = [row for row in csv.DictReader(file) if int(row["n_queried"])]
    return sum(float(row[f"{stage}_seconds"]) for row in rows for stage in ("fit", "score"))


def loop(setup: Setup) -> Iterator[Line]:
    """Regime 4 on as many images as MedNIST's pool has."""
    dataset = dataset_of(setup.size(13_932, 200), 28)
    device = setup.machine.device
    pool = dataset.train.images.to(device).float().div(255).sub(0.5)
    labels = dataset.train.targets.to(device)
    work = bench_loop.Work(Path("made.npz"), dataset, pool, labels, setup.size(bench_loop.QUERIES, 2))
    everyone: dict[str, Callable[[bench_loop.Work], float]] = {
        "plain": lambda one: setup.plainly(
            lambda: plain_loop(one.images, one.labels, one.queries, partial(bench_loop.network, one))
        ),
        "eager": lambda one: own_loop(setup, one, "off"),
        "graphs": lambda one: own_loop(setup, one, "off" if setup.dry else "on"),
    }
    times: dict[str, list[float]] = {name: [] for name in everyone}
    for turn in everyone.values():
        turn(replace(work, queries=1))
    for _ in range(setup.size(2, 1)):
        for name, turn in everyone.items():
            times[name].append(turn(work))
    for name, words in (("eager", "eager"), ("graphs", setup.graphs)):
        yield compared(f"loop of regime 4, {words}", 0.25, times[name], times["plain"])


def plain_epoch(network: nn.Module, images: Tensor, labels: Tensor, size: int, machine: Machine) -> None:
    """An epoch in plain PyTorch, in the machine's precision, with a fresh optimizer."""
    optimizer = torch.optim.AdamW(network.parameters(), 1e-3)
    network.train()
    for batch in torch.randperm(len(images), device=images.device).split(size):
        shown = images[batch].float().mul_(2 / 255).sub_(1).to(memory_format=torch.channels_last)
        optimizer.zero_grad()
        with machine.autocast():
            loss = F.cross_entropy(network(shown), labels[batch])
        loss.backward()
        optimizer.step()


def networks(setup: Setup) -> Iterator[Line]:
    """Epochs of larger networks in bfloat16, eager."""
    works = [
        ("resnet18", 28, 4708, 128, 0.8),
        ("resnet18", 224, 2000, 32, 0.95),
        ("densenet121", 224, 1000, 32, 0.95),
    ]
    for model, full_edge, count, size, goal in works[: setup.size(3, 1)]:
        edge, n, batch = setup.size(full_edge, 32), setup.size(count, 8), setup.size(size, 4)
        machine = setup.machine.at("bf16")
        dataset = dataset_of(n, edge)
        learner = learner_of(dataset, machine, model, f"optimizer.batch_size={batch}")
        config = config_of("dataset=phantom", f"model={model}")
        network = part(config, "model")(1, CLASSES, (edge, edge)).to(machine.device)
        network = network.to(memory_format=torch.channels_last)
        images, labels = learner.dataset.train.images, dataset.train.targets.to(machine.device)
        own, plain = list[float](), list[float]()
        for _ in range(setup.size(4, 1)):
            plain.append(setup.plainly(lambda: plain_epoch(network, images, labels, batch, machine)))  # noqa: B023
            own.append(setup.timed(lambda: fit(learner, n, 1)))  # noqa: B023
        warm = slice(setup.size(1, 0), None)
        yield compared(f"{model} {edge}×{edge}, batch {batch}", goal, own[warm], plain[warm])
    setup.machine.at("32")


def precision(setup: Setup) -> Iterator[Line]:
    """What `auto` would take."""
    works = [("alda_cnn", 28, 16), ("resnet18", 28, 128), ("resnet18", 224, 32), ("densenet121", 224, 32)]
    device = setup.machine.device
    for model, full_edge, size in works[: setup.size(4, 1)]:
        edge, batch = setup.size(full_edge, 28), setup.size(size, 4)
        learner = learner_of(dataset_of(batch, edge), setup.machine, model, f"optimizer.batch_size={batch}")
        among = ("32", "bf16") if setup.dry else available(torch.cuda.get_device_capability(device))
        for each in among:
            seconds_of(learner, each)
        times = {each: seconds_of(learner, each) for each in among}
        taken = chosen(partial(seconds_of, learner), among)
        words = ", ".join(f"{name} {1e2 * seconds:.2f} ms" for name, seconds in times.items())
        yield Line(f"a step of {model} {edge}×{edge}, batch {batch}", f"{words}; auto: {taken}")
    setup.machine.at("32")


def chunks(setup: Setup) -> Iterator[Line]:
    """The pool of regime 4, and images that do not live on the card."""
    count = setup.size(13_932, 600)
    learner = learner_of(dataset_of(count, 28), setup.machine, "alda_cnn")
    everything = torch.arange(count)

    def by(pieces: tuple[Tensor, ...]) -> Tensor:
        return torch.cat([learner.predict(each) for each in pieces])

    ways = {"by memory": (everything,), "in 512s": everything.split(512)}
    for pieces in ways.values():
        by(pieces)
    for name, pieces in ways.items():
        seconds = median(setup.timed(lambda: by(pieces)) for _ in range(setup.size(20, 1)))  # noqa: B023
        yield Line(f"predicting {count:,} images {name}", f"{1e3 * seconds:.1f} ms")
    apart = float((by(ways["by memory"]) - by(ways["in 512s"])).abs().max())
    yield Line(
        "probabilities in other chunks",
        f"differ by {apart:.1g}",
        "≤ 1e-4",
        "ok" if apart <= 1e-4 else "FAILED",
    )
    away = replace(learner.dataset.train, images=learner.dataset.train.images.cpu())
    expected = learner.predict(everything)
    learner.dataset = replace(learner.dataset, splits={**learner.dataset.splits, "train": away})
    same = torch.equal(learner.predict(everything), expected)
    seconds = median(setup.timed(lambda: learner.predict(everything)) for _ in range(setup.size(20, 1)))
    yield Line(
        "the same from main memory", f"{1e3 * seconds:.1f} ms", "same bits", "ok" if same else "FAILED"
    )


def query(setup: Setup) -> Iterator[Line]:
    """From a million images."""
    count, size = setup.size(1_000_000, 400), setup.size(1000, 10)
    dataset = dataset_of(count, 28)
    learner = learner_of(dataset, setup.machine, "alda_cnn")
    fit(learner, 100, 1)
    pool = Pool(count)
    pool.add(Query(torch.arange(100)), dataset.train.targets[:100], 0)
    for name in ("entropy", "k_center", "badge"):
        strategy = part(config_of("dataset=phantom", f"strategy={name}"), "strategy")
        ask = partial(strategy, learner, pool, size)
        ask(torch.Generator().manual_seed(0))
        seconds = setup.timed(lambda: ask(torch.Generator().manual_seed(0)))  # noqa: B023
        within = "ok" if seconds <= 2 else "above"
        yield Line(f"{size:,} of {count:,} by {name}", f"{seconds:.2f} s", "≤ 2 s", within)


def kill(setup: Setup) -> Iterator[Line]:
    """Kills of runs on the card."""
    for model in ("alda_cnn", "resnet18")[: setup.size(2, 1)]:
        work = ["dataset=phantom", f"model={model}", "schedule.budget=60", "logger=none", setup.trainer]
        work += ["trainer.precision=32"]  # not what each start measures to be the fastest
        work += ["schedule.initial_size=20", "schedule.query_size=20", f"schedule.epochs={setup.size(30, 2)}"]
        work += [f"dataset.n_{split}=60" for split in ("train", "val", "test")] if setup.dry else []
        trials = jobs = setup.size(10, 1)  # at once: most of a run's time on a card is its start
        command = [
            sys.executable,
            str(ROOT / "scripts" / "kill_test.py"),
            f"--trials={trials}",
            f"--jobs={jobs}",
        ]
        done = subprocess.run([*command, *work], capture_output=True, text=True, check=False)
        if done.returncode:
            print(done.stdout, done.stderr)
        yield Line(
            f"{trials} kills of {model}",
            f"exit code {done.returncode}",
            "0",
            "FAILED" if done.returncode else "ok",
        )


SECTIONS: dict[str, Section] = {
    each.__name__: each for each in (tests, bits, loop, networks, precision, chunks, query, kill)
}


def checked(name: str, setup: Setup) -> list[Line]:
    """The lines of a section; one that raises has failed, and the others go on."""
    print(f"--- {name}", flush=True)
    start, found = time.perf_counter(), list[Line]()
    try:
        for line in SECTIONS[name](setup):
            print(f"{line.what}: {line.found} {line.verdict}", flush=True)
            found.append(line)
    except Exception as error:
        found.append(
            Line(name, f"{type(error).__name__}: {' '.join(str(error).split())[:300]}", "", "FAILED")
        )
        print(found[-1].found, flush=True)
    print(f"    {time.perf_counter() - start:.0f} s", flush=True)
    return found


def table(lines: list[Line]) -> str:
    """All of them, in columns."""
    wide, wider = max(len(line.what) for line in lines), max(len(line.found) for line in lines)
    return "\n".join(
        f"{x.what:<{wide}}  {x.found:<{wider}}  {x.goal:<9}  {x.verdict}".rstrip() for x in lines
    )


def main(argv: list[str] | None = None) -> int:
    """Check and print."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--only", nargs="+", choices=SECTIONS, default=list(SECTIONS), help="these sections")
    parser.add_argument("--dry", action="store_true", help="on the CPU, tiny")
    options = parser.parse_args(argv)
    if not (options.dry or torch.cuda.is_available()):
        parser.error("PyTorch sees no CUDA GPU: --dry tries the script on the CPU")
    warnings.filterwarnings("ignore")
    start = time.perf_counter()
    with tempfile.TemporaryDirectory() as scratch:
        setup = Setup(options.dry, Path(scratch))
        print(f"{setup.machine.name}, PyTorch {torch.__version__}", flush=True)
        lines = [line for name in SECTIONS if name in options.only for line in checked(name, setup)]
    print(f"\n{setup.machine.name}, PyTorch {torch.__version__}, {time.perf_counter() - start:.0f} s")
    print(table(lines))
    return int(any(line.verdict == "FAILED" for line in lines))


if __name__ == "__main__":
    raise SystemExit(main())
