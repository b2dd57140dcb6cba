"""Studies whose true curves are known, for scripts that measure how often al-report is wrong."""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from al_runner.report.statistics.curves import Array, Curve
from al_runner.report.statistics.paired import PROCEDURES
from al_runner.report.statistics.versus import Versus, corrected, versus
from al_runner.report.study.analysis import Analysis, Options, analyse
from al_runner.report.study.arms import Arm, Experiment
from al_runner.report.study.runs import Run

METRIC = "test/accuracy"
LABELS = np.arange(20.0, 201.0, 20.0)
POOL = np.array([5000.0])
TARGET = 0.8
FULL_SCORE = 0.82
LOST = 0.14
"""What a run that fails loses: alda's regime 4 had one such."""
FLAT = "early gain alone"
"""The scenario in which labels needed are known worst: both curves end flat, at one score."""


@dataclass(frozen=True)
class Scenario:
    """True curves a − (a − b)·exp(−(n − 20)/c) of some arms, and the spread around them.

    Attributes:
        curves: arm → (a, b, c); the first is the baseline.
        seed, arm, point: standard deviations of what a seed shares among arms (initial set and model), of
            what a run has at all its budgets, and of what each measurement has for itself.
        skewed: the shape of a gamma distribution with its long tail to bad runs; 0 = a normal distribution.
        unequal: so many times as far as the one before it each arm spreads.
        failing: the share of seeds in which all arms but the first lose 0.14 of what they have on average.
    """

    curves: Mapping[str, tuple[float, float, float]]
    seed: float = 0.01
    arm: float = 0.01
    point: float = 0.015
    skewed: float = 0
    unequal: float = 1
    failing: float = 0

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
            + self.noise(rng, (seeds, 1)) * self.arm * self.unequal**place
            + self.noise(rng, (seeds, len(LABELS))) * self.point
            + (self.failures(rng, seeds) if place and self.failing else 0)
            for place, arm in enumerate(self.curves)
        }

    def failures(self, rng: np.random.Generator, seeds: int) -> Array:
        """What an arm gains or loses in each seed [S, 1], nothing on average."""
        return LOST * (self.failing - (rng.random((seeds, 1)) < self.failing))

    @property
    def area_spread(self) -> float:
        """The standard deviation of a paired difference of areas, arms spreading alike: trapezoids."""
        weights = np.convolve(np.diff(LABELS), [0.5, 0.5]) / (LABELS[-1] - LABELS[0])
        return float(np.sqrt(2 * (self.arm**2 + self.point**2 * (weights**2).sum())))

    def noise(self, rng: np.random.Generator, shape: tuple[int, ...]) -> Array:
        """Of mean 0 and standard deviation 1."""
        if not self.skewed:
            return rng.standard_normal(shape)
        return (self.skewed - rng.gamma(self.skewed, size=shape)) / np.sqrt(self.skewed)


ALIKE = dict.fromkeys(("random", "entropy", "margin", "badge"), (0.85, 0.6, 60.0))
ONE = dict(list(ALIKE.items())[:2])
BETTER = {"random": (0.85, 0.6, 60.0), "entropy": (0.88, 0.6, 45.0)}
NULL = {
    "one strategy": Scenario(ONE),
    "one strategy, skewed": Scenario(ONE, skewed=4),
    "one strategy, skewed, unequal spread": Scenario(ONE, skewed=4, unequal=2),
    "three strategies": Scenario(ALIKE),
    "three strategies, skewed": Scenario(ALIKE, skewed=4),
    "three strategies, unequal spread": Scenario(ALIKE, unequal=2),
}
BEYOND = {
    "exponential, one arm spread twice as far": Scenario(ONE, skewed=1, unequal=2),
    "exponential, one arm spread four times as far": Scenario(ONE, skewed=1, unequal=4),
    "an arm that fails in 15 % of seeds": Scenario(ONE, failing=0.15),
}
"""Without a true difference, but so that no paired test of means is right."""
KNOWN = {
    "normal": Scenario(BETTER),
    "skewed": Scenario(BETTER, skewed=4),
    "noisy measurements": Scenario(BETTER, point=0.03),
    "seeds differ": Scenario(BETTER, seed=0.02, arm=0.02, point=0.005),
    "seeds differ, skewed": Scenario(BETTER, seed=0.02, arm=0.02, point=0.005, skewed=4),
    "no difference": Scenario(ONE),
    FLAT: Scenario({"random": (0.85, 0.6, 40.0), "entropy": (0.85, 0.6, 15.0)}),
    "random misses the target": Scenario({"random": (0.80, 0.6, 60.0), "entropy": (0.88, 0.6, 45.0)}),
}


def shifted(gain: float, arms: int) -> Scenario:
    """Arms that all are better than random by so much, at every number of labels."""
    top, start, pace = ALIKE["random"]
    names = list(ALIKE)[1 : 1 + arms]
    return Scenario(
        {**dict(list(ALIKE.items())[:1]), **dict.fromkeys(names, (top + gain, start + gain, pace))}
    )


def one_better(gain: float, comparisons: int) -> Scenario:
    """One arm is better than random by so much, the others are not."""
    others = dict(list(ALIKE.items())[2 : 1 + comparisons])
    return Scenario({**shifted(gain, 1).curves, **others})


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


def compared(
    scenario: Scenario, rng: np.random.Generator, seeds: int, test: str, margin: float | None = None
) -> list[Versus]:
    """Draw a study, and compare its arms with the baseline as al-report does, but for labels needed."""
    drawn = scenario.draw(rng, seeds).values()
    baseline, *arms = (Curve(LABELS, tuple(range(seeds)), values) for values in drawn)
    found = corrected([versus(arm, baseline, LABELS, PROCEDURES[test]) for arm in arms], margin)
    return [each for each in found if each is not None]


def curve_of(values: Array) -> Curve:
    """A true curve as if one seed had measured it."""
    return Curve(LABELS, (0,), values[None])
