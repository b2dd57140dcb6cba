"""Time the decoding of a folder of images against torchvision's `ImageFolder`, and measure a run's memory.

    python scripts/bench_decode.py /data/chest_xray                         # five repeats at 224 pixels
    python scripts/bench_decode.py /data/chest_xray --image-size 64 --repeats 3 --no-memory

Contestants, in turns, each turn a process of its own whose imports are not timed:

torchvision  one pass over `ImageFolder` with Resize, Grayscale (`--channels 1`) and ToTensor, through a
             `DataLoader` with as many workers as al-run has threads, the cores, and batches of 64: what most
             people would write, in every epoch.
al-run       `image_folder.load` without a cache: images decoded, written through to the disk, and opened.
cached       the same with the cache: what every later run does.

A ratio is the median over the repeats of torchvision's seconds divided by a contestant's in the same repeat:
above 1 is faster than torchvision. It is given for wall time, and for processor time, workers included, which
other programs on the machine change less. All read the files from the system's cache of files.

Memory: the peak of a whole run's anonymous memory (`RssAnon`, each 5 ms; pages of the decoded images are not
part of it, the system drops them where memory is short): some rounds with 1,000 images and with all of them,
each decoded by the run itself.
"""

import argparse
import multiprocessing
import os
import sys
import tempfile
import time
from collections.abc import Callable
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass, replace
from pathlib import Path
from statistics import median
from typing import Literal, NamedTuple

from peak_memory import peak_memory
from torch.utils.data import ConcatDataset, DataLoader
from torchvision.datasets import ImageFolder
from torchvision.transforms import Compose, Grayscale, Resize, ToTensor

from al_runner.data.dataset import SPLITS
from al_runner.data.formats.pictures import SUFFIXES
from al_runner.data.parallel import cores
from al_runner.data.sets import image_folder
from al_runner.files import files_below

AL_RUN = str(Path(sys.executable).with_name("al-run"))
RUN = [
    "model=alda_cnn",
    "model.width=4",
    "schedule.budget=60",
    "schedule.epochs=3",
    "logger=none",
    "trainer=cpu",
]
SOME = 1000


@dataclass(frozen=True)
class Task:
    """What the contestants do.

    Attributes:
        root: a folder with `train`, `val` and `test`.
        image_size: pixels of an edge.
        channels: 1 for gray, 3 for RGB.
        cache: al-run's folder of decoded data.
    """

    root: Path
    image_size: int
    channels: Literal[1, 3]
    cache: Path


class Cost(NamedTuple):
    """Of some work, in seconds."""

    wall: float
    processor: float


def torchvision_pass(task: Task) -> None:
    """One epoch over every split, as torchvision has it."""
    gray = [Grayscale()] if task.channels == 1 else []
    change = Compose([Resize((task.image_size, task.image_size)), *gray, ToTensor()])
    images = ConcatDataset([ImageFolder(task.root / split, change) for split in SPLITS])
    workers = "fork"  # as a program's own start: those that are spawned import everything once more
    for _batch in DataLoader(images, batch_size=64, num_workers=cores(), multiprocessing_context=workers):
        pass


def load(task: Task) -> None:
    """All images as al-run has them."""
    image_folder.load(task.root, task.cache, image_size=task.image_size, channels=task.channels)


def cost(work: Callable[[Task], None], task: Task) -> Cost:
    """Of some work in a process of its own, imports excluded."""
    with ProcessPoolExecutor(1, multiprocessing.get_context("spawn")) as pool:
        return pool.submit(timed, work, task).result()


def timed(work: Callable[[Task], None], task: Task) -> Cost:
    """Of some work here; of its own processes, too."""
    start, before = time.perf_counter(), sum(os.times()[:4])
    work(task)
    return Cost(time.perf_counter() - start, sum(os.times()[:4]) - before)


def compare(task: Task, repeats: int) -> None:
    """Print the table of the contestants."""
    turns = []
    for _ in range(repeats):
        with tempfile.TemporaryDirectory() as folder:
            mine = replace(task, cache=Path(folder))
            names = {"torchvision": torchvision_pass, "al-run": load, "cached": load}
            turns.append({name: cost(work, mine) for name, work in names.items()})
        print("  ".join(f"{name} {taken.wall:.2f} s" for name, taken in turns[-1].items()), flush=True)
    for kind in Cost._fields:
        for name in turns[0]:
            seconds = [getattr(turn[name], kind) for turn in turns]
            ratios = [
                getattr(turn["torchvision"], kind) / taken for turn, taken in zip(turns, seconds, strict=True)
            ]
            print(
                f"{kind:<10} {name:<12} {median(seconds):7.2f} s   ratio {median(ratios):7.2f} "
                f"({min(ratios):.2f} to {max(ratios):.2f})"
            )


def peak_of_run(task: Task) -> float:
    """The peak of a run's anonymous memory in MB, with a cache of its own."""
    with tempfile.TemporaryDirectory() as folder:
        sizes = [f"dataset.image_size={task.image_size}", f"dataset.channels={task.channels}"]
        paths = [
            f"dataset.root={task.root}",
            f"dataset.cache_dir={folder}/cache",
            f"output_dir={folder}/outputs",
        ]
        return peak_memory([AL_RUN, "dataset=image_folder", *sizes, *paths, *RUN])


def first(root: Path, n: int, into: Path) -> None:
    """Links to n of the images, spread over the splits and classes."""
    images = [path for path in files_below(root) if path.suffix.lower() in SUFFIXES]
    for path in images[:: max(1, len(images) // n)][:n]:
        link = into / path.relative_to(root)
        link.parent.mkdir(parents=True, exist_ok=True)
        link.symlink_to(path.resolve())


def memory(task: Task) -> None:
    """Print the peaks for some of the images and for all."""
    with tempfile.TemporaryDirectory() as folder:
        first(task.root, SOME, Path(folder, "some"))
        for some in (Path(folder, "some"), task.root):
            n = sum(path.suffix.lower() in SUFFIXES for path in files_below(some))
            peak = peak_of_run(replace(task, root=some))
            print(f"{n:>6,} images   peak anonymous memory {peak:7.0f} MB")


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("root", type=Path, help="a folder with train, val and test")
    parser.add_argument("--image-size", type=int, default=224)
    parser.add_argument("--channels", type=int, choices=(1, 3), default=1)
    parser.add_argument("--repeats", type=int, default=5)
    parser.add_argument("--no-memory", action="store_true")
    options = parser.parse_args()
    task = Task(options.root, options.image_size, options.channels, Path())
    compare(task, options.repeats)
    if not options.no_memory:
        memory(task)


if __name__ == "__main__":
    main()
