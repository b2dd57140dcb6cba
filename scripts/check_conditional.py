"""How often al-report is wrong about other data sets and other test patients: both are simulated.

Without a true difference over data sets, how often does Friedman's test find one, and how often is a pair of
strategies called different? How often does the interval of a pair hold the mean over all data sets? And how
often does the interval for other seeds and other test patients hold the difference that all of them have?

Exit code 1 where an error exceeds 5 % (and three standard errors more), or where a coverage is further than 2
points (and three standard errors) below 95 %. Wide intervals may hold the truth more often.

    python scripts/check_conditional.py --studies 2000
"""

import argparse
import sys
from collections.abc import Iterator, Sequence

import numpy as np
from rich.console import Console
from rich.table import Table

from al_runner.report.statistics.curves import Array
from al_runner.report.statistics.intervals import LEVEL
from al_runner.report.statistics.patients import conditional, weightings
from al_runner.report.statistics.ranks import pairs, ranking
from al_runner.report.statistics.weighted import accuracy

SETS = ((6, 3), (8, 4), (12, 4), (8, 6))
"""Numbers of data sets and of strategies."""
TESTED = ((10, 60, 1), (10, 60, 4), (6, 200, 1), (20, 300, 2))
"""Numbers of seeds, of patients, and of images of each patient."""
GAIN = 0.02
"""What the second strategy gains over the first, where one does."""


def noise(rng: np.random.Generator, shape: tuple[int, ...], skewed: bool) -> Array:
    """Of mean 0 and standard deviation 1."""
    return (4 - rng.gamma(4, size=shape)) / 2 if skewed else rng.standard_normal(shape)


def scores(rng: np.random.Generator, sets: int, strategies: int, skewed: bool) -> Array:
    """A level for each data set, and what each strategy makes of it; of the second one more."""
    level = rng.uniform(0.5, 0.9, (sets, 1))
    gains = GAIN * (np.arange(strategies) == 1)
    return level + gains + 0.03 * noise(rng, (sets, strategies), skewed)


def over_sets(studies: int, seed: int) -> Iterator[tuple[str, float, float, float]]:
    """Of each design: its name, how often Friedman's test errs, how often a pair is called, its coverage."""
    for sets, strategies in SETS:
        for skewed in (False, True):
            rng, wrong, called, held = np.random.default_rng([seed, sets, strategies, skewed]), 0, 0, 0
            against = [(k, 0) for k in range(1, strategies)]
            for _ in range(studies):
                table = scores(rng, sets, strategies, skewed)
                found = pairs(_named(table), against)
                held += found[0].difference.low <= GAIN <= found[0].difference.high
                alike = table - GAIN * (np.arange(strategies) == 1)
                wrong += ranking(_named(alike)).p <= LEVEL
                called += any(pair.holm <= LEVEL for pair in pairs(_named(alike), against))
            name = f"{sets} data sets, {strategies} strategies{', skewed' if skewed else ''}"
            yield name, wrong / studies, called / studies, held / studies


def _named(table: Array) -> dict[str, Array]:
    return {str(k): row for k, row in enumerate(table)}


def over_patients(studies: int, seed: int) -> Iterator[tuple[str, float, float]]:
    """Of each design: its name, and how often each interval holds the true difference."""
    for seeds, patients, images in TESTED:
        rng, both, others = np.random.default_rng([seed, seeds, patients, images]), 0, 0
        whose = np.repeat(np.arange(patients), images)
        weights = weightings(whose, 400)
        for _ in range(studies):
            right = decisions(rng, seeds, whose)
            weighted = [accuracy_of(right[arm], weights) for arm in (0, 1)]
            differences = right[1].mean(1) - right[0].mean(1)
            found = conditional(differences, weighted[1] - weighted[0], patients)
            both += found.both.low <= GAIN <= found.both.high
            others += found.others.low <= GAIN <= found.others.high
        yield f"{seeds} seeds, {patients} patients × {images}", both / studies, others / studies


def decisions(rng: np.random.Generator, seeds: int, whose: Array) -> Array:
    """Which images two arms get right, [2, S, N]: with .7 and .7 + GAIN, more alike within a patient.

    A patient, and an image, are hard or easy for both arms, and for one; a seed is good or bad at all images.
    """
    n, patients = len(whose), int(whose[-1]) + 1
    shared = 0.1 * rng.uniform(-1, 1, patients)[whose] + 0.1 * rng.uniform(-1, 1, n)
    own = 0.1 * rng.uniform(-1, 1, (2, 1, patients))[..., whose] + 0.02 * rng.standard_normal((2, seeds, 1))
    chance = 0.7 + GAIN * np.arange(2)[:, None, None] + shared + own
    return (rng.uniform(size=(2, seeds, n)) < chance).astype(float)


def accuracy_of(right: Array, weights: Array) -> Array:
    """The accuracy of each seed on each drawn test split, [S, B]."""
    targets = np.zeros(right.shape[1], int)
    return np.stack([accuracy(np.stack([row, 1 - row], -1), targets, weights) for row in right])


def show(title: str, columns: Sequence[str], rows: Sequence[tuple[object, ...]]) -> None:
    """Print a table of shares."""
    table = Table(title=title)
    for k, column in enumerate(columns):
        table.add_column(column, justify="right" if k else "left")
    for name, *shares in rows:
        table.add_row(str(name), *(f"{share:.3f}" for share in shares))
    Console(width=120).print(table)


def main() -> None:
    """Simulate, print two tables, judge."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--studies", type=int, default=2000, help="simulated studies of each design")
    parser.add_argument("--seed", type=int, default=0)
    options = parser.parse_args()
    error = float(3 * np.sqrt(0.95 * 0.05 / options.studies))
    sets, tested = list(over_sets(options.studies, options.seed)), []
    columns = ("design", "Friedman's test errs", "a pair is called", "a pair's interval holds the truth")
    show("over data sets", columns, sets)
    tested = list(over_patients(options.studies, options.seed))
    columns = ("design", "both: holds the truth", "other patients alone")
    show("other seeds and other test patients", columns, tested)
    errors = [rate for _, *rates, _ in sets for rate in rates]
    covered = [*(held for *_, held in sets), *(both for _, both, _ in tested)]
    sys.exit(max(errors) > LEVEL + error or min(covered) < 0.93 - error)


if __name__ == "__main__":
    main()
