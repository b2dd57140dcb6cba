"""How often al-report is wrong: studies are simulated, and analyzed as the report does.

Without a true difference, how often is a strategy called better (or worse) than random? With one of the
margin's size, how often is it called equivalent? With a known one, how often is it found, and how often does
--plan say so? How often does each interval that the report calls 95 % hold the truth? Does an interval ever
contradict its test?

Exit code 1 where an error exceeds 5 %, a power is further than 5 points from the planned one, the coverage of
a difference further than 2 points from 95 %, that of any other interval further than 3 (and than three
standard errors more), or an interval and its verdict disagree even once. (How many labels random needs for a
score of its own is known to end with the budget, so that interval and its ratios hold the truth more often.
Where curves end flat, intervals of labels needed hold it less often.)

    python scripts/check_statistics.py --studies 1000 --curves 400 --seeds 10
"""

import argparse
import sys
from collections import defaultdict
from collections.abc import Callable, Iterable, Mapping, Sequence
from concurrent.futures import ProcessPoolExecutor
from functools import partial
from itertools import chain
from typing import TypeVar

import numpy as np
from rich.console import Console
from rich.table import Table
from simulated_studies import (
    BEYOND,
    FLAT,
    FULL_SCORE,
    KNOWN,
    LABELS,
    NULL,
    ONE,
    TARGET,
    Scenario,
    compared,
    curve_of,
    one_better,
    shifted,
    study,
)

from al_runner.report.statistics.curves import crossing
from al_runner.report.statistics.efficiency import labels_needed
from al_runner.report.statistics.intervals import LEVEL, Estimate, mean_estimate
from al_runner.report.statistics.paired import PROCEDURES
from al_runner.report.statistics.power import Design
from al_runner.report.statistics.versus import Versus
from al_runner.report.study.analysis import Analysis
from al_runner.report.study.needs import FULL, LAST

CALLED_WITH = (6, 10)
"""Numbers of seeds with which false calls are counted."""
CONTRADICTED_WITH = (4, 5, 6, 8, 12)
"""Numbers of seeds with which intervals are held against verdicts."""
MARGIN = 0.01
TEST = PROCEDURES["sign-flip"]
PLANNED = [Design(n, comparisons=m) for m in (1, 3) for n in (6, 8, 10, 12)]
"""Studies whose power is held against the planned one."""
EXCHANGED = (1, 4, 6)
"""Places of random's labels whose worth in the other's labels is held against the truth."""
CHUNK = 50
SCENARIOS = (*NULL.values(), *KNOWN.values())
T = TypeVar("T")
WIDE = "random's own need of"
"""Its interval ends where the budget does, and so cannot err on that side."""


def called(scenario: Scenario, seeds: int, seed: int) -> list[tuple[bool, bool]]:
    """For some studies: is any arm called better than the baseline, and any worse?"""
    rng = np.random.default_rng(seed)
    studies = (compared(scenario, rng, seeds, "sign-flip") for _ in range(CHUNK))
    found = ([arm.finding for arm in study] for study in studies)
    return [("better" in findings, "worse" in findings) for findings in found]


def saved(scenario: Scenario, seeds: int, seed: int) -> list[bool]:
    """For some studies: is a saving of labels stated?"""
    rng = np.random.default_rng(seed)
    studies = (study(scenario, rng, seeds, targets=False) for _ in range(CHUNK))
    return [any(arm.saves for arm in each.arms) for each in studies]


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
            (f"labels to reach {need.target}", need.labels, labels_needed(ours, score, TEST.shown).value),
            (f"their ratio, {need.target}", need.ratio, ratio),
        ]
        if need.target in own:
            truth = labels_needed(theirs, score, TEST.shown).value
            found.append((f"{WIDE} {need.target}", need.baseline, truth))
    for place in EXCHANGED:
        truth = crossing(LABELS, ours.mean, theirs.mean[place])
        found.append((f"labels as good as {LABELS[place]:g} of random's", entropy.exchange[place], truth))
    for need in random.needs:
        truth = labels_needed(theirs, true_scores[need.target], TEST.shown).value
        found.append((f"random's labels to reach {need.target}", need.labels, truth))
    return [
        (name, estimate, float(truth))
        for name, estimate, truth in found
        if 0 < truth < np.inf and not np.isnan(estimate.value)
    ]


def called_equivalent(arms: int, seeds: int, seed: int) -> list[bool]:
    """For some studies whose arms differ by the margin: is any called equivalent within it?"""
    rng = np.random.default_rng(seed)
    studies = (compared(shifted(MARGIN, arms), rng, seeds, "sign-flip", MARGIN) for _ in range(CHUNK))
    return [
        any(each.equivalence is not None and each.equivalence.shown for each in study) for study in studies
    ]


def found(design: Design, seed: int) -> list[bool]:
    """For some studies: is the one arm that is better by a standard deviation called so?"""
    rng = np.random.default_rng(seed)
    scenario = one_better(Scenario(ONE).area_spread, design.comparisons)
    studies = (compared(scenario, rng, design.seeds, design.test) for _ in range(CHUNK))
    return [study[0].finding == "better" for study in studies]


def held_difference(scenario: Scenario, seeds: int, seed: int) -> list[bool]:
    """For some studies: does the interval of the difference of areas hold the true one?"""
    rng = np.random.default_rng(seed)
    first, second = list(scenario.curves)[:2]
    truth = (curve_of(scenario.truth(second)).area - curve_of(scenario.truth(first)).area)[0]
    intervals = (compared(scenario, rng, seeds, "sign-flip")[0].area for _ in range(CHUNK))
    return [each.low <= truth <= each.high for each in intervals]


def contradictions(scenario: Scenario, test: str, seed: int) -> list[int]:
    """For some studies of each number of seeds: how often does an interval contradict its test?"""
    rng = np.random.default_rng(seed)
    return [
        sum(map(disagreements, compared(scenario, rng, seeds, test, MARGIN)))
        for seeds in CONTRADICTED_WITH
        for _ in range(CHUNK // len(CONTRADICTED_WITH))
    ]


def disagreements(found: Versus) -> int:
    """How many of the verdict, the corrected p, the effect and the equivalence the intervals contradict."""
    low, high, same = found.area.low, found.area.high, found.equivalence
    said = {"better": (True, False), "worse": (False, True)}.get(found.finding, (False, False))
    wrong = said != (low > 0, high < 0)
    wrong += (found.holm <= LEVEL) != (low > 0 or high < 0)
    if not np.isnan(found.effect.low):
        wrong += (found.effect.low > 0, found.effect.high < 0) != (low > 0, high < 0)
    if same is not None:
        wrong += same.shown != (-same.margin < same.estimate.low and same.estimate.high < same.margin)
    return int(wrong)


def main() -> None:
    """Simulate, print two tables, judge."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--studies", type=int, default=1000, help="simulated studies of each scenario")
    parser.add_argument("--curves", type=int, default=400, help="of them those whose labels needed are held")
    parser.add_argument("--seeds", type=int, default=10, help="of each arm, for the intervals")
    parser.add_argument("--jobs", type=int, default=2)
    options = parser.parse_args()
    few, chunks, many = (
        range(max(1, n // CHUNK)) for n in (options.curves, options.studies, 4 * options.studies)
    )
    with ProcessPoolExecutor(options.jobs) as pool:

        def each(simulate: Callable[[int], Iterable[T]], of: Iterable[int]) -> list[T]:
            return list(chain(*pool.map(simulate, of)))

        apart = {
            test: sum(sum(each(partial(contradictions, s, test), chunks)) for s in SCENARIOS)
            for test in PROCEDURES
        }
        power = {design: share(each(partial(found, design), chunks)) for design in PLANNED}
        alike = {
            (arms, seeds): share(each(partial(called_equivalent, arms, seeds), many))
            for arms in (1, 3)
            for seeds in CALLED_WITH
        }
        plain = {
            (name, seeds): share(each(partial(held_difference, scenario, seeds), many))
            for name, scenario in KNOWN.items()
            for seeds in CALLED_WITH
        }
        wrong = {
            (name, seeds): (
                *np.mean(each(partial(called, scenario, seeds), many), 0).tolist(),
                share(each(partial(saved, scenario, seeds), chunks)),
            )
            for name, scenario in NULL.items()
            for seeds in CALLED_WITH
        }
        beyond = {
            (name, seeds): np.mean(each(partial(called, scenario, seeds), many), 0).tolist()
            for name, scenario in BEYOND.items()
            for seeds in CALLED_WITH
        }
        right = {
            name: merged(list(pool.map(partial(held, scenario, options.seeds), few)))
            for name, scenario in KNOWN.items()
        }
    show_beyond(beyond)
    judged = [
        judge_calls(wrong),
        judge_equivalence(alike),
        judge_power(power),
        judge_contradictions(apart),
        judge_differences(plain, chance(4 * options.studies)),
        judge_intervals(right, options.seeds, chance(options.curves)),
    ]
    sys.exit(not all(judged))


def chance(studies: int) -> float:
    """What a share of 95 % of so many studies is off by chance: three standard errors."""
    return float(3 * np.sqrt(0.95 * 0.05 / studies))


def share(found: Sequence[bool]) -> float:
    """Of all of them."""
    return float(np.mean(found))


def merged(parts: Sequence[Mapping[str, list[bool]]]) -> dict[str, float]:
    """Interval → the share that held the truth."""
    names = dict.fromkeys(name for part in parts for name in part)
    return {name: float(np.mean([hit for part in parts for hit in part[name]])) for name in names}


def judge_calls(wrong: Mapping[tuple[str, int], tuple[float, float, float]]) -> bool:
    """Print how often a difference is called where there is none; True where `better` is at most 5 %."""
    table = Table(title="no true difference: share of studies that call a strategy")
    for column in ("scenario", "seeds", "better than random", "worse", "a saving is stated"):
        table.add_column(column, justify="left" if column == "scenario" else "right")
    rates = []
    for (name, seeds), (better, worse, saving) in wrong.items():
        rates += [better, saving]
        table.add_row(name, str(seeds), f"{better:.3f}", f"{worse:.3f}", f"{saving:.3f}")
    Console(width=120).print(table)
    return max(rates) <= 0.05


def show_beyond(beyond: Mapping[tuple[str, int], Sequence[float]]) -> None:
    """Print how often a difference is called where the test's assumption does not hold."""
    table = Table(title="no true difference, but differences by seed are not symmetric: not judged")
    for column in ("scenario", "seeds", "better than random", "worse"):
        table.add_column(column, justify="left" if column == "scenario" else "right")
    for (name, seeds), shares in beyond.items():
        table.add_row(name, str(seeds), *(f"{each:.3f}" for each in shares))
    Console(width=120).print(table)


def judge_equivalence(alike: Mapping[tuple[int, int], float]) -> bool:
    """Print how often arms that differ by the margin are called equivalent; True where at most 5 %."""
    table = Table(
        title=f"a true difference of {MARGIN}: share of studies that call it equivalent within that"
    )
    for column in ("strategies", "seeds", "any called equivalent"):
        table.add_column(column, justify="right")
    for (arms, seeds), share in alike.items():
        table.add_row(str(arms), str(seeds), f"{share:.3f}")
    Console(width=120).print(table)
    return max(alike.values()) <= LEVEL


def judge_power(power: Mapping[Design, float]) -> bool:
    """Print how often a difference is found, and what --plan says; True where within 5 points."""
    table = Table(title="a true difference of one standard deviation: share of studies that find it")
    for column in ("comparisons", "seeds", "found", "as --plan says"):
        table.add_column(column, justify="right")
    for design, share in power.items():
        planned = design.power(1.0)
        table.add_row(str(design.comparisons), str(design.seeds), f"{share:.3f}", f"{planned:.3f}")
    Console(width=120).print(table)
    return max(abs(share - design.power(1.0)) for design, share in power.items()) <= 0.05


def judge_contradictions(apart: Mapping[str, int]) -> bool:
    """Print how often an interval and its verdict disagree; True where never."""
    print(f"verdicts, p, effects and equivalences that an interval contradicts: {dict(apart)}")
    return not any(apart.values())


def judge_differences(plain: Mapping[tuple[str, int], float], error: float) -> bool:
    """Print how often the interval of a difference holds the truth; True where within 2 points of 95 %."""
    table = Table(title="share of 95 % intervals of the difference of areas that hold the truth")
    for column in ("scenario", "seeds", "held"):
        table.add_column(column, justify="left" if column == "scenario" else "right")
    for (name, seeds), held_by in plain.items():
        table.add_row(name, str(seeds), f"{held_by:.3f}")
    Console(width=120).print(table)
    return max(abs(each - 0.95) for each in plain.values()) <= 0.02 + error


def judge_intervals(right: Mapping[str, Mapping[str, float]], seeds: int, error: float) -> bool:
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
    return least >= 0.92 - error and most <= 0.98 + error and flat >= 0.87 - error


if __name__ == "__main__":
    main()
