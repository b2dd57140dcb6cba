"""Run folders as al-run leaves them, in a millisecond each."""

import hashlib
import json
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from al_runner.files import csv_text

POOL, CLASSES = 200, 3


def science(**changed: Any) -> dict[str, Any]:
    """A config's science; `schedule.budget=…` and the like are given as `schedule={"budget": …}`."""
    base: dict[str, Any] = {
        "dataset": {"_target_": "phantom", "name": "phantom"},
        "model": {"_target_": "alda", "width": 8},
        "strategy": {"_target_": "x"},
        "schedule": {"initial_size": 20, "query_size": [20], "budget": 80},
    }
    base["oracle"] = {"_target_": "simulated"}
    return {key: {**value, **changed.get(key, {})} for key, value in base.items()}


WriteRun = Callable[..., Path]


@pytest.fixture
def write_run(tmp_path: Path) -> WriteRun:
    """Write a run; its curve is `values`, its picks are drawn from its seed and strategy."""

    def write(
        strategy: str,
        seed: int,
        values: Sequence[float],
        name: str = "phantom",
        status: str = "finished",
        root: Path | None = None,
        fingerprint: str = "md5:1",
        options: dict[str, Any] | None = None,
        **changed: Any,
    ) -> Path:
        asked = {**science(**changed), "seed": seed}
        asked["strategy"] = {"_target_": f"strategies.{strategy}", **(options or {})}
        identity = hashlib.sha256(json.dumps([asked, name], sort_keys=True).encode()).hexdigest()[:8]
        folder = (root or tmp_path / "runs") / name / strategy / f"seed-{seed}-{identity}"
        folder.mkdir(parents=True)
        sizes = {"train": POOL, "val": 60, "test": 60}
        dataset = {
            "name": name,
            "fingerprint": fingerprint,
            "sizes": sizes,
            "class_names": ["liver", "heart", "spleen"],
            "class_counts": {
                split: [size // 2, size // 4, size - size // 2 - size // 4] for split, size in sizes.items()
            },
        }
        facts = {"name": name, "strategy": strategy, "seed": seed, "status": status, "identity": identity}
        (folder / "manifest.json").write_text(json.dumps({**facts, "science": asked, "dataset": dataset}))
        step = POOL if asked["schedule"]["initial_size"] == "all" else 20
        write_rounds(folder, values, step)
        write_queries(folder, len(values), step, np.random.default_rng([seed, len(strategy)]))
        return folder

    return write


def write_rounds(folder: Path, values: Sequence[float], step: int) -> None:
    rows = [
        {
            "round": k,
            "n_labeled": step * (k + 1),
            "val/accuracy": value + 0.01,
            "test/accuracy": value,
            "score_seconds": 0.1 * k,
            "fit_seconds": 1.0 + k,
            "evaluate_seconds": 0.2,
        }
        for k, value in enumerate(values)
    ]
    (folder / "rounds.csv").write_text(csv_text(list(rows[0]), rows))


def write_queries(folder: Path, rounds: int, step: int, rng: np.random.Generator) -> None:
    order = rng.permutation(POOL)
    lines = ["round,rank,index,label,score"]
    for k in range(rounds):
        query = order[step * k : step * (k + 1)]
        lines += [f"{k},{rank},{index},{index % CLASSES}," for rank, index in enumerate(query)]
        (folder / f"round_{k}").mkdir()
        np.save(
            folder / f"round_{k}" / "picks.npy", rng.integers(0, 255, (min(step, 24), 8, 8), dtype=np.uint8)
        )
        np.save(folder / f"round_{k}" / "confusion_test.npy", rng.integers(1, 9, (CLASSES, CLASSES)))
    (folder / "queries.csv").write_text("\n".join(lines) + "\n")


@pytest.fixture
def study(write_run: WriteRun, tmp_path: Path) -> Path:
    """Random, entropy (better in every seed) and margin (the same but for noise), six seeds each."""
    rng = np.random.default_rng(0)
    gain = np.array([0, 0.05, 0.07, 0.07])
    for seed in range(6):
        curve = np.array([0.4, 0.6, 0.68, 0.72]) + rng.normal(0, 0.01)
        write_run("random", seed, (curve + rng.normal(0, 0.004, 4)).round(4).tolist())
        write_run("entropy", seed, (curve + gain + rng.normal(0, 0.004, 4)).round(4).tolist())
        write_run("margin", seed, (curve + rng.normal(0, 0.004, 4)).round(4).tolist())
    return tmp_path / "runs"
