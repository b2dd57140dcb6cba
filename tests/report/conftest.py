"""Run folders as al-run leaves them, in a millisecond each."""

import hashlib
import json
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from al_runner.files import csv_text
from al_runner.report.contents import Figure

POOL, CLASSES = 200, 3


def science(**changed: Any) -> dict[str, Any]:
    """A config's science; `schedule.budget=…` and the like are given as `schedule={"budget": …}`."""
    base: dict[str, Any] = {
        "dataset": {"_target_": "phantom", "name": "phantom"},
        "model": {"_target_": "alda", "width": 8},
        "strategy": {"_target_": "x"},
        "schedule": {"initial_size": 20, "query_size": [20], "budget": 80},
    }
    base |= {"oracle": {"_target_": "simulated"}, "optimizer": {"_target_": "adamw"}}
    return {key: {**value, **changed.get(key, {})} for key, value in base.items()}


@pytest.fixture
def images(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> None:
    """Figures are made, and turned to files only where a test looks at these: that takes most of the time."""
    if request.node.get_closest_marker("drawn") is None:
        monkeypatch.setattr(Figure, "image", lambda figure, suffix: f"{figure.slug}.{suffix}".encode())


WriteRun = Callable[..., Path]


@pytest.fixture
def write_run(tmp_path: Path) -> WriteRun:
    """Write a run; its curve is `values`, its picks are drawn from its seed and strategy.

    `bought` are the labels of each round, 20 by default. `arm` and `baseline` are what the manifest
    says, `final` is the final model's score; `with_max` adds the maximum over the epochs to the last row.
    """

    def write(
        strategy: str,
        seed: int,
        values: Sequence[float],
        name: str = "phantom",
        status: str = "finished",
        root: Path | None = None,
        fingerprint: str = "md5:1",
        options: dict[str, Any] | None = None,
        bought: Sequence[int] | None = None,
        arm: str | None = None,
        baseline: str | None = None,
        final: float | None = None,
        with_max: bool = False,
        posterior: dict[str, Any] | None = None,
        **changed: Any,
    ) -> Path:
        asked = {**science(**changed), "seed": seed}
        asked["strategy"] = {"_target_": f"strategies.{strategy}", **(options or {})}
        asked |= {"posterior": posterior} if posterior else {}
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
        said = {"report": {"arm": arm, "baseline": baseline}} if arm else {}
        text = json.dumps({**facts, "science": asked, "dataset": dataset, **said})
        (folder / "manifest.json").write_text(text)
        everything = asked["schedule"]["initial_size"] == "all"
        queries = bought or [POOL if everything else 20] * len(values)
        write_queries(folder, queries, np.random.default_rng([seed, len(strategy)]))
        write_rounds(folder, values, queries, final, with_max)
        return folder

    return write


def write_rounds(
    folder: Path, values: Sequence[float], sizes: Sequence[int], final: float | None, with_max: bool
) -> None:
    """`rounds.csv`; a final model has a row and a folder of its own, and bought nothing."""
    scores = [*values, *([] if final is None else [final])]
    bought = [*sizes, 0][: len(scores)]
    rows: list[dict[str, float]] = [
        {
            "round": k,
            "n_labeled": sum(bought[: k + 1]),
            "n_queried": bought[k],
            "val/accuracy": value + 0.01,
            "test/accuracy": value,
            "score_seconds": 0.1 * k,
            "fit_seconds": 1.0 + k,
            "evaluate_seconds": 0.2,
        }
        for k, value in enumerate(scores)
    ]
    if with_max:
        rows[-1]["val/accuracy_max"] = scores[-1] + 0.03
    (folder / "rounds.csv").write_text(csv_text(list(rows[-1]), rows))
    if final is not None:
        last = folder / f"round_{len(values)}"
        last.mkdir()
        np.save(last / "confusion_test.npy", np.eye(CLASSES, dtype=int))


def write_queries(folder: Path, sizes: Sequence[int], rng: np.random.Generator) -> None:
    order = rng.permutation(POOL)
    lines = ["round,rank,index,label,score"]
    for k, size in enumerate(sizes):
        query, order = order[:size], order[size:]
        lines += [f"{k},{rank},{index},{index % CLASSES}," for rank, index in enumerate(query)]
        (folder / f"round_{k}").mkdir()
        images = rng.integers(0, 255, (min(size, 24), 8, 8), dtype=np.uint8)
        np.save(folder / f"round_{k}" / "picks.npy", images)
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


GAINS = {
    "2_limited": 0.0,
    "3_augmented": 0.01,
    "4_active": -0.01,
    "5_pre_query": -0.04,
    "6_post_query": 0.015,
}
"""The arms of a study like alda's, and what each adds to the score of its final model."""
FULL = {"initial_size": "all", "budget": "all"}


@pytest.fixture
def write_arm(write_run: WriteRun) -> WriteRun:
    """Write a run of one of alda's arms: all labels at once, or queries of 20 and a final model."""

    def write(regime: str, seed: int, budget: int = 80, **more: Any) -> Path:
        rng = np.random.default_rng([seed, int(regime[0]), budget])
        noise = float(rng.normal(0, 0.01))
        named = {"arm": regime, "baseline": "2_limited", "with_max": True, **more}
        if regime == "1_full":
            return write_run("random", seed, [0.8 + noise], schedule=FULL, model={"width": 16}, **named)
        score = round(0.4 + 0.002 * budget + GAINS[regime] + noise, 4)
        if regime in ("2_limited", "3_augmented"):
            at_once = {"initial_size": budget, "budget": budget}
            named |= {"bought": [budget], "schedule": at_once, "model": {"width": 32, "arm": regime}}
            return write_run("random", seed, [score], **named)
        rounds = budget // 20
        loop = [round(0.3 + 0.05 * k + noise, 4) for k in range(rounds)]
        schedule = {"budget": budget, "final_model": {"epochs": 40, "width": 32}}
        named = {"final": score, "schedule": schedule, "model": {"width": 8, "arm": regime}, **named}
        return write_run("entropy", seed, loop, **named)

    return write


@pytest.fixture
def alda(write_arm: WriteRun, tmp_path: Path) -> Path:
    """Six arms, five seeds."""
    for arm in ("1_full", *GAINS):
        for seed in range(5):
            write_arm(arm, seed)
    return tmp_path / "runs"
