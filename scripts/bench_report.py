"""How long al-report takes for many runs: 4 strategies × 25 seeds × 50 rounds, as al-run would leave them.

python scripts/bench_report.py [--seeds 25] [--rounds 50]
"""

import argparse
import json
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import numpy as np

from al_runner.files import csv_text
from al_runner.runs.rounds import QUERY_FIELDS

STRATEGIES = ("random", "entropy", "margin", "least_confidence")
POOL, CLASSES, STEP = 6000, 11, 20
METRICS = ("accuracy", "balanced_accuracy", "auroc", "f1", "precision", "recall")


def write_run(folder: Path, strategy: str, seed: int, rounds: int) -> None:
    """One run folder, with what the report reads."""
    rng = np.random.default_rng([seed, STRATEGIES.index(strategy)])
    sizes = {"train": POOL, "val": 1000, "test": 2000}
    facts = {
        "name": "phantom",
        "strategy": strategy,
        "seed": seed,
        "status": "finished",
        "identity": f"{strategy}-{seed}",
        "science": {
            "strategy": {"_target_": strategy},
            "dataset": {"name": "phantom"},
            "model": {"width": 16},
            "schedule": {"initial_size": STEP, "query_size": [STEP], "budget": STEP * rounds},
        },
        "dataset": {
            "name": "phantom",
            "fingerprint": "none",
            "sizes": sizes,
            "class_names": [f"class {k}" for k in range(CLASSES)],
            "class_counts": {name: [size // CLASSES] * CLASSES for name, size in sizes.items()},
        },
    }
    order = rng.permutation(POOL)
    rows, queries = [], []
    folder.mkdir(parents=True)
    for k in range(rounds):
        score = 1 - 0.5 * np.exp(-k / 15) + rng.normal(0, 0.01)
        metrics = {f"{split}/{name}": round(score, 6) for split in ("val", "test") for name in METRICS}
        seconds = {"score_seconds": 0.1, "fit_seconds": 1.0 + k, "evaluate_seconds": 0.2}
        rows.append({"round": k, "n_labeled": STEP * (k + 1), "n_queried": STEP, **metrics, **seconds})
        picks = order[STEP * k : STEP * (k + 1)]
        values = [(k, rank, int(index), int(index) % CLASSES, 0.5) for rank, index in enumerate(picks)]
        queries += [dict(zip(QUERY_FIELDS, value, strict=True)) for value in values]
        (folder / f"round_{k}").mkdir()
        np.save(folder / f"round_{k}" / "picks.npy", rng.integers(0, 256, (STEP, 28, 28), dtype=np.uint8))
        np.save(folder / f"round_{k}" / "confusion_test.npy", rng.integers(0, 50, (CLASSES, CLASSES)))
    (folder / "manifest.json").write_text(json.dumps(facts))
    (folder / "rounds.csv").write_text(csv_text(list(rows[0]), rows))
    (folder / "queries.csv").write_text(csv_text(QUERY_FIELDS, queries))


def main() -> None:
    """Write the runs, time the command."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--seeds", type=int, default=25)
    parser.add_argument("--rounds", type=int, default=50)
    options = parser.parse_args()
    command = Path(sys.executable).with_name("al-report")
    with tempfile.TemporaryDirectory() as name:
        for strategy in STRATEGIES:
            for seed in range(options.seeds):
                write_run(Path(name) / strategy / str(seed), strategy, seed, options.rounds)
        start = time.perf_counter()
        subprocess.run([command, name, "--target", "0.9"], check=True)
        seconds = time.perf_counter() - start
    print(f"{len(STRATEGIES) * options.seeds} runs of {options.rounds} rounds: {seconds:.1f} s")


if __name__ == "__main__":
    main()
