"""The same strategies on several data sets: their ranking, their pairs, and what it depends on."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import chain, combinations

import numpy as np

from al_runner.report.statistics.curves import Array
from al_runner.report.statistics.mixed import Effect, mixed
from al_runner.report.statistics.ranks import (
    Pair,
    Ranking,
    Stability,
    pairs,
    ranking,
    row_ranks,
    stability,
    without_each,
)
from al_runner.report.study.analysis import Analysis
from al_runner.report.study.origins import block, in_blocks

FEWEST = 5
"""Independent data sets below which nothing is said over data sets."""

Areas = Mapping[str, Mapping[int, float]]
"""Strategy → seed → the area of its curve."""


@dataclass(frozen=True)
class Across:
    """Strategies over data sets.

    Attributes:
        labels: the strategies that were run on every data set.
        areas: data set → strategy → seed → area.
        left_out: strategies that were not.
        baseline: the place of the one that is the baseline everywhere; None = there is none.
        ranking: of the mean areas on independent data sets.
        pairs: each strategy against the baseline; every pair where there is none.
        by_set: without one data set after the other.
        by_seed: without one seed after the other; None where a strategy has one seed.
        effects: of the mixed model, where it was asked for.
    """

    labels: tuple[str, ...]
    areas: Mapping[str, Areas]
    left_out: tuple[str, ...]
    baseline: int | None
    ranking: Ranking
    pairs: tuple[Pair, ...]
    by_set: Stability
    by_seed: Stability | None
    effects: tuple[Effect, ...] = ()


def finished(analyses: Sequence[Analysis]) -> list[Analysis]:
    """Those that have numbers to compare."""
    return [analysis for analysis in analyses if analysis.arms and len(analysis.common)]


def enough(analyses: Sequence[Analysis]) -> bool:
    """Whether there are independent data sets enough."""
    return len({block(analysis.experiment.dataset) for analysis in finished(analyses)}) >= FEWEST


def across(analyses: Sequence[Analysis]) -> Across | None:
    """Strategies over data sets, each of which counts once; None where fewer than two are on all."""
    compared = finished(analyses)
    areas = {analysis.experiment.dataset: _areas(analysis) for analysis in compared}
    names = list(dict.fromkeys(chain(*areas.values())))
    labels = [name for name in names if all(name in of_set for of_set in areas.values())]
    if len(labels) < 2:
        return None
    scores = in_blocks({name: _means(of_set, labels) for name, of_set in areas.items()})
    baselines = {analysis.baseline.arm.label for analysis in compared if analysis.baseline}
    baseline = labels.index(baselines.pop()) if len(baselines) == 1 and baselines <= set(labels) else None
    everyone = range(len(labels))
    which = [(k, baseline) for k in everyone if k != baseline] if baseline is not None else None
    ranks = ranking(scores)
    return Across(
        tuple(labels),
        areas,
        tuple(name for name in names if name not in labels),
        baseline,
        ranks,
        pairs(scores, which or list(combinations(everyone, 2))),
        stability(ranks.ranks, without_each(scores)),
        stability(ranks.ranks, found) if (found := dict(_without_seeds(areas, labels))) else None,
        _effects(areas, labels, baseline) if compared[0].options.mixed else (),
    )


def _effects(areas: Mapping[str, Areas], labels: Sequence[str], baseline: int | None) -> tuple[Effect, ...]:
    """Of the mixed model on independent data sets; of those of one origin, the first counts."""
    if baseline is None:
        return ()
    first = {block(name): name for name in reversed(list(areas))}
    scores = {origin: {label: areas[name][label] for label in labels} for origin, name in first.items()}
    return tuple(mixed(scores, labels[baseline]))


def _areas(analysis: Analysis) -> Areas:
    """The area of each seed over the labels that all strategies measured."""
    found = {}
    for result in analysis.strategies:
        curve = result.curve.only(result.curve.seeds, analysis.common)
        found[result.arm.label] = dict(zip(curve.seeds, curve.area.tolist(), strict=True))
    return found


def _means(areas: Areas, labels: Sequence[str], without: int | None = None) -> Array:
    """The mean area of each strategy, [A]; NaN where it had no other seed."""
    kept = [[area for seed, area in areas[label].items() if seed != without] for label in labels]
    return np.array([np.mean(each) if each else np.nan for each in kept])


def _without_seeds(areas: Mapping[str, Areas], labels: Sequence[str]) -> Iterator[tuple[str, Array]]:
    """Seed → the mean ranks without its runs, where each strategy has others."""
    seeds = {seed for of_set in areas.values() for label in labels for seed in of_set[label]}
    for seed in sorted(seeds):
        scores = in_blocks({name: _means(of_set, labels, seed) for name, of_set in areas.items()})
        table = np.stack(list(scores.values()))
        if not np.isnan(table).any():
            yield f"seed {seed}", row_ranks(table).mean(0)
