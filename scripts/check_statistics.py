"""How often al-report is wrong: studies are simulated, and analysed as the report does.

Without a true difference, how often is a strategy called better (or worse) than random? With known curves,
how often does each interval that the report calls 95 % hold the truth? Exit code 1 where the first exceeds
5 %, or the second is further than 3 points from 95 %. (How many labels random needs for a score of its own is
known to end with the budget, so that interval and its ratios hold the truth more often. Where curves end
flat, intervals of labels needed hold it less often: there it is 87 %.)

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

from al_runner.report.statistics.curves import Array, Curve, crossing
from al_runner.report.statistics.efficiency import labels_needed
from al_runner.report.statistics.intervals import Estimate, mean_estimate
from al_runner.report.study.analysis import Analysis, Options, analyse
from al_runner.report.study.arms import Arm, Experiment
from al_runner.report.study.needs import FULL, LAST
from al_runner.report.study.runs import Run

METRIC = "test/accuracy"
LABELS = np.arange(20.0, 201.0, 20.0)
POOL = np.array([5000.0])
TARGET = 0.8
FULL_SCORE = 0.82
CALLED_WITH = (6, 8)
"""Numbers of seeds with which false calls are counted."""
CHUNK = 50
FLAT = "early gain alone"
"""The scenario in which labels needed are known worst: both curves end flat, at one score."""
WIDE = "random's own need of"
"""Its interval ends where the budget does, and so cannot err on that side."""


@dataclass(frozen=True)
class Scenario:
    """True curves a − (a − b)·exp(−(n − 20)/c) of some arms, and the spread around them.

    Attributes:
        curves: arm → (a, b, c); the first is the baseline.
        seed, arm, point: standard deviations of what a seed shares among arms (initial set and model), of
            what a run has at all its budgets, and of what each measurement has for itself.
        skewed: a gamma distribution of shape 4 with its long tail to bad runs, instead of the normal one.
        unequal: each arm spreads twice as far as the one before it.
    """

    curves: Mapping[str, tuple[float, float, float]]
    seed: float = 0.01
    arm: float = 0.01
    point: float = 0.015
    skewed: bool = False
    unequal: bool = False

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
            + self.noise(rng, (seeds, 1)) * self.arm * (2**place if self.unequal else 1)
            + self.noise(rng, (seeds, len(LABELS))) * self.point
            for place, arm in enumerate(self.curves)
        }

    def noise(self, rng: np.random.Generator, shape: tuple[int, ...]) -> Array:
        """Of mean 0 and standard deviation 1."""
        return (4 - rng.gamma(4, size=shape)) / 2 if self.skewed else rng.standard_normal(shape)


ALIKE = dict.fromkeys(("random", "entropy", "margin", "badge"), (0.85, 0.6, 60.0))
ONE = dict(list(ALIKE.items())[:2])
BETTER = {"random": (0.85, 0.6, 60.0), "entropy": (0.88, 0.6, 45.0)}
NULL = {
    "one strategy": Scenario(ONE),
    "one strategy, skewed": Scenario(ONE, skewed=True),
    "one strategy, skewed, unequal spread": Scenario(ONE, skewed=True, unequal=True),
    "three strategies": Scenario(ALIKE),
    "three strategies, skewed": Scenario(ALIKE, skewed=True),
    "three strategies, unequal spread": Scenario(ALIKE, unequal=True),
}
KNOWN = {
    "normal": Scenario(BETTER),
    "skewed": Scenario(BETTER, skewed=True),
    "noisy measurements": Scenario(BETTER, point=0.03),
    "seeds differ": Scenario(BETTER, seed=0.02, arm=0.02, point=0.005),
    "seeds differ, skewed": Scenario(BETTER, seed=0.02, arm=0.02, point=0.005, skewed=True),
    "no difference": Scenario(ONE),
    FLAT: Scenario({"random": (0.85, 0.6, 40.0), "entropy": (0.85, 0.6, 15.0)}),
    "random misses the target": Scenario({"random": (0.80, 0.6, 60.0), "entropy": (0.88, 0.6, 45.0)}),
}


def study(scenario: Scenario, rng: np.random.Generator, seeds: int, targets: bool) -> Analysis:
    """Draw a study, and analyse it as al-report does, with a target and runs on all labels if asked for."""
    arms = []
    for name, values in scenario.draw(rng, seeds).items():
        arms.append(Arm(name, tuple(run(name, seed, LABELS, row) for seed, row in enumerate(values)), ()))
    if not targets:
        return analyse(Experiment("simulated", tuple(arms), True), Options(METRIC))
    scores = FULL_SCORE + scenario.noise(rng, (seeds,)) * np.hypot(scenario.arm, scenario.point)
    full = tuple(run("random", seed, POOL, np.array([score])) for seed, score in enumerate(scores))
    return analyse(Experiment("simulated", tuple(arms), True, full), Options(METRIC, target=TARGET))


def run(strategy: str, seed: int, labels: Array, scores: Array) -> Run:
    """A run as if it had been read from a folder."""
    rows = tuple({"n_labeled": n, METRIC: score} for n, score in zip(labels, scores, strict=True))
    return Run(Path(), {"seed": seed, "strategy": strategy, "status": "finished"}, rows)


def called(scenario: Scenario, seeds: int, seed: int) -> list[tuple[bool, bool, bool]]:
    """For some studies: is any arm called better than the baseline, any worse, is a saving stated?"""
    rng = np.random.default_rng(seed)
    found = []
    for _ in range(CHUNK):
        analysis = study(scenario, rng, seeds, targets=False)
        findings = [arm.versus.finding for arm in analysis.arms if arm.versus is not None]
        saved = any(arm.saves for arm in analysis.arms)
        found.append(("better" in findings, "worse" in findings, saved))
    return found


def held(scenario: Scenario, seeds: int, seed: int) -> dict[str, list[bool]]:
    """For some studies: interval → whether it held the truth."""
    rng = np.random.default_rng(seed)
    found: dict[str, list[bool]] = defaultdict(list)
    for _ in range(CHUNK):
        analysis = study(scenario, rng, seeds, targets=True)
        for name, estimate, truth in intervals(scenario, analysis):
            found[name].append(estimate.low <= truth <= estimate.high)
    return found


def intervals(scenario: Scenario, analysis: Analysis) -> list[tuple[str, Estimate, float]]:
    """Every kind of interval of the report: its name, what it is, and the truth, where it is finite."""
    random, entropy = analysis.arms
    ours, theirs = (curve_of(scenario.truth(arm)) for arm in ("entropy", "random"))
    gap = ours.values[0] - theirs.values[0]
    assert entropy.versus is not None
    middle = len(LABELS) // 2
    found = [
        ("curve at 20 labels", mean_estimate(entropy.curve.values[:, 0]), ours.values[0, 0]),
        ("curve at 120 labels", mean_estimate(entropy.curve.values[:, middle]), ours.values[0, middle]),
        ("area", entropy.area, ours.area[0]),
        ("last score", entropy.final, ours.values[0, -1]),
        ("difference at 120 labels", entropy.versus.difference[middle], gap[middle]),
        ("difference of areas", entropy.versus.area, (ours.area - theirs.area)[0]),
    ]
    own = {f"the baseline's score at {n:g} labels": s for n, s in zip(LABELS, theirs.mean, strict=True)}
    own[LAST] = theirs.mean[-1]
    true_scores = {**own, FULL: FULL_SCORE, f"{TARGET:g}": TARGET}
    for need in entropy.needs:
        score = true_scores[need.target]
        ratio = crossing(LABELS, ours.mean, score) / crossing(LABELS, theirs.mean, score)
        found += [
            (f"labels to reach {need.target}", need.labels, labels_needed(ours, score).value),
            (f"their ratio, {need.target}", need.ratio, ratio),
        ]
        if need.target in own:
            truth = labels_needed(theirs, score).value
            found.append((f"{WIDE} {need.target}", need.baseline, truth))
    for need in random.needs:
        truth = labels_needed(theirs, true_scores[need.target]).value
        found.append((f"random's labels to reach {need.target}", need.labels, truth))
    return [
        (name, estimate, float(truth))
        for name, estimate, truth in found
        if 0 < truth < np.inf and not np.isnan(estimate.value)
    ]


def curve_of(values: Array) -> Curve:
    """A true curve as if one seed had measured it."""
    return Curve(LABELS, (0,), values[None])


def main() -> None:
    """Simulate, print two tables, judge."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--studies", type=int, default=2000, help="simulated studies of each scenario")
    parser.add_argument("--seeds", type=int, default=6, help="of each arm, for the intervals")
    parser.add_argument("--jobs", type=int, default=2)
    options = parser.parse_args()
    chunks = range(max(1, options.studies // CHUNK))
    with ProcessPoolExecutor(options.jobs) as pool:
        wrong = {
            (name, seeds): list(chain(*pool.map(partial(called, scenario, seeds), chunks)))
            for name, scenario in NULL.items()
            for seeds in CALLED_WITH
        }
        right = {
            name: merged(list(pool.map(partial(held, scenario, options.seeds), chunks)))
            for name, scenario in KNOWN.items()
        }
    sys.exit(not (judge_calls(wrong) & judge_intervals(right, options.seeds)))


def merged(parts: Sequence[Mapping[str, list[bool]]]) -> dict[str, float]:
    """Interval → the share that held the truth."""
    names = dict.fromkeys(name for part in parts for name in part)
    return {name: float(np.mean([hit for part in parts for hit in part[name]])) for name in names}


def judge_calls(wrong: Mapping[tuple[str, int], Sequence[tuple[bool, bool, bool]]]) -> bool:
    """Print how often a difference is called where there is none; True where `better` is at most 5 %."""
    table = Table(title="no true difference: share of studies that call a strategy")
    for column in ("scenario", "seeds", "better than random", "worse", "a saving is stated"):
        table.add_column(column, justify="left" if column == "scenario" else "right")
    rates = []
    for (name, seeds), calls in wrong.items():
        better, worse, saving = np.mean(calls, 0)
        rates += [float(better), float(saving)]
        table.add_row(name, str(seeds), f"{better:.3f}", f"{worse:.3f}", f"{saving:.3f}")
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
    flat = min(right[FLAT].values())
    shares = [(name, share) for key, each in right.items() if key != FLAT for name, share in each.items()]
    narrow = [share for name, share in shares if not name.startswith((WIDE, "their ratio, the baseline's"))]
    least, most = min(share for _, share in shares), max(narrow)
    print(f"least {least:.3f}, most {most:.3f} (but for {WIDE} its own scores, and the ratios to that)")
    print(f"{FLAT}, where curves are flat: least {flat:.3f}")
    return least >= 0.92 and most <= 0.98 and flat >= 0.87


if __name__ == "__main__":
    main()
