"""`al-report`: from run folders to an answer: tables, statistics, figures and one HTML page."""

import argparse
import shlex
import sys
from collections.abc import Sequence
from contextlib import suppress
from importlib.util import find_spec
from math import isfinite
from pathlib import Path
from typing import TYPE_CHECKING

from al_runner import __version__
from al_runner.config.commands import one_line, refusing
from al_runner.errors import InputError, instead

if TYPE_CHECKING:
    from al_runner.report.study.analysis import Options
    from al_runner.report.study.arms import Experiment
    from al_runner.report.study.published import Published

UNCOUNTED = {
    "cost": "no run counted its cost; oracle.cost=slices or foreground does",
    "minutes": "of no run it is known how long people read; al-label measures it, tables do not say it",
}


def main(arguments: Sequence[str] | None = None) -> None:
    """Entry point of `al-report`: exit code 0, or 2 for bad input."""
    words = sys.argv[1:] if arguments is None else list(arguments)
    with refusing("al-report"):
        options = parser().parse_args(words)
        if options.plan:
            plan(options)
        else:
            print(report(options, shlex.join(["al-report", *words])))


def parser() -> argparse.ArgumentParser:
    """The command line."""
    result = one_line(argparse.ArgumentParser("al-report", description=__doc__), "al-report")
    add = result.add_argument
    add("--version", action="version", version=f"al-report {__version__}")
    add("places", nargs="+", type=place, metavar="RUN_OR_TREE", help="run folders, or folders above them")
    add("--baseline", type=given, help="strategy or arm to compare with (what the runs say, else random)")
    add(
        "--metric",
        type=given,
        help="column of rounds.csv, such as test/auroc (the task's own, such as test/accuracy or test/dice)",
    )
    add(
        "--also",
        action="append",
        default=[],
        metavar="METRIC",
        help="a further metric whose learning curves are shown, without tests; may be repeated",
    )
    add(
        "--over",
        default="labels",
        choices=["labels", "cost", "minutes"],
        help="cost: also compare over what the labels cost, for runs with oracle.cost=slices or foreground; "
        "minutes: over the time that people read, for runs that they labeled on the page",
    )
    add(
        "--budget",
        type=count,
        metavar="LABELS",
        help="compare the runs as if they had ended with so many labels (all that they have)",
    )
    add("--target", type=finite, help="a score; how many labels does each strategy need to reach it?")
    add(
        "--test",
        default="sign-flip",
        choices=["sign-flip", "wilcoxon", "t"],
        help="paired test (%(default)s)",
    )
    add(
        "--margin",
        type=positive,
        help="a difference that is too small to matter: which strategies are equivalent within it?",
    )
    add(
        "--plan",
        action="store_true",
        help="take the runs as a pilot: how many seeds find a difference how often? writes no report",
    )
    add("--effect", type=positive, help="the difference that --plan is for (what the pilot has)")
    add(
        "--mixed-model",
        action="store_true",
        help="with five or more data sets: also a mixed model over them, by statsmodels",
    )
    add(
        "--where",
        action="append",
        default=[],
        metavar="KEY=VALUE",
        help="only runs with this; may be repeated",
    )
    add(
        "--reference",
        type=place,
        metavar="CSV",
        help="published curves to show beside ours: columns strategy, n_labeled and metrics, such as f1",
    )
    add(
        "--reference-as",
        action="append",
        default=[],
        metavar="THEIRS=OURS",
        help="what a strategy or a column of the CSV is called here; may be repeated",
    )
    add("--force", action="store_true", help="compare runs even if their data or schedules differ")
    add("--out", type=place, metavar="DIR", help="folder of the report (RUN_OR_TREE/report)")
    return result


def given(text: str) -> str:
    """A word, as `--metric "$METRIC"` is not where the variable is not set."""
    if text.strip():
        return text
    raise argparse.ArgumentTypeError("must not be empty")


def place(text: str) -> Path:
    """A path; the current folder is `.`"""
    return Path(given(text))


def finite(text: str) -> float:
    """A number that is neither infinite nor NaN."""
    with suppress(ValueError):
        if isfinite(value := float(text)):
            return value
    raise argparse.ArgumentTypeError(f"{text} is no finite number")


def positive(text: str) -> float:
    """A finite number above 0."""
    if (value := finite(text)) > 0:
        return value
    raise argparse.ArgumentTypeError(f"{text} must be above 0")


def count(text: str) -> int:
    """A whole number of at least 1."""
    if text.isdecimal() and int(text) > 0:
        return int(text)
    raise argparse.ArgumentTypeError(f"{text} must be a whole number, at least 1")


def published(options: argparse.Namespace) -> "Published | None":
    """The curves of `--reference`."""
    from al_runner.report.study.published import Published

    names = dict(name.partition("=")[::2] for name in options.reference_as)
    if not all(names.values()):
        raise InputError(f"--reference-as {' '.join(options.reference_as)}: each must be THEIRS=OURS")
    if options.reference is None:
        if names:
            raise InputError("--reference-as needs --reference")
        return None
    return Published.read(options.reference, names)


def found(options: argparse.Namespace) -> "tuple[Sequence[Experiment], Options]":
    """The experiments of the runs, and what is asked of them.

    Raises:
        InputError: no runs, damaged ones, runs that cannot be compared, or nothing that was asked for.
    """
    from al_runner.report.study.arms import headline, metrics
    from al_runner.report.study.folders import find
    from al_runner.report.study.grouping import experiments
    from al_runner.report.study.where import choose, unchosen

    if options.mixed_model and find_spec("statsmodels") is None:
        raise InputError("--mixed-model needs statsmodels: pip install 'al-runner[mixed]'")
    if options.effect is not None and not options.plan:
        raise InputError("--effect needs --plan")
    everything = find(options.places)
    runs = choose(everything, options.where)
    if options.budget is not None:
        runs = [run.up_to(options.budget) for run in runs]
    known, metric = metrics(runs), options.metric or headline(runs)
    for option, name in (("--metric", metric), *(("--also", name) for name in options.also)):
        if name not in known:
            lower = any(name in row for run in runs for row in run.rows)
            why = "is not compared, as lower is better" if lower else "no run has it"
            raise InputError(f"{option} {name}: {why}; {instead(name, known)}")
    if options.over != "labels" and not any(options.over in row for run in runs for row in run.rows):
        raise InputError(f"--over {options.over}: {UNCOUNTED[options.over]}")
    groups = experiments(runs, options.baseline, options.force)
    if options.baseline and not any(experiment.baseline for experiment in groups):
        labels = list(dict.fromkeys(arm.label for experiment in groups for arm in experiment.arms))
        raise InputError(f"--baseline {options.baseline}: {instead(options.baseline, labels)}")

    from al_runner.report.study.analysis import Options

    also = tuple(dict.fromkeys(name for name in options.also if name != metric))
    others = published(options)
    left_out = tuple(unchosen(everything, runs))
    return groups, Options(
        metric,
        options.test,
        options.target,
        also,
        others,
        options.over,
        options.margin,
        left_out,
        options.mixed_model,
    )


def report(options: argparse.Namespace, command: str) -> Path:
    """Read the runs, print the summary, and write the report.

    Returns:
        The page's path.

    Raises:
        InputError: as `found`, or the report cannot be written.
    """
    experiments, asked = found(options)

    from al_runner.report.writing.page import write
    from al_runner.report.writing.sections import sections
    from al_runner.report.writing.terminal import show

    content = list(sections(experiments, asked))
    page = write(content, options.out or options.places[0] / "report", command, asked)
    for section in content:
        show(section)
    return page


def plan(options: argparse.Namespace) -> None:
    """Read a pilot's runs, and print how often studies of more seeds, or fewer, find a difference.

    Raises:
        InputError: as `found`, or no pilot has a spread over seeds.
    """
    experiments, asked = found(options)

    from al_runner.report.study.analysis import analyses
    from al_runner.report.writing.plan import plans_of
    from al_runner.report.writing.terminal import show

    for section in plans_of(list(analyses(experiments, asked)), options.effect):
        show(section)


if __name__ == "__main__":
    main()
