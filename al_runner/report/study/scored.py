"""Whether a strategy asks for what a model does badly on: its scores against Dice (Warren et al., 2024)."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any, NamedTuple

import numpy as np
from scipy import stats

from al_runner.errors import InputError
from al_runner.report.statistics.curves import Array
from al_runner.report.statistics.intervals import NOTHING, Estimate, mean_estimate
from al_runner.report.study.arms import Arm
from al_runner.report.study.runs import Run

FEWEST = 3
"""Images below which nothing correlates."""


class Correlation(NamedTuple):
    """A coefficient in [−1, 1] and the p value of the test that it is 0; both NaN where there is none."""

    value: float
    p: float


def pearson(x: Array, y: Array) -> Correlation:
    """Pearson's r (1895), with the t test for normally distributed values."""
    return Correlation(*stats.pearsonr(x, y)) if _vary(x, y) else Correlation(np.nan, np.nan)


def spearman(x: Array, y: Array) -> Correlation:
    """Spearman's ρ (1904): Pearson's r of the ranks, those of equal values averaged."""
    return Correlation(*stats.spearmanr(x, y)) if _vary(x, y) else Correlation(np.nan, np.nan)


def _vary(x: Array, y: Array) -> bool:
    return bool(len(x) >= FEWEST and np.ptp(x) > 0 and np.ptp(y) > 0)


@dataclass(frozen=True)
class Scored:
    """The images that one run's model leaves unlabeled, the most informative first.

    Attributes:
        seed: the run's.
        labels: that the model was trained on.
        indices: int64 [n], positions in the training split.
        scores: [n], the strategy's.
        dice: [n], mean over the labels that an image has, without the background; NaN where it has none.
        n_queried: how many of them the next query takes, or would take.
    """

    seed: int
    labels: int
    indices: "np.ndarray[Any, np.dtype[np.int64]]"
    scores: Array
    dice: Array
    n_queried: int

    @property
    def pairs(self) -> tuple[Array, Array]:
        """Scores and Dice of the images that have both, finite."""
        known = np.isfinite(self.scores) & np.isfinite(self.dice)
        return self.scores[known], self.dice[known]


@dataclass(frozen=True)
class Relation:
    """How scores go with Dice, means over an arm's seeds.

    Attributes:
        label: the arm's.
        first: the scored images of its first run.
        seeds: how many runs.
        left_out: images without a finite score or without Dice, of all runs: they are part of no correlation.
        dice: mean of all images.
        queried: mean of those that the next query takes.
        pearson: r.
        spearman: ρ.
        p: of r; with one seed that of its own test, with several that of the t test that their mean is 0.
        p_spearman: of ρ.
    """

    label: str
    first: Scored
    seeds: int
    left_out: int
    dice: Estimate
    queried: Estimate
    pearson: Estimate
    p: float
    spearman: Estimate
    p_spearman: float


def dice_of_images(dice_NL: Array) -> Array:
    """[N, L] → [N]: the mean over the labels that an image has, NaN where it has none."""
    known = ~np.isnan(dice_NL)
    with np.errstate(invalid="ignore"):
        return np.where(known, dice_NL, 0).sum(1) / known.sum(1)


def scored(run: Run) -> Iterator[Scored]:
    """What a run kept of its pool (`keep_pool`), model by model, where its strategy has scores.

    Raises:
        InputError: its files do not belong together.
    """
    for number, row in enumerate(run.rounds):
        indices, scores, dice = (run.array(number, n) for n in ("pool", "pool_scores", "dice_images_pool"))
        if indices is None or scores is None or dice is None:
            continue
        if not len(indices) == len(scores) == len(dice):
            raise InputError(f"{run.folder}/round_{number}: the pool's files have different lengths")
        size = min(run.query_size(number + 1), len(indices))
        dice_N = dice_of_images(dice.astype(float))
        yield Scored(run.seed, int(row["n_labeled"]), indices, scores.astype(float), dice_N, size)


def relations(arms: Sequence[Arm]) -> list[Relation]:
    """Each arm at each number of labels, for the arms whose runs kept their pool.

    Raises:
        InputError: as in `scored`.
    """
    found = []
    for arm in arms:
        kept = sorted((each for run in arm.longest for each in scored(run)), key=lambda each: each.seed)
        found += [
            _relation(arm.label, [each for each in kept if each.labels == labels])
            for labels in sorted({each.labels for each in kept})
        ]
    return found


def _relation(label: str, kept: Sequence[Scored]) -> Relation:
    of_values, of_ranks = ([test(*each.pairs) for each in kept] for test in (pearson, spearman))
    return Relation(
        label,
        kept[0],
        len(kept),
        sum(len(each.scores) - len(each.pairs[0]) for each in kept),
        _mean([_nanmean(each.dice) for each in kept]),
        _mean([_nanmean(each.dice[: each.n_queried]) for each in kept]),
        _mean([each.value for each in of_values]),
        _p(of_values),
        _mean([each.value for each in of_ranks]),
        _p(of_ranks),
    )


def _nanmean(values: Array) -> float:
    known = values[~np.isnan(values)]
    return float(known.mean()) if len(known) else np.nan


def _known(values: Sequence[float]) -> Array:
    return np.array([value for value in values if not np.isnan(value)])


def _mean(values: Sequence[float]) -> Estimate:
    known = _known(values)
    return mean_estimate(known) if len(known) else NOTHING


def _p(found: Sequence[Correlation]) -> float:
    if len(found) == 1:
        return found[0].p
    known = _known([each.value for each in found])
    return float(stats.ttest_1samp(known, 0).pvalue) if len(known) > 1 and np.ptp(known) > 0 else np.nan
