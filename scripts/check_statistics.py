"""How often al-report is wrong: studies are simulated, and analysed as the report does.

Without a true difference, how often is a strategy called better (or worse) than random? With known curves,
how often does each interval that the report calls 95 % hold the truth? Exit code 1 where the first exceeds
5 %, or the second is further than 3 points from 95 %.

    python scripts/check_statistics.py --studies 2000 --seeds 6
"""

import argparse
import sys
from collections import defaultdict
from collections.abc import Mapping, Sequence
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass
from functools import partial
from itertools import chain
from pathlib import Path

import numpy as np
from rich.console import Console
from rich.table import Table

from al_runner.report.analysis import LAST, Analysis, Options, analyse
from al_runner.report.curves import Array, Curve, crossing
from al_runner.report.efficiency import labels_needed
from al_runner.report.intervals import Estimate, mean_estimate
from al_runner.report.runs import Run
from al_runner.report.study import Arm, Experiment

METRIC = "test/accuracy"
LABELS = np.arange(20.0, 201.0, 20.0)
TARGET = 0.8
CHUNK = 50


@dataclass(frozen=True)
class Scenario:
    """True curves a − (a − b)·exp(−(n − 20)/c) of some arms, and the spread around them.

    Attributes:
        curves: arm → (a, b, c); the first is the baseline.
        seed, arm, point: standard deviations of what a seed shares among arms (initial set and model), of
            what a run has at all its budgets, and of what each measurement has for itself.
        skewed: a gamma distribution of shape 4 with its long tail to bad runs, instead of the normal one.
    """

    curves: Mapping[str, tuple[float, float, float]]
    seed: float = 0.01
    arm: float = 0.01
    point: float = 0.015
    skewed: bool = False

    def truth(self, arm: str) -> Array:
        """The true curve [B]."""
        top, start, pace = self.curves[arm]
        return top - (top - start) * np.exp(-(LABELS - LABELS[0]) / pace)

    def draw(self, rng: np.random.Generator, seeds: int) -> dict[str, Array]:
        """Measurements of one study: arm → [S, B]."""
        shared = self.noise(rng, (seeds, 1)) * self.seed
        return {
            arm: self.truth(arm)
            + shared
            + self.noise(rng, (seeds, 1)) * self.arm
            + self.noise(rng, (seeds, len(LABELS))) * self.point
            for arm in self.curves
        }

    def noise(self, rng: np.random.Generator, shape: tuple[int, ...]) -> Array:
        """Of mean 0 and standard deviation 1."""
        return (4 - rng.gamma(4, size=shape)) / 2 if self.skewed else rng.standard_normal(shape)


ALIKE = dict.fromkeys(("random", "entropy", "margin", "badge"), (0.85, 0.6, 60.0))
BETTER = {"random": (0.85, 0.6, 60.0), "entropy": (0.88, 0.6, 45.0)}
NULL = {
    "normal": Scenario(ALIKE),
    "skewed": Scenario(ALIKE, skewed=True),
    "one strategy": Scenario(dict(list(ALIKE.items())[:2])),
    "unequal spread": Scenario(ALIKE, seed=0.0, arm=0.03),
}
KNOWN = {
    "normal": Scenario(BETTER),
    "skewed": Scenario(BETTER, skewed=True),
    "noisy measurements": Scenario(BETTER, point=0.03),
    "seeds differ": Scenario(BETTER, seed=0.02, arm=0.02, point=0.005),
    "seeds differ, skewed": Scenario(BETTER, seed=0.02, arm=0.02, point=0.005, skewed=True),
    "no difference": Scenario(dict(list(ALIKE.items())[:2])),
    "random misses the target": Scenario({"random": (0.80, 0.6, 60.0), "entropy": (0.88, 0.6, 45.0)}),
}


def study(scenario: Scenario, rng: np.random.Generator, seeds: int) -> Analysis:
    """Draw a study, and analyse it as al-report does."""
    arms = []
    for name, values in scenario.draw(rng, seeds).items():
        runs = [
            Run(
                Path(),
                {"seed": seed, "strategy": name, "status": "finished"},
                tuple({"n_labeled": n, METRIC: v} for n, v in zip(LABELS, row, strict=True)),
            )
            for seed, row in enumerate(values)
        ]
        arms.append(Arm(name, tuple(runs), ()))
    return analyse(Experiment("simulated", tuple(arms), True), Options(METRIC, target=TARGET))


def called(scenario: Scenario, seeds: int, seed: int) -> list[tuple[bool, bool]]:
    """For some studies: whether any arm is called better than the baseline, and whether any worse."""
    rng = np.random.default_rng(seed)
    found = []
    for _ in range(CHUNK):
        versus = [arm.versus for arm in study(scenario, rng, seeds).arms if arm.versus is not None]
        signs = [np.sign(v.area.value) for v in versus if v.significant]
        found.append((1 in signs, -1 in signs))
    return found


def held(scenario: Scenario, seeds: int, seed: int) -> dict[str, list[bool]]:
    """For some studies: interval → whether it held the truth."""
    rng = np.random.default_rng(seed)
    found: dict[str, list[bool]] = defaultdict(list)
    for _ in range(CHUNK):
        analysis = study(scenario, rng, seeds)
        for name, estimate, truth in intervals(scenario, analysis):
            found[name].append(estimate.low <= truth <= estimate.high)
    return found


def intervals(scenario: Scenario, analysis: Analysis) -> list[tuple[str, Estimate, float]]:
    """Every kind of interval of the report: its name, what it is, and the truth."""
    random, entropy = analysis.arms
    true = {arm: curve_of(scenario.truth(arm)) for arm in scenario.curves}
    ours, theirs = true["entropy"], true["random"]
    gap = ours.values[0] - theirs.values[0]
    assert entropy.versus is not None
    middle = len(LABELS) // 2
    found = [
        ("curve at 20 labels", mean_estimate(entropy.curve.values[:, 0]), ours.values[0, 0]),
        ("curve at 120 labels", mean_estimate(entropy.curve.values[:, middle]), ours.values[0, middle]),
        ("area", entropy.area, ours.area[0]),
        ("final score", entropy.final, ours.values[0, -1]),
        ("difference at 120 labels", entropy.versus.difference[middle], gap[middle]),
        ("difference of areas", entropy.versus.area, (ours.area - theirs.area)[0]),
    ]
    for need in entropy.needs:
        last = need.target == LAST
        score = theirs.values[0, -1] if last else need.score
        labels = labels_needed(ours, score).value
        name = "random's last score" if last else f"{score:g}"
        found.append((f"labels to reach {name}", need.labels, labels))
        if not last:
            ratio = crossing(LABELS, ours.mean, score) / crossing(LABELS, theirs.mean, score)
            found.append((f"their ratio to random's, {name}", need.ratio, ratio))
    found += [
        (f"random's labels to reach {need.target}", need.labels, labels_needed(theirs, need.score).value)
        for need in random.needs
    ]
    return [(name, estimate, float(truth)) for name, estimate, truth in found if np.isfinite(truth)]


def curve_of(values: Array) -> Curve:
    """A true curve as if one seed had measured it."""
    return Curve(LABELS, (0,), values[None])


def main() -> None:
    """Simulate, print two tables, judge."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--studies", type=int, default=2000, help="simulated studies of each scenario")
    parser.add_argument("--seeds", type=int, default=6, help="seeds of each arm")
    parser.add_argument("--jobs", type=int, default=2)
    options = parser.parse_args()
    chunks = range(max(1, options.studies // CHUNK))
    with ProcessPoolExecutor(options.jobs) as pool:
        wrong = {
            name: list(chain(*pool.map(partial(called, scenario, options.seeds), chunks)))
            for name, scenario in NULL.items()
        }
        right = {
            name: merged(list(pool.map(partial(held, scenario, options.seeds), chunks)))
            for name, scenario in KNOWN.items()
        }
    sys.exit(not (judge_calls(wrong, options.seeds) & judge_intervals(right, options.seeds)))


def merged(parts: Sequence[Mapping[str, list[bool]]]) -> dict[str, float]:
    """Interval → the share that held the truth."""
    names = dict.fromkeys(name for part in parts for name in part)
    return {name: float(np.mean([hit for part in parts for hit in part[name]])) for name in names}


def judge_calls(wrong: Mapping[str, Sequence[tuple[bool, bool]]], seeds: int) -> bool:
    """Print how often a difference is called where there is none; True where it is at most 5 %."""
    table = Table(title=f"no true difference, {seeds} seeds: share of studies that call a strategy")
    for column in ("scenario", "studies", "better than random", "worse", "either"):
        table.add_column(column, justify="left" if column == "scenario" else "right")
    rates = []
    for name, calls in wrong.items():
        better, worse = np.mean(calls, 0)
        rates.append(float(np.mean([any(call) for call in calls])))
        table.add_row(name, str(len(calls)), f"{better:.3f}", f"{worse:.3f}", f"{rates[-1]:.3f}")
    Console(width=120).print(table)
    return max(rates) <= 0.05


def judge_intervals(right: Mapping[str, Mapping[str, float]], seeds: int) -> bool:
    """Print how often each interval holds the truth; True where all are within 3 points of 95 %."""
    names = dict.fromkeys(name for shares in right.values() for name in shares)
    table = Table(title=f"{seeds} seeds: share of 95 % intervals that hold the truth")
    table.add_column("interval")
    for scenario in right:
        table.add_column(scenario, justify="right")
    for name in names:
        table.add_row(name, *(f"{s[name]:.3f}" if name in s else "" for s in right.values()))
    Console(width=160).print(table)
    shares = [share for each in right.values() for share in each.values()]
    print(f"least {min(shares):.3f}, most {max(shares):.3f}")
    return min(shares) >= 0.92 and max(shares) <= 0.98


if __name__ == "__main__":
    main()
