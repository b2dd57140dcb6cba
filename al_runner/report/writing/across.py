"""The comparison of strategies over data sets."""

from collections.abc import Sequence
from itertools import chain

import numpy as np

from al_runner.report.contents import Cell, Section, Table, p_words
from al_runner.report.figures.ranks import critical_difference
from al_runner.report.statistics.curves import Array
from al_runner.report.statistics.intervals import LEVEL
from al_runner.report.statistics.ranks import FEWEST, block, friedman
from al_runner.report.study.analysis import Analysis


def across(analyses: Sequence[Analysis]) -> Section | None:
    """Strategies ranked over data sets, from five independent ones on; None where there are fewer.

    Each data set counts once, with the mean area of each strategy that was run on all of them.
    """
    ranked = [analysis for analysis in analyses if analysis.arms and len(analysis.common)]
    datasets = [analysis.experiment.dataset for analysis in ranked]
    if len(set(map(block, datasets))) < FEWEST:
        return None
    if len(set(datasets)) < len(datasets):
        return _none("Data sets with several settings are not ranked; choose one setting with --where.")
    nouns = ranked[0].experiment.nouns
    areas = [{arm.arm.label: arm.area.value for arm in analysis.arms} for analysis in ranked]
    everywhere = [label for label in areas[0] if all(label in each for each in areas)]
    if len(everywhere) < 2:
        return _none(f"Fewer than two {nouns} were run on every data set, so nothing is ranked.")
    left_out = [label for label in dict.fromkeys(chain(*areas)) if label not in everywhere]
    scores = {
        name: np.array([each[label] for label in everywhere])
        for name, each in zip(datasets, areas, strict=True)
    }
    points = all(analysis.compared_at_one for analysis in ranked)
    metric = ranked[0].options.metric
    score = f"{metric} of the models that the runs leave" if points else f"mean {metric} over the budget"
    return _section(everywhere, left_out, scores, score, nouns, len(analyses) - len(ranked))


def _none(why: str) -> Section:
    return Section("Over data sets", [why], [], [], [])


def _section(
    labels: list[str],
    left_out: list[str],
    scores: dict[str, Array],
    score: str,
    nouns: str,
    unfinished: int,
) -> Section:
    ranking = friedman(scores)
    test = "Friedman's test" if len(labels) > 2 else "exact Wilcoxon test"
    finding = "differ" if ranking.p <= LEVEL else "are not shown to differ"
    answer = (
        f"Over {len(ranking.blocks)} data sets the {nouns} {finding} ({test} of the {score}, "
        f"{p_words(ranking.p)}). Mean ranks that differ by less than "
        f"{ranking.critical_difference:.2f} are not distinguishable."
    )
    notes = []
    if left_out:
        notes.append(f"Left out, for they have no finished run on some data set: {', '.join(left_out)}.")
    if unfinished:
        notes.append(f"{unfinished} data sets without finished runs are left out.")
    if any(block(name) != name for name in scores):
        notes.append("OrganMNIST sets share their scans and count as one.")
    rows: list[list[Cell]] = [[name, *map(float, values)] for name, values in ranking.scores.items()]
    rows.append(["mean rank", *map(float, ranking.ranks)])
    table = Table("ranks", f"{score[0].upper()}{score[1:]}, by data set", ["data set", *labels], rows)
    return Section("Over data sets", [answer], notes, [table], [critical_difference(labels, ranking)])
