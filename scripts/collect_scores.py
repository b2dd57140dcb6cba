"""The scores of a study's runs as one CSV file, of which a page in docs/results is made.

    python scripts/collect_scores.py outputs/alda/pneumoniamnist --metrics val/accuracy_max test/accuracy
    python scripts/collect_scores.py outputs/ideal --metrics test/auroc --bought normal

Printed are a row for each finished run and number of labels, or for the model that it leaves where runs name
themselves: the arm as al-report calls it, the seed, the labels, and the metrics of `rounds.csv`. `--bought`
adds the share of a class among all labels that were queried so far, the first ones apart. Runs on all labels
that belong to an experiment are its arm "all labels".
"""

import argparse
import csv
import sys
from collections.abc import Iterator, Sequence
from pathlib import Path

from al_runner.config.commands import refusing
from al_runner.report.study.arms import Arm
from al_runner.report.study.folders import find
from al_runner.report.study.grouping import experiments
from al_runner.report.study.runs import Run


def rows(
    places: Sequence[Path], metrics: Sequence[str], bought: str | None = None, baseline: str | None = None
) -> Iterator[list[object]]:
    """The header and the rows of all runs below some folders."""
    yield ["arm", "seed", "labels", *metrics, *([f"bought {bought}"] if bought else [])]
    for experiment in experiments(find(places), baseline, force=True):
        for arm in experiment.arms:
            yield from _of(arm, metrics, bought)
        if experiment.full:
            full = Arm(experiment.full_label, experiment.full, ())
            yield from _of(full, metrics, bought)


def _of(arm: Arm, metrics: Sequence[str], bought: str | None) -> Iterator[list[object]]:
    for run in sorted(arm.finished, key=lambda each: each.seed):
        for row in arm.compared(run):
            values = [f"{row[metric]:.7g}" for metric in metrics]
            share = [_share(run, int(row["n_labeled"]), bought)] if bought else []
            yield [arm.label, run.seed, int(row["n_labeled"]), *values, *share]


def _share(run: Run, labels: int, word: str) -> str:
    """The share of a class among what was queried until there are so many labels; empty before."""
    first, *queries = run.queries
    picks = [pick for query in queries for pick in query][: labels - len(first)]
    return f"{sum(pick.label == word for pick in picks) / len(picks):.4g}" if picks else ""


def main() -> None:
    """Print the file."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("folders", nargs="+", type=Path)
    parser.add_argument("--metrics", nargs="+", required=True, help="columns of rounds.csv")
    parser.add_argument("--bought", metavar="CLASS", help="in the words of queries.csv")
    parser.add_argument("--baseline", metavar="ARM", help="as for al-report")
    options = parser.parse_args()
    with refusing("collect_scores"):
        found = list(rows(options.folders, options.metrics, options.bought, options.baseline))
        csv.writer(sys.stdout, lineterminator="\n").writerows(found)


if __name__ == "__main__":
    main()
