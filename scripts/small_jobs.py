"""Small jobs, by which scripts measure sweeps: data, features of them, and a logger with a clock."""

import os
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path

import numpy as np

BIN = Path(sys.executable).parent
CLOCK = '''"""A logger that writes what a job's work took."""
import json, os, time

class Clock:
    def __init__(self, file):
        self.file = file

    def start(self, run):
        self.began = time.process_time(), time.time()

    def log_round(self, row, queries):
        with open("/proc/self/statm") as file:
            pages = int(file.read().split()[1]) - int(open("/proc/self/statm").read().split()[2])
        self.note(round=row["round"], kb=pages * 4)

    def finish(self, status):
        self.note(began=self.began, ended=(time.process_time(), time.time()))

    def note(self, **values):
        with open(self.file, "a") as file:
            file.write(json.dumps({"pid": os.getpid(), **values}) + chr(10))
'''


def prepared(folder: Path) -> list[str]:
    """Data, features of them and the logger; the arguments of a job on them."""
    rng, classes = np.random.default_rng(0), 4
    images, features = {}, {}
    for split, n in (("train", 2000), ("val", 200), ("test", 200)):
        labels = rng.integers(0, classes, n)
        images[f"{split}_images"] = rng.integers(0, 255, (n, 8, 8), dtype=np.uint8)
        images[f"{split}_labels"] = labels
        features[split] = rng.normal(size=(n, 16)).astype(np.float32) + 3 * np.eye(classes, 16)[labels]
    np.savez(folder / "load.npz", **images)
    np.savez(folder / "features.npz", **{key: each.astype(np.float32) for key, each in features.items()})
    (folder / "mine" / "logger").mkdir(parents=True)
    (folder / "mine" / "clock.py").write_text(CLOCK)
    (folder / "mine" / "logger" / "clock.yaml").write_text(
        f"_target_: clock.Clock\nfile: {folder}/clock.jsonl\n"
    )
    return [
        "--config-dir", str(folder / "mine"), "logger=clock",
        "dataset=npz", f"dataset.path={folder}/load.npz", "encoder=features",
        f"encoder.path={folder}/features.npz", "strategy=margin", "schedule.budget=40",
        "trainer=cpu", "trainer.threads=1",
    ]  # fmt: skip


def started(words: Sequence[str], folder: Path, output: str) -> subprocess.Popen[str]:
    """`al-run` with some words, in a session of its own, its output in a file."""
    with (folder / f"{output}.log").open("w") as log:
        return subprocess.Popen(
            [str(BIN / "al-run"), *words, f"output_dir={folder / output}"],
            env={**os.environ, "OMP_NUM_THREADS": "1"},
            stdout=log,
            stderr=log,
            text=True,
            start_new_session=True,
        )


def launcher(name: str, workers: int) -> list[str]:
    """The words that choose a launcher with so many workers."""
    how = {
        "joblib": f"hydra.launcher.n_jobs={workers}",
        "ray": f"+hydra.launcher.ray.init.num_cpus={workers}",
    }
    return [f"hydra/launcher={name}", how[name]]
