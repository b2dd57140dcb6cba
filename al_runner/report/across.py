"""The comparison of strategies over data sets."""

from collections.abc import Sequence

import numpy as np

from al_runner.report.analysis import Analysis
from al_runner.report.contents import Cell, Section, Table, p_value
from al_runner.report.figures.ranks import critical_difference
from al_runner.report.ranks import FEWEST, friedman, in_blocks


def across(analyses: Sequence[Analysis]) -> Section | None:
    """Friedman's test and its diagram, from five independent data sets on; None where there are fewer.

    Each data set counts once, with the mean area of each strategy that was run on all of them.
    """
    by_dataset = {analysis.experiment.dataset: analysis for analysis in analyses}
    areas = [{arm.arm.label: arm.area.value for arm in analysis.arms} for analysis in by_dataset.values()]
    labels = [label for label in (areas[0] if areas else {}) if all(label in each for each in areas)]
    scores = {
        name: np.array([each[label] for label in labels])
        for name, each in zip(by_dataset, areas, strict=True)
    }
    blocks = in_blocks(scores)
    if len(by_dataset) < len(analyses) or len(blocks) < FEWEST or len(labels) < 2:
        return None
    ranking = friedman(scores)
    metric = analyses[0].options.metric
    finding = "differ" if ranking.p <= 0.05 else "are not shown to differ"
    answer = (
        f"Over {len(ranking.blocks)} data sets the strategies {finding} (Friedman's test of the mean "
        f"{metric} over the budget, p = {p_value(ranking.p)}). Mean ranks that differ by less than "
        f"{ranking.critical_difference:.2f} are not distinguishable."
    )
    columns = ["data set", *labels]
    rows: list[list[Cell]] = [[name, *map(float, values)] for name, values in blocks.items()]
    rows.append(["mean rank", *map(float, ranking.ranks)])
    table = Table("ranks", f"Mean {metric} over the budget, by data set", columns, rows)
    notes = ["OrganMNIST sets share their scans and count as one."] if "OrganMNIST" in ranking.blocks else []
    return Section("Over data sets", [answer], notes, [table], [critical_difference(labels, ranking)])
