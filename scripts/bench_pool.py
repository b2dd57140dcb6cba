"""What a large pool costs, for several sizes, so that the growth shows.

    python scripts/bench_pool.py                              # 20,000 and 200,000 JPEGs of 64 pixels
    python scripts/bench_pool.py --sizes 2000 20000 --folder /data/scratch
    python scripts/bench_pool.py --image-size 224 --budget 200    # of 224 pixels, with one query: 22 GB

The images are generated, in folders of a thousand for each of two classes. Each stage is a process of its
own, whose processor time and peak of anonymous memory are told (`RssAnon`: pages of the decoded images are
not part of it, the system drops them where memory is short).

open    `image_folder.load` without a cache: images found, decoded, written through to the disk, opened.
again   the same with the cache: what every later run does.
killed  decoding that gets SIGKILL when half of the shards are there, and the processor time of the next
        start, as a share of that of `open`.
run     rounds of `strategy=entropy`, by default four, predictions kept: also what a round costs. The network
        is a linear layer over means, so that what is measured is the pool's reading.
loop    what a round costs without a model: the pool, a random query of 100, its check, its rows. In this
        process, for pools of these sizes and a million.
"""

import argparse
import csv
import os
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Sequence
from io import BytesIO
from pathlib import Path
from statistics import median

import numpy as np
import torch
from PIL import Image
from torch import nn

from al_runner.data.sets import image_folder
from al_runner.loop.pool import Pool, Query
from al_runner.loop.schedule import Round
from al_runner.runs.journal import query_rows

AL_RUN = str(Path(sys.executable).with_name("al-run"))
IN_FOLDER, PATTERNS = 1000, 64
RUN = [
    "dataset=image_folder", "model=alda_cnn", "model._target_=bench_pool.small",
    "schedule.initial_size=100", "schedule.query_size=100", "schedule.epochs=1",
    "keep_predictions=true", "logger=none", "trainer=cpu", "trainer.threads=1",
]  # fmt: skip


def small(in_channels: int, n_outputs: int, image_size: tuple[int, ...], width: int) -> nn.Module:  # noqa: ARG001
    """A linear layer over 8×8 means."""
    return nn.Sequential(nn.AdaptiveAvgPool2d(8), nn.Flatten(), nn.Linear(64 * in_channels, n_outputs))


def generate(root: Path, n: int, edge: int) -> None:
    """JPEGs of soft noise with their number in a corner, so that no two are the same."""
    rng = np.random.default_rng(0)
    noise = [Image.fromarray(rng.integers(0, 255, (8, 8), dtype=np.uint8)) for _ in range(PATTERNS)]
    patterns = [np.asarray(each.resize((edge, edge))).copy() for each in noise]
    for k in range(n):
        path = root / f"class{k % 2}" / f"{k // IN_FOLDER:05}" / f"{k:08}.jpg"
        if k % IN_FOLDER < 2:
            path.parent.mkdir(parents=True, exist_ok=True)
        pixels = patterns[k % PATTERNS]
        bits = np.array([k >> bit & 1 for bit in range(32)], dtype=np.uint8).reshape(4, 8)
        pixels[:32, :64] = np.kron(bits, np.full((8, 8), 255, dtype=np.uint8))
        buffer = BytesIO()
        Image.fromarray(pixels).save(buffer, "JPEG")
        path.write_bytes(buffer.getvalue())


def measured(command: Sequence[str], until: Path | None = None, shards: int = 0) -> tuple[float, float, int]:
    """The processor seconds of a command, the peak of its anonymous memory in MB, and how it ended.

    Args:
        command: run to its end, on one thread of each library.
        until: a folder below which to look for whole shards.
        shards: at so many, the command gets SIGKILL; 0 = it does not.
    """
    paths = os.pathsep.join([str(Path(__file__).parent), *filter(None, [os.environ.get("PYTHONPATH")])])
    environment = {**os.environ, "OMP_NUM_THREADS": "1", "PYTHONPATH": paths}
    process = subprocess.Popen(command, env=environment, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    peak = 0
    while True:
        found, status, usage = os.wait4(process.pid, os.WNOHANG)
        if found:
            return usage.ru_utime + usage.ru_stime, peak / 1024, os.waitstatus_to_exitcode(status)
        words = Path(f"/proc/{process.pid}/status").read_text()
        if "RssAnon:" in words:
            peak = max(peak, int(words.split("RssAnon:")[1].split()[0]))
        if shards and until and len(list(until.glob("*/.*.partial/done/[0-9]*.json"))) >= shards:
            process.send_signal(signal.SIGKILL)
        time.sleep(0.01)


def stages(root: Path, scratch: Path, n: int, edge: int, budget: int) -> None:
    """Print a line for each stage of one size."""
    load = [sys.executable, __file__, "--image-size", str(edge), "--load", str(root), "--folder"]

    def told(stage: str, seconds: float, peak: float, more: str = "") -> None:
        each = 1e6 * seconds / n
        print(
            f"{n:>9,}  {stage:<7} {seconds:8.1f} s  {each:7.0f} µs an image  {peak:6.0f} MB{more}", flush=True
        )

    seconds, peak, _ = measured([*load, str(scratch / "cache")])
    told("open", seconds, peak)
    told("again", *measured([*load, str(scratch / "cache")])[:2])
    half = max(1, n * edge * edge // 2**25 // 2)
    _, _, code = measured([*load, str(scratch / "killed")], scratch / "killed", half)
    rest, peak, _ = measured([*load, str(scratch / "killed")])
    told("killed", rest, peak, f"  {rest / seconds:.2f} of open; the first start ended with {code}")
    output = scratch / "outputs"
    paths = [f"dataset.root={root}", f"dataset.cache_dir={scratch / 'cache'}", f"output_dir={output}"]
    sizes = [f"dataset.image_size={edge}", f"schedule.budget={budget}"]
    seconds, peak, code = measured([AL_RUN, *RUN, *sizes, *paths])
    (table,) = output.glob("*/*/*/rounds.csv")
    with table.open(newline="") as file:
        rows = list(csv.DictReader(file))[1:]
    score, evaluate = (
        median(float(row[f"{stage}_seconds"]) for row in rows) for stage in ("score", "evaluate")
    )
    told("run", seconds, peak, f"  a round: {score:.2f} s to score, {evaluate:.2f} s to evaluate")


def loop(n: int, rounds: int = 20, size: int = 100) -> float:
    """Milliseconds of processor time of a round on a pool of so many, without a model."""
    pool, draws = Pool(n), torch.Generator().manual_seed(0)
    taken = []
    for number in range(rounds):
        start = time.process_time()
        unlabeled = pool.unlabeled
        scores = torch.rand(len(unlabeled), generator=draws)
        best = scores.topk(size)
        query = Query(unlabeled[best.indices], best.values)
        pool.check(query, size)
        pool.add(query, torch.zeros(size, dtype=torch.int64), number)
        query_rows(Round(number, size, epochs=1, reset=True, evaluate=True), query, ["a"] * size)
        taken.append(time.process_time() - start)
    return 1000 * median(taken)


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--sizes", type=int, nargs="+", default=[20_000, 200_000])
    parser.add_argument("--image-size", type=int, default=64, help="pixels of an edge, 64 at least")
    parser.add_argument(
        "--budget", type=int, default=400, help="labels of the run; 100 are those it begins with"
    )
    parser.add_argument("--folder", help="where to put everything; a temporary folder")
    parser.add_argument("--load", help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.load:
        image_folder.load(options.load, options.folder, image_size=options.image_size)
        return
    for n in [*options.sizes, 1_000_000]:
        print(f"{n:>9,}  loop    {loop(n):8.1f} ms a round")
    for n in options.sizes:
        scratch = Path(tempfile.mkdtemp(dir=options.folder))
        try:
            generate(scratch / "images", n, options.image_size)
            stages(scratch / "images", scratch, n, options.image_size, options.budget)
        finally:
            shutil.rmtree(scratch)


if __name__ == "__main__":
    main()
