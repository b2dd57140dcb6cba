"""`al-report`: run folders as a table of learning curves with the saving in labels, and as a figure."""

import argparse
import sys
from collections.abc import Sequence
from pathlib import Path

from rich.console import Console
from rich.table import Table

from al_runner.errors import InputError
from al_runner.report.curves import Curve
from al_runner.report.runs import Run, find

Curves = dict[str, Curve]


def main(arguments: Sequence[str] | None = None) -> None:
    """Entry point of `al-report`: exit code 0, or 2 for bad input."""
    parser = argparse.ArgumentParser("al-report", description=__doc__)
    parser.add_argument("places", nargs="+", type=Path, help="run folders, or folders above them")
    parser.add_argument("--metric", default="test/accuracy", help="column of rounds.csv (%(default)s)")
    parser.add_argument("--baseline", default="random", help="strategy to compare with (%(default)s)")
    parser.add_argument(
        "--out", type=Path, help="folder for learning_curve.svg and .png, one pair an experiment"
    )
    options = parser.parse_args(arguments)
    try:
        report(find(options.places), options.metric, options.baseline, options.out)
    except InputError as error:
        print(f"al-report: {error}", file=sys.stderr)
        raise SystemExit(2) from error


def report(runs: Sequence[Run], metric: str, baseline: str, out: Path | None) -> None:
    """Print a table for each experiment, and draw it where `out` is given."""
    console = Console(highlight=False, markup=False)
    experiments = dict.fromkeys((run.name, run.setting) for run in runs)
    for name, setting in experiments:
        chosen = [run for run in runs if (run.name, run.setting) == (name, setting)]
        # Runs of one name that differ in more than strategy and seed are not compared.
        title = name if len({s for n, s in experiments if n == name}) == 1 else f"{name} [{setting}]"
        curves = strategies(chosen, metric)
        console.print(f"{title}: {metric}, mean ± standard deviation over seeds", soft_wrap=True)
        console.print(table(curves))
        for line in (*savings(curves, baseline, metric), *notes(chosen)):
            console.print(line, soft_wrap=True)
        if out is not None:
            from al_runner.report.figures import learning_curve

            stem = title.replace("/", "_").replace(" ", "_")
            for path in learning_curve(curves, metric, out / f"{stem}_learning_curve"):
                console.print(path, soft_wrap=True)


def strategies(runs: Sequence[Run], metric: str) -> Curves:
    """One curve for each strategy; where one was run in two ways, one for each way.

    Raises:
        InputError: a run does not have the metric.
    """
    known = {key for run in runs for row in run.rows for key in row if "/" in key}
    if metric not in known:
        raise InputError(f"--metric {metric}: no run has it; there are {', '.join(sorted(known))}")
    ways = {strategy: {run.group for run in runs if run.strategy == strategy} for strategy in _names(runs)}
    curves: Curves = {}
    for strategy, groups in ways.items():
        for group in sorted(groups):
            rows = [run.rows for run in runs if (run.strategy, run.group) == (strategy, group)]
            label = strategy if len(groups) == 1 else f"{strategy} [{group}]"
            try:
                curves[label] = Curve.of(rows, metric)
            except ValueError as error:
                raise InputError(f"{label}: {error}") from error
    return curves


def _names(runs: Sequence[Run]) -> list[str]:
    return list(dict.fromkeys(run.strategy for run in runs))


def table(curves: Curves) -> Table:
    """Mean ± standard deviation over seeds, by number of labels."""
    result = Table()
    result.add_column("labels", justify="right")
    for label, curve in curves.items():
        result.add_column(f"{label} ({len(curve.values)} seeds)", justify="right")
    for labels in sorted({float(n) for curve in curves.values() for n in curve.labels}):
        result.add_row(f"{labels:.0f}", *(_cell(curve, labels) for curve in curves.values()))
    return result


def _cell(curve: Curve, labels: float) -> str:
    at = (curve.labels == labels).nonzero()[0]
    if not len(at):
        return ""
    mean, deviation = curve.mean[at[0]], curve.deviation[at[0]]
    return f"{mean:.3f}" if deviation != deviation else f"{mean:.3f} ± {deviation:.3f}"


def savings(curves: Curves, baseline: str, metric: str) -> list[str]:
    """What each strategy needs to reach the baseline's final mean."""
    if baseline not in curves:
        return [f"Saving in labels: no runs of strategy={baseline} to compare with."]
    reference = curves[baseline]
    final, budget = reference.mean[-1], reference.labels[-1]
    lines = []
    for label, curve in curves.items():
        if label == baseline:
            continue
        needed = curve.labels_to_reach(final)
        goal = f"{baseline}'s {metric} at {budget:.0f} labels ({final:.3f})"
        if needed is None:
            lines.append(f"{label} does not reach {goal}.")
        elif needed > budget:
            lines.append(f"{label} reaches {goal} with {needed:.0f} labels, {needed / budget - 1:.0%} more.")
        else:
            lines.append(
                f"{label} reaches {goal} with {needed:.0f} labels: a saving of {1 - needed / budget:.0%}."
            )
    return lines


def notes(runs: Sequence[Run]) -> list[str]:
    """What a reader should know before believing the table."""
    lines = []
    seeds = len({run.seed for run in runs})
    least = 2 / 2**seeds
    if least > 0.05:
        lines.append(
            f"{seeds} seeds cannot show a difference (the least p of an exact paired test is {least:.2g}); "
            "run 6 or more."
        )
    if unfinished := [str(run.folder) for run in runs if run.status != "finished"]:
        lines.append(f"Unfinished: {', '.join(unfinished)}")
    return lines
